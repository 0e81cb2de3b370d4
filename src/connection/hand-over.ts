import { EndOfStreamError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import type { Endpoint, Handler } from "./endpoint.ts";
import { handoffServer, newHandoffToken } from "./handoff-server.ts";
import { messageHeader } from "./message-reader.ts";
import { MemoryTransport } from "./memory-transport.ts";
import { net } from "../util/builtin.ts";
import { relay } from "./relay.ts";
import { canSendSockets, sendSocket } from "./send-socket.ts";
import { SocketTransport } from "./socket-transport.ts";
import { parseHandoffToken, type HandoffToken, type Words } from "./handoff-token.ts";
import type { Claimer } from "./claimer.ts";

/** The other end has been told to come here; it is not far. */
const COMING_MS = 30_000;

/** What an end that said that it moves was answered. */
type Outcome =
  | { readonly kind: "at"; readonly token: HandoffToken }
  /** Both ends move; this side is the one to give in. */
  | { readonly kind: "yield" }
  | { readonly kind: "end" };

/** Ends whose new owner is here while they wait for the other side. */
const moving: WeakMap<Endpoint, Deferred<Outcome>> = new WeakMap();
/** New owners of ends whose other end is in this thread, given away too, and not fetched yet. */
const early: WeakMap<Endpoint, Claimer> = new WeakMap();

/** Keeps an end that was given away until its new owner comes. */
export function park(endpoint: Endpoint, token: HandoffToken): void {
  endpoint.isParked = true;
  // The new owner gets the socket with what is in it.
  if (isForeign(endpoint)) endpoint.pause();
  handoffServer().park(token.secret, endpoint, (claimer) => void handOver(endpoint, claimer));
}

/** Makes room for the other end of `endpoint`, which comes here. @returns where it is to go. */
export function awaitCounterpart(endpoint: Endpoint): HandoffToken {
  const token = newHandoffToken();
  handoffServer().park(token.secret, endpoint, (claimer) => {
    claimer.say({ kind: "link", moves: true });
    carryLink(endpoint, claimer);
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

/** Answers when the other end of a link says that it moves. */
export const linkHandler: Handler = {
  onControl(endpoint: Endpoint, words: unknown): void {
    const said = words as Words;
    const here = moving.get(endpoint);
    if (said.kind === "at") here?.resolve({ kind: "at", token: parseHandoffToken(said.token) });
    else if (here === undefined) stay(endpoint);
    // Both have said that they move: one of them has to be told where the other is.
    else if (!endpoint.isAcceptor) here.resolve({ kind: "yield" });
  },
};

/** The other end moves, this one stays where it is: it gets a new link. */
function stay(endpoint: Endpoint): void {
  const old = endpoint.transport;
  endpoint.say({ kind: "at", token: awaitCounterpart(endpoint) });
  endpoint.uncarry();
  if (old === undefined) return;
  old.sink = { onData() {}, onEnd() {}, onDrain: () => endpoint.onDrain() };
  old.end();
}

function carryLink(endpoint: Endpoint, claimer: Claimer): void {
  endpoint.handler = linkHandler;
  endpoint.isAcceptor = true;
  endpoint.carry(claimer.transport);
}

/** Carried by a socket whose other side may be anybody. */
function isForeign(endpoint: Endpoint): boolean {
  const { isCarried, transport, handler } = endpoint;
  return isCarried && transport instanceof SocketTransport && handler === undefined;
}

/** Gives an end to its new owner, with all that it has not read. */
async function handOver(endpoint: Endpoint, claimer: Claimer): Promise<void> {
  // Until it has what it came for, this program is needed.
  claimer.transport.ref();
  try {
    await Promise.race([endpoint.settled.promise, claimer.gone]);
    const { transport } = endpoint;
    if (claimer.isGone) throw new EndOfStreamError("The receiver of a connection died.");
    if (transport instanceof MemoryTransport) await giveNear(endpoint, transport, claimer);
    else if (endpoint.ended !== undefined || transport === undefined) giveEnded(endpoint, claimer);
    else if (endpoint.handler !== undefined) await giveLink(endpoint, claimer);
    else giveSocket(endpoint, transport as SocketTransport, claimer);
  } catch (error) {
    claimer.transport.destroy();
    const reason = "The connection was lost on its way to another process.";
    endpoint.abandon(new EndOfStreamError(reason, { cause: error }));
  }
}

function giveEnded(endpoint: Endpoint, claimer: Claimer): void {
  claimer.leave({ kind: "link", moves: false }, endpoint.takeUnread());
}

/** The other end is in this thread, too. */
async function giveNear(
  endpoint: Endpoint,
  transport: MemoryTransport,
  claimer: Claimer,
): Promise<void> {
  const other = transport.peer;
  const peer = other?.sink as Endpoint | undefined;
  if (other === undefined || peer === undefined) {
    claimer.leave({ kind: "link", moves: false }, unreadOf(endpoint, transport));
    return;
  }
  if (!peer.isParked) {
    const unread = part(endpoint, transport, peer, other);
    claimer.say({ kind: "link", moves: true }, unread);
    carryLink(peer, claimer);
    return;
  }
  const first = early.get(peer);
  if (first === undefined) {
    early.set(endpoint, claimer);
    void claimer.gone.then(() => {
      claimer.transport.destroy();
      if (early.get(endpoint) === claimer)
        endpoint.abandon(new EndOfStreamError("The receiver of the other end died."));
    });
    return;
  }
  early.delete(peer);
  const unread = part(endpoint, transport, peer, other);
  await lead(claimer, unread, () => host(first, peer.takeUnread()));
}

/** Undoes the joint of two ends of this thread. @returns what `endpoint` has not read. */
function part(
  endpoint: Endpoint,
  transport: MemoryTransport,
  peer: Endpoint,
  other: MemoryTransport,
): Uint8Array[] {
  peer.uncarry();
  for (const chunk of other.sever(false)) peer.onData(chunk);
  const unread = unreadOf(endpoint, transport);
  peer.onDrain();
  return unread;
}

function unreadOf(endpoint: Endpoint, transport: MemoryTransport): Uint8Array[] {
  return [...endpoint.takeUnread(), ...transport.sever(true)];
}

/** The other end is in another thread or process, which lets it be linked anew. */
async function giveLink(endpoint: Endpoint, claimer: Claimer): Promise<void> {
  const outcome = deferred<Outcome>();
  moving.set(endpoint, outcome);
  const link = endpoint.transport;
  endpoint.onTransportEnd = () => outcome.resolve({ kind: "end" });
  endpoint.readAll();
  endpoint.say({ kind: "move" });
  const answer = await outcome.promise;
  moving.delete(endpoint);
  const unread = endpoint.takeUnread();
  if (answer.kind === "yield") {
    const token = await host(claimer, unread);
    endpoint.say({ kind: "at", token });
    link?.end();
    return;
  }
  if (answer.kind === "at") guide(claimer, answer.token, unread);
  else claimer.leave({ kind: "link", moves: false }, unread);
  link?.destroy();
}

/** The other side may be anybody: the socket itself is sent, or else serves from here. */
function giveSocket(endpoint: Endpoint, transport: SocketTransport, claimer: Claimer): void {
  if (!canSendSockets()) {
    claimer.say({ kind: "link", moves: false }, endpoint.takeUnread());
    relay(transport.release(), claimer.transport.release());
    return;
  }
  const unread = transport.drain();
  const token = newHandoffToken();
  handoffServer().park(token.secret, endpoint, (taker) => {
    // It finds this one's end and no socket when that fails.
    sendSocket(taker.transport, transport);
    transport.destroy();
    taker.transport.end();
    claimer.transport.end();
  });
  void claimer.gone.then(() => {
    // No effect when it has called.
    handoffServer()
      .fetch(token.secret)
      ?.endpoint.abandon(new EndOfStreamError("The receiver died."));
    claimer.transport.destroy();
  });
  claimer.say({ kind: "take", token }, [...endpoint.takeUnread(), ...unread]);
}

/** Lets a new owner wait for the other end. @returns where. */
async function host(claimer: Claimer, unread: readonly Uint8Array[]): Promise<HandoffToken> {
  try {
    claimer.say({ kind: "host" }, unread);
    claimer.transport.shutdown();
    return parseHandoffToken(JSON.parse(Buffer.from(await claimer.hear()).toString()));
  } finally {
    claimer.transport.destroy();
  }
}

/** Sends a new owner to where the other end is; if that is lost, the connection has ended. */
async function lead(
  claimer: Claimer,
  unread: readonly Uint8Array[],
  where: () => Promise<HandoffToken>,
): Promise<void> {
  let token: HandoffToken;
  try {
    token = await where();
  } catch {
    // The other new owner died meanwhile: for this one the stream ends after what there is.
    claimer.leave({ kind: "link", moves: false }, unread);
    return;
  }
  guide(claimer, token, unread);
}

/** Says where to go on. If the claimer dies on its way there, the one who waits for it learns of it. */
function guide(claimer: Claimer, token: HandoffToken, unread: readonly Uint8Array[]): void {
  claimer.say({ kind: "go", token }, unread);
  claimer.transport.shutdown();
  void claimer.gone.then(() => {
    claimer.transport.destroy();
    cancel(token);
  });
}

/** Uses up a token: who was to use it is gone. One that was used is not valid any more. */
function cancel(token: HandoffToken): void {
  const socket = net().connect({ path: token.address });
  // The one who waits is gone, too.
  socket.on("error", () => {});
  // Not read, it would never see the end.
  socket.resume();
  const secret = Buffer.from(token.secret);
  socket.end(Buffer.concat([messageHeader(secret.length), secret]));
}
