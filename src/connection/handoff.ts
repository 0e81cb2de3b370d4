import { EndOfStreamError } from "../errors/index.ts";
import { transition, type Transitions } from "../util/state-machine.ts";
import type { Claimer } from "./claimer.ts";
import type { Endpoint, Handler } from "./endpoint.ts";
import { handoffServer, type Keeper, newHandoffToken } from "./handoff-server.ts";
import { type HandoffToken, parseHandoffToken, type ControlFrame } from "./handoff-token.ts";
import { attachLink, directTo } from "./link.ts";
import { MemoryTransport } from "./memory-transport.ts";
import { relay } from "./relay.ts";
import { canSendSockets, sendSocket } from "./send-socket.ts";
import { SocketTransport } from "./socket-transport.ts";

/** States of an end that is sent; the drawing is in README.md. */
export type HandoffState =
  /** Waits at the handoff server of this thread for its claimer. */
  | "offered"
  /** The claimer is here; what carries the end may not be known yet. */
  | "claimed"
  /** The other end is of this thread and offered too; its claimer is not here yet. */
  | "waiting"
  /** The other end has been told that this one moves, and has not said where it is to be found. */
  | "moving"
  /** The claimer was told to wait for the other end, and has not said where. */
  | "hosting"
  /** The claimer was told where the other end is, and is on its way. */
  | "directing"
  /** The claimer was told to call a second time, for the socket itself. */
  | "mailing"
  /** The claimer has what it came for; nothing is left to do here. */
  | "given"
  /** The claimer is gone, or the other end was lost: the connection has ended. */
  | "lost"
  /** Fetched by this very thread: nothing was given. */
  | "kept";

export const HANDOFF_TRANSITIONS: Transitions<HandoffState> = {
  offered: ["claimed", "kept", "lost"],
  claimed: ["waiting", "moving", "directing", "mailing", "given", "lost"],
  waiting: ["hosting", "lost"],
  moving: ["directing", "hosting", "given", "lost"],
  hosting: ["given", "lost"],
  directing: ["given", "lost"],
  mailing: ["given", "lost"],
  given: [],
  lost: [],
  kept: [],
};

const LOST = "The connection was lost on its way to another process.";

/**
 * One end of a connection that is given away: from the moment it was sent until its new owner, the claimer, has all
 * it needs. The only owner of that state; `endpoint.handoff` is how the rest of this room asks for it.
 */
export class Handoff implements Handler, Keeper {
  readonly endpoint: Endpoint;
  #state: HandoffState = "offered";
  #claimer: Claimer | undefined;
  /** Settles {@link Handoff.#moveLink} in state `moving`. */
  #answer: ((answer: MoveAnswer) => void) | undefined;

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  get state(): HandoffState {
    return this.#state;
  }

  /** Gives `endpoint` to whoever brings the secret of `token`. */
  static offer(endpoint: Endpoint, token: HandoffToken): void {
    const handoff = new Handoff(endpoint);
    endpoint.handoff = handoff;
    // The new owner gets the socket with what is in it.
    if (isForeign(endpoint)) endpoint.pause();
    handoffServer().register(token.secret, handoff);
  }

  /** The end was fetched by the thread that gave it away: it goes on as if nothing had been. */
  keep(): void {
    this.#enter("kept");
    this.endpoint.handoff = undefined;
    this.endpoint.resume();
  }

  /** Takes the other end's answer in state `moving`. */
  onControl(_: Endpoint, frame: unknown): void {
    const answer = frame as ControlFrame;
    if (answer.kind === "at")
      this.#answer?.({ kind: "at", token: parseHandoffToken(answer.token) });
    // Both move at once: one of them has to be told where the other is.
    else if (!this.endpoint.isAcceptor) this.#answer?.({ kind: "yield" });
  }

  #enter(next: HandoffState): void {
    this.#state = transition(HANDOFF_TRANSITIONS, this.#state, next, "A connection that is sent");
  }

  /** Ends an offer that nobody will claim: offered → lost. */
  onLost(error: Error): void {
    this.#enter("lost");
    this.endpoint.abandon(error);
  }

  /** Begins to serve the new owner: offered → claimed, and on by the kind of transport. */
  onClaim(claimer: Claimer): void {
    this.#enter("claimed");
    this.#claimer = claimer;
    // Until it has what it came for, this program is needed.
    claimer.transport.ref();
    void this.#give(claimer);
  }

  async #give(claimer: Claimer): Promise<void> {
    const { endpoint } = this;
    try {
      await Promise.race([endpoint.attached.promise, claimer.gone]);
      const { transport } = endpoint;
      if (claimer.isGone) throw new EndOfStreamError("The receiver of a connection died.");
      if (transport instanceof MemoryTransport) await this.#giveMemory(transport, claimer);
      else if (endpoint.ended !== undefined || transport === undefined)
        this.#giveRest(claimer, endpoint.takeUnread());
      else if (endpoint.handler !== undefined) await this.#moveLink(claimer, endpoint.handler);
      else this.#giveSocket(transport as SocketTransport, claimer);
    } catch (error) {
      this.#lose(LOST, error);
    }
  }

  /** → given: nothing will come but what is there. */
  #giveRest(claimer: Claimer, unread: readonly Uint8Array[]): void {
    claimer.sendLast({ kind: "link", moves: false }, unread);
    this.#enter("given");
  }

  /** The other end is in this thread, too: → given, waiting or directing. */
  async #giveMemory(transport: MemoryTransport, claimer: Claimer): Promise<void> {
    const other = transport.peer;
    const peer = other?.sink as Endpoint | undefined;
    if (other === undefined || peer === undefined) {
      this.#giveRest(claimer, unreadOf(this.endpoint, transport));
      return;
    }
    const { handoff } = peer;
    if (!(handoff instanceof Handoff)) {
      claimer.send(
        { kind: "link", moves: true },
        disconnect(this.endpoint, transport, peer, other),
      );
      attachLink(peer, claimer.transport);
      this.#enter("given");
      return;
    }
    if (handoff.#state !== "waiting") {
      this.#enter("waiting");
      void claimer.gone.then(() => {
        if (this.#state === "waiting") this.#lose("The receiver of the other end died.");
        else claimer.transport.destroy();
      });
      return;
    }
    const unread = disconnect(this.endpoint, transport, peer, other);
    let token: HandoffToken;
    try {
      token = await handoff.#host();
    } catch {
      // The other claimer died meanwhile: for this one the stream ends after what there is.
      this.#giveRest(claimer, unread);
      return;
    }
    this.#direct(claimer, token, unread);
  }

  /** claimed → moving → directing, hosting or given: the other end is in another thread or process. */
  async #moveLink(claimer: Claimer, before: Handler): Promise<void> {
    this.#enter("moving");
    const { endpoint } = this;
    const link = endpoint.transport;
    const answer = await new Promise<MoveAnswer>((resolve) => {
      this.#answer = resolve;
      endpoint.handler = this;
      endpoint.onTransportEnd = () => resolve({ kind: "end" });
      endpoint.readAll();
      endpoint.sendControl({ kind: "move" });
    });
    endpoint.handler = before;
    if (answer.kind === "yield") {
      endpoint.sendControl({ kind: "at", token: await this.#host() });
      link?.end();
      return;
    }
    const unread = endpoint.takeUnread();
    if (answer.kind === "at") this.#direct(claimer, answer.token, unread);
    else this.#giveRest(claimer, unread);
    link?.destroy();
  }

  /** claimed → mailing → given: the other side may be anybody, so the socket itself is sent, or serves from here. */
  #giveSocket(transport: SocketTransport, claimer: Claimer): void {
    const { endpoint } = this;
    if (!canSendSockets()) {
      claimer.send({ kind: "link", moves: false }, endpoint.takeUnread());
      relay(transport.release(), claimer.transport.release());
      this.#enter("given");
      return;
    }
    this.#enter("mailing");
    const unread = transport.drain();
    const token = newHandoffToken();
    handoffServer().register(token.secret, {
      endpoint,
      onClaim: (taker) => {
        // It finds this one's end and no socket when that fails.
        sendSocket(taker.transport, transport);
        transport.destroy();
        taker.transport.end();
        claimer.transport.end();
        this.#enter("given");
      },
      onLost: (error) => endpoint.abandon(error),
    });
    void claimer.gone.then(() => {
      const isUnclaimed = handoffServer().fetch(token.secret) !== undefined;
      if (isUnclaimed) this.#lose("The receiver died.");
      else claimer.transport.destroy();
    });
    claimer.send({ kind: "take", token }, [...endpoint.takeUnread(), ...unread]);
  }

  /** → hosting → given: lets the claimer wait for the other end. @returns where. */
  async #host(): Promise<HandoffToken> {
    this.#enter("hosting");
    const claimer = this.#claimer as Claimer;
    try {
      claimer.send({ kind: "host" }, this.endpoint.takeUnread());
      claimer.transport.shutdown();
      const frame = Buffer.from(await claimer.receive()).toString();
      const token = parseHandoffToken(JSON.parse(frame));
      this.#enter("given");
      return token;
    } catch (error) {
      this.#lose(LOST, error);
      throw error;
    } finally {
      claimer.transport.destroy();
    }
  }

  /** → directing → given: the claimer is told where to go on. If it dies on its way, the one who waits there hears of it. */
  #direct(claimer: Claimer, token: HandoffToken, unread: readonly Uint8Array[]): void {
    this.#enter("directing");
    directTo(claimer, token, unread);
    void claimer.gone.then(() => this.#enter("given"));
  }

  #lose(reason: string, cause?: unknown): void {
    if (HANDOFF_TRANSITIONS[this.#state].length === 0) return;
    this.#enter("lost");
    this.#claimer?.transport.destroy();
    const error = cause === undefined ? undefined : { cause };
    this.endpoint.abandon(new EndOfStreamError(reason, error));
  }
}

/** The answer to the frame `move`. */
type MoveAnswer =
  | { readonly kind: "at"; readonly token: HandoffToken }
  /** Both ends move; this side is the one to give in. */
  | { readonly kind: "yield" }
  | { readonly kind: "end" };

/** True for an end on a socket whose other side need not be manycore. */
function isForeign(endpoint: Endpoint): boolean {
  const { isAttached, transport, handler } = endpoint;
  return isAttached && transport instanceof SocketTransport && handler === undefined;
}

/** Disconnects two ends of this thread. @returns what `endpoint` has not read. */
function disconnect(
  endpoint: Endpoint,
  transport: MemoryTransport,
  peer: Endpoint,
  other: MemoryTransport,
): Uint8Array[] {
  peer.detach();
  for (const chunk of other.disconnect(false)) peer.onData(chunk);
  const unread = unreadOf(endpoint, transport);
  peer.onDrain();
  return unread;
}

function unreadOf(endpoint: Endpoint, transport: MemoryTransport): Uint8Array[] {
  return [...endpoint.takeUnread(), ...transport.disconnect(true)];
}
