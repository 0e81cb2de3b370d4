import { net } from "../util/builtin.ts";
import type { Claimer } from "./claimer.ts";
import type { Endpoint, Handler } from "./endpoint.ts";
import { handoffServer, newHandoffToken } from "./handoff-server.ts";
import { claimMessage, type HandoffToken, type Words } from "./handoff-token.ts";
import type { Transport } from "./transport.ts";

/** The other end has been told to come here; it is not far. */
const COMING_MS = 30_000;

/** Answers the other end of a link, both of whose ends are manycore's, while this end stays where it is. */
export const linkHandler: Handler = {
  onControl(endpoint: Endpoint, words: unknown): void {
    if ((words as Words).kind === "move") relink(endpoint);
  },
};

/** The other end moves, this one stays: it gets a new link. */
function relink(endpoint: Endpoint): void {
  const old = endpoint.transport;
  endpoint.say({ kind: "at", token: awaitCounterpart(endpoint) });
  endpoint.uncarry();
  if (old === undefined) return;
  old.sink = { onData() {}, onEnd() {}, onDrain: () => endpoint.onDrain() };
  old.end();
}

/** Makes room for the other end of `endpoint`, which comes here. @returns where it is to go. */
export function awaitCounterpart(endpoint: Endpoint): HandoffToken {
  const token = newHandoffToken();
  handoffServer().park(token.secret, {
    endpoint,
    onClaim(claimer) {
      claimer.say({ kind: "link", moves: true });
      carryLink(endpoint, claimer.transport);
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

/** Goes on through a socket that the other end has opened. */
export function carryLink(endpoint: Endpoint, transport: Transport): void {
  endpoint.handler = linkHandler;
  endpoint.isAcceptor = true;
  endpoint.carry(transport);
}

/** Says where to go on. If the claimer dies on its way there, the one who waits for it learns of it. */
export function directTo(
  claimer: Claimer,
  token: HandoffToken,
  unread: readonly Uint8Array[],
): void {
  claimer.say({ kind: "go", token }, unread);
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
  socket.end(claimMessage(token));
}
