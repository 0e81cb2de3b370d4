import { net } from "../util/builtin.ts";
import type { Claimer } from "./claimer.ts";
import type { Endpoint, Handler } from "./endpoint.ts";
import { handoffServer, newHandoffToken } from "./handoff-server.ts";
import { claimFrame, type HandoffToken, type ControlFrame } from "./handoff-token.ts";
import type { Transport } from "./transport.ts";

/** Milliseconds for the other end, which was told to come here. */
const COMING_MS = 30_000;

/** Answers the other end of a link, both of whose ends are manycore's, while this end stays where it is. */
export const linkHandler: Handler = {
  onControl(endpoint: Endpoint, frame: unknown): void {
    if ((frame as ControlFrame).kind === "move") relink(endpoint);
  },
};

/** Says where this end, which stays, waits for the other one, which moves. */
function relink(endpoint: Endpoint): void {
  const old = endpoint.transport;
  endpoint.sendControl({ kind: "at", token: awaitCounterpart(endpoint) });
  endpoint.detach();
  if (old === undefined) return;
  old.sink = { onData() {}, onEnd() {}, onDrain: () => endpoint.onDrain() };
  old.end();
}

/** Waits for the other end of `endpoint`, which comes here. @returns where it is to go. */
export function awaitCounterpart(endpoint: Endpoint): HandoffToken {
  const token = newHandoffToken();
  handoffServer().register(token.secret, {
    endpoint,
    onClaim(claimer) {
      claimer.send({ kind: "link", moves: true });
      attachLink(endpoint, claimer.transport);
    },
    onLost: (error) => endpoint.abandon(error),
  });
  handoffServer().lose(
    token.secret,
    "The other end of the connection was lost on its way.",
    COMING_MS,
  );
  // Closed meanwhile: whoever comes finds nobody.
  endpoint.onEnded = () => void handoffServer().fetch(token.secret);
  return token;
}

/** Attaches a socket that the other end has opened. */
export function attachLink(endpoint: Endpoint, transport: Transport): void {
  endpoint.handler = linkHandler;
  endpoint.isAcceptor = true;
  endpoint.attach(transport);
}

/** Tells a claimer where to go on. If it dies on its way, the one who waits there learns of it. */
export function directTo(
  claimer: Claimer,
  token: HandoffToken,
  unread: readonly Uint8Array[],
): void {
  claimer.send({ kind: "go", token }, unread);
  claimer.transport.shutdown();
  void claimer.gone.then(() => {
    claimer.transport.destroy();
    useUp(token);
  });
}

/** Uses up a token: who was to use it is gone. One that was used is not valid any more. */
function useUp(token: HandoffToken): void {
  const socket = net().connect({ path: token.address });
  // The one who waits is gone, too.
  socket.on("error", () => {});
  // Not read, it would never see the end.
  socket.resume();
  socket.end(claimFrame(token));
}
