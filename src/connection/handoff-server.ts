import { clearTimeout, setTimeout } from "../util/platform.ts";
import { threadId } from "node:worker_threads";
import type { Server, Socket } from "node:net";
import { EndOfStreamError } from "../errors/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { crypto, net } from "../util/builtin.ts";
import { PendingSockets } from "./pending-sockets.ts";
import { claimOf, handoffPrefix, type HandoffToken, proofOf } from "./handoff-token.ts";
import { Claimer } from "./claimer.ts";

/** Milliseconds for which an end that was not fetched keeps the program open. */
const STAY_MS = 10_000;
/** A lost end is given up only after this: its receiver may be on its way although its task has failed. */
const LOST_MS = 1000;
const PENDING_LIMITS = { timeout: 10_000, max: 256 };

/** Keeps an end until somebody claims it. */
export interface Keeper {
  /** The end, when it is one of a connection. */
  readonly endpoint: Endpoint | undefined;
  /** Called when the one who knows the secret is here. */
  onClaim(claimer: Claimer): void;
  /** Called when nobody will come. */
  onLost(error: Error): void;
}

interface PendingHandoff {
  readonly secret: string;
  readonly keeper: Keeper;
  /** Keeps the program open for a while. */
  readonly stay: NodeJS.Timeout;
}

/**
 * The local socket of a thread at which ends wait for their new owners. These show that they know the secret
 * of the end, and are shown the same.
 */
class HandoffServer {
  readonly address: string;
  readonly #pending: Map<string, PendingHandoff> = new Map();
  readonly #pendingSockets = new PendingSockets(PENDING_LIMITS);
  readonly #server: Server;

  constructor() {
    const unique = crypto().randomBytes(8).toString("hex");
    this.address = `${handoffPrefix()}${process.pid}-${threadId}-${unique}`;
    this.#server = net().createServer(
      { allowHalfOpen: true },
      (socket) => void this.#accept(socket),
    );
    // The socket is there when this returns: a new owner may come before this thread is idle again.
    this.#server.listen({ path: this.address, backlog: 512 });
    this.#server.unref();
  }

  /** Keeps an end for the claimer that brings `secret`. */
  register(secret: string, keeper: Keeper): void {
    const stay = setTimeout(() => {}, STAY_MS);
    this.#pending.set(claimOf(secret), { secret, keeper, stay });
  }

  /** Gives an end out, once. */
  fetch(secret: string): Keeper | undefined {
    return this.#take(claimOf(secret))?.keeper;
  }

  /** Gives an end up after `delay`, unless it was fetched by then. */
  lose(secret: string, reason: string, delay: number = LOST_MS): void {
    setTimeout(() => {
      this.fetch(secret)?.onLost(new EndOfStreamError(reason));
    }, delay).unref();
  }

  #take(claim: string): PendingHandoff | undefined {
    const pending = this.#pending.get(claim);
    if (pending === undefined) return undefined;
    this.#pending.delete(claim);
    clearTimeout(pending.stay);
    return pending;
  }

  async #accept(socket: Socket): Promise<void> {
    this.#pendingSockets.add(socket);
    const claimer = new Claimer(socket);
    claimer.transport.start();
    let claim: string;
    try {
      claim = Buffer.from(await claimer.receive()).toString();
    } catch {
      // It ended, or sent something that is no claim.
      socket.destroy();
      return;
    }
    const pending = this.#pendingSockets.release(socket) ? this.#take(claim) : undefined;
    if (pending === undefined) {
      socket.destroy();
      return;
    }
    claimer.proof = proofOf(pending.secret);
    pending.keeper.onClaim(claimer);
  }
}

let own: HandoffServer | undefined;

/** The handoff server of this thread, opened by the first end that leaves it. */
export function handoffServer(): HandoffServer {
  own ??= new HandoffServer();
  return own;
}

/** The handoff server of this thread if that is its address. */
export function ownHandoffServer(address: string): HandoffServer | undefined {
  return own?.address === address ? own : undefined;
}

/** A new token for something of this thread. */
export function newHandoffToken(): HandoffToken {
  return { address: handoffServer().address, secret: crypto().randomBytes(16).toString("hex") };
}
