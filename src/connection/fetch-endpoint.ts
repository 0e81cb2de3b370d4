import { EndOfStreamError } from "../errors/index.ts";
import { Endpoint } from "./endpoint.ts";
import { awaitCounterpart, linkHandler } from "./link.ts";
import { ownHandoffServer } from "./handoff-server.ts";
import { messageHeader } from "./message-reader.ts";
import { net } from "../util/builtin.ts";
import { callForSocket } from "./send-socket.ts";
import { SocketTransport } from "./socket-transport.ts";
import { type Answer, claimFrame, type HandoffToken, parseAnswer } from "./handoff-token.ts";

const GONE = "The one who sent this connection is gone, or it was fetched before.";

/** Fetches an end that was sent to this thread; it can be used at once. */
export function fetchEndpoint(token: HandoffToken, options: Endpoint["options"]): Endpoint {
  const home = ownHandoffServer(token.address);
  if (home === undefined) {
    const endpoint = new Endpoint(options);
    claim(endpoint, token);
    return endpoint;
  }
  const endpoint = home.fetch(token.secret)?.endpoint;
  if (endpoint === undefined) {
    const lost = new Endpoint(options);
    lost.fail(new EndOfStreamError(GONE));
    return lost;
  }
  endpoint.handoff?.keep();
  return endpoint;
}

/**
 * Claims an end at the handoff server where it waits.
 *
 * @param guide - the keeper that said where: its socket ends when we are there, so that it can tell the
 *   other end if we never come.
 */
function claim(endpoint: Endpoint, token: HandoffToken, guide?: SocketTransport): void {
  const socket = net().connect({ path: token.address, allowHalfOpen: true });
  const transport = new SocketTransport(socket, endpoint);
  endpoint.interceptor = (message) => {
    guide?.destroy();
    onAnswer(endpoint, transport, parseAnswer(message, token));
  };
  endpoint.onTransportEnd = (error) => {
    guide?.destroy();
    endpoint.fail(new EndOfStreamError(GONE, { cause: error }));
    transport.destroy();
  };
  transport.start();
  transport.write([claimFrame(token)]);
  endpoint.attachInbound(transport);
}

function onAnswer(endpoint: Endpoint, transport: SocketTransport, answer: Answer): void {
  if (answer.kind === "link") {
    endpoint.onTransportEnd = undefined;
    endpoint.handler = answer.moves ? linkHandler : undefined;
    endpoint.isAcceptor = false;
    endpoint.attach(transport);
    return;
  }
  const call = answer.kind === "take" ? callForSocket(answer.token) : undefined;
  // What was not read yet comes first, then this socket ends.
  endpoint.readAll();
  endpoint.onTransportEnd = () => {
    endpoint.transport = undefined;
    if (answer.kind === "take") {
      transport.destroy();
      useSocket(endpoint, call?.take());
      return;
    }
    if (answer.kind === "go") {
      claim(endpoint, answer.token, transport);
      return;
    }
    const frame = Buffer.from(JSON.stringify(awaitCounterpart(endpoint)));
    transport.write([messageHeader(frame.length), frame]);
    transport.end();
  };
}

/** Attaches the connection's own socket. */
function useSocket(endpoint: Endpoint, fd: number | undefined): void {
  if (fd === undefined) {
    endpoint.fail(new EndOfStreamError(GONE));
    return;
  }
  const socket = new (net().Socket)({ fd, allowHalfOpen: true, readable: true, writable: true });
  const transport = new SocketTransport(socket, endpoint);
  transport.start();
  endpoint.attach(transport);
}
