import { NotSupportedError } from "../errors/index.ts";
import { os } from "../os/index.ts";
import { net } from "../util/builtin.ts";
import { descriptorOf, type SocketTransport } from "./socket-transport.ts";
import { claimFrame, type HandoffToken } from "./handoff-token.ts";

/** True where sockets can be sent to other processes. */
export function canSendSockets(): boolean {
  try {
    return os().mail !== undefined;
  } catch (error) {
    if (error instanceof NotSupportedError) return false;
    throw error;
  }
}

/** Sends the socket of a transport to the process at the other end of `way`. @returns false when it is lost. */
export function sendSocket(way: SocketTransport, transport: SocketTransport): boolean {
  return os().mail?.send(descriptorOf(way.socket), descriptorOf(transport.socket)) ?? false;
}

/** A connection to the keeper of a socket. */
export interface SocketCall {
  /** Takes the socket if it has come, and hangs up. */
  take(): number | undefined;
}

/** Connects to the keeper of a socket. */
export function callForSocket(token: HandoffToken): SocketCall {
  const line = net().connect({ path: token.address });
  // Node must not read from it: the socket comes with a byte, and would be lost with it.
  line.pause();
  // Nobody there: there will be no socket either.
  line.on("error", () => {});
  line.write(claimFrame(token));
  return {
    take: () => {
      const fd = descriptorOf(line);
      const socket = fd < 0 ? undefined : os().mail?.receive(fd);
      line.destroy();
      return socket;
    },
  };
}
