import type { Socket } from "node:net";
import { AuthenticationError, EndOfStreamError } from "../errors/index.ts";
import { Endpoint } from "./endpoint.ts";
import {
  Handshake,
  type HandshakeOptions,
  isChallenge,
  keyWanted,
  MAX_HANDSHAKE_BYTES,
  type Role,
} from "./handshake.ts";
import { messageHeader } from "./message-reader.ts";
import { SocketTransport } from "./socket-transport.ts";

/**
 * Makes an end of a socket whose other side has to show first that it knows the key.
 *
 * No value is decoded and no message longer than {@link MAX_HANDSHAKE_BYTES} is taken before.
 *
 * @throws AuthenticationError when it does not know the key.
 * @throws EndOfStreamError when it leaves before.
 */
export function introduce(
  socket: Socket,
  role: Role,
  maxBytes: number,
  options: HandshakeOptions | undefined,
): Promise<Endpoint> {
  const endpoint = new Endpoint({ readable: true, writable: true, maxBytes });
  const transport = new SocketTransport(socket, endpoint);
  // What follows the handshake is read when somebody has accepted the connection.
  const finish = (): Endpoint => {
    endpoint.reader.maxBytes = maxBytes;
    endpoint.onTransportEnd = undefined;
    endpoint.pause();
    endpoint.attach(transport);
    return endpoint;
  };
  return new Promise((resolve, reject) => {
    if (options === undefined) {
      if (role === "client") watchForChallenge(endpoint);
      resolve(finish());
      transport.start();
      return;
    }
    endpoint.reader.maxBytes = MAX_HANDSHAKE_BYTES;
    endpoint.attachInbound(transport);
    endpoint.onTransportEnd = (error) => {
      const reason = new EndOfStreamError("The other side left during the handshake.", {
        cause: error,
      });
      endpoint.fail(reason);
      transport.destroy();
      reject(reason);
    };
    const handshake = new Handshake(role, options, (message) => {
      transport.write([messageHeader(message.length), message]);
    });
    const step = (message: Uint8Array): void => {
      try {
        if (handshake.step(message)) resolve(finish());
        else endpoint.interceptor = step;
      } catch (error) {
        endpoint.onTransportEnd = undefined;
        // After what was said last.
        transport.end();
        reject(error);
      }
    };
    endpoint.interceptor = step;
    // What cannot be a message of the handshake.
    void endpoint.attached.promise.then(() => {
      const { ended } = endpoint;
      if (ended === undefined) return;
      const what = `The other side sent something that is no message of the handshake${endpoint.dialect}.`;
      reject(new AuthenticationError(what, { cause: ended }));
    });
    transport.start();
  });
}

/** A listener that wants a key asks first, also a client that has none to give. */
function watchForChallenge(endpoint: Endpoint): void {
  endpoint.interceptor = (message) => {
    if (!isChallenge(message)) endpoint.accept(message);
    else endpoint.fail(keyWanted());
  };
}

/** The error of one who took too long. */
export function tooSlow(milliseconds: number): AuthenticationError {
  return new AuthenticationError(
    `The other side did not show within ${milliseconds} ms that it knows the key. Does it use one, and the same?`,
  );
}
