import { InvalidStateError } from "../errors/index.ts";
import { CELL } from "../memory/index.ts";
import {
  generationIn,
  isCurrent,
  ownerIn,
  parking,
  settleCell,
  slotOf,
  STARVING,
  hasWaiters,
  wake,
  WAITERS,
  type Context,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { Date } from "../util/platform.ts";
import type { AcquirableBody } from "./acquirable.ts";
import { describeOwner } from "./describe.ts";
import { Guard } from "./guard.ts";
import type { Unreleased } from "./sync-object.ts";

/**
 * The state of a word that was released to the one that starves: nobody owns it, and only the one that
 * `CELL.starving` names may take it. The heir's token is not written here on its behalf: between reading
 * its name and writing it the heir may have given up, and it would own what it does not wait for.
 */
const RESERVED: number = STARVING | WAITERS;

/** How code takes a lock: for its thread, or for its async context. */
export type Manner = "sync" | "async";

/** A hold while a Condition waits. */
export interface SuspendedHold {
  readonly depth: number;
  readonly origin: Context | undefined;
  readonly context: Context | undefined;
  readonly hold: number;
}

/** A word that one participant owns at a time, as Lock, RLock and the writers of an RWLock use it. See ../parking/README.md. */
export class Ownership implements AcquirableBody {
  readonly cell: LocalCell;
  readonly #ints: Int32Array;
  readonly #state: number;
  readonly #token: number;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.#ints = cell.ints;
    this.#state = cell.base + CELL.state;
    this.#token = parking().participant.token;
  }

  /** Takes it if nobody has it. */
  tryTake(context: Context | undefined): boolean {
    if (Atomics.compareExchange(this.#ints, this.#state, 0, this.#token) !== 0) return false;
    this.#taken(context);
    return true;
  }

  /** Gives it back: to the one that starves, or to whoever comes first. */
  release(): void {
    const { cell } = this;
    if (!cell.isHeld) {
      throw new InvalidStateError(
        "This lock is not held by this thread: only the thread that took a lock can release it, and only once.",
      );
    }
    cell.isHeld = false;
    if (cell.context !== undefined) {
      cell.context.isHolding = false;
      cell.context = undefined;
    }
    if (Atomics.compareExchange(this.#ints, this.#state, this.#token, 0) !== this.#token)
      this.#pass();
    if (cell.toRing !== undefined) this.#ringNotified(cell.toRing);
    // Its last handle was closed meanwhile.
    if (cell.handles === 0) settleCell(cell);
  }

  /** Whether the holder before this thread died with it; false unless this thread holds it. */
  get isAbandoned(): boolean {
    return this.cell.isHeld && this.cell.isAbandoned;
  }

  guard(): Guard {
    return new Guard(() => this.release(), this.isAbandoned);
  }

  missed(ms: number): string {
    return `was not free within ${ms} ms; it is held by ${describeOwner(this)}`;
  }

  /** The hold that there is now, as long as it lasts. */
  unreleased(): Unreleased {
    const { cell } = this;
    const hold = cell.isHeld ? cell.hold : 0;
    return { take: () => cell.isHeld && cell.hold === hold };
  }

  /** Takes it once more, if it can be and the code that calls has it. */
  reenter(_manner: Manner, _options?: WaitOptions): boolean {
    return false;
  }

  /** Lets go of it however often it was taken, for a Condition that waits. */
  suspendHold(): SuspendedHold {
    const { depth, origin, context, hold } = this.cell;
    this.cell.depth = 0;
    this.release();
    return { depth, origin, context, hold };
  }

  /** What was just taken again is the hold that there was. */
  resumeHold({ hold }: SuspendedHold): void {
    this.cell.hold = hold;
  }

  /** As part of a wait for several objects. */
  jointRequest(context: Context | undefined): WaitRequest<true> {
    return this.request(context);
  }

  /** The participant that has it; 0 for nobody. */
  get owner(): number {
    return ownerIn(Atomics.load(this.#ints, this.#state));
  }

  /**
   * The request to have it. Its value is true.
   * @param rivals - how many waits of this thread have the same request.
   */
  request(
    context: Context | undefined,
    rivals: () => number = () => this.cell.waits,
  ): WaitRequest<true> {
    const cells = [this.cell];
    return {
      cells,
      group: this.cell,
      attempt: () => this.#attempt(context),
      arm: () => this.#arm(),
      holder: () => this.#awaited(),
      recover: () => this.#recover(),
      starve: () => this.#starve(),
      leave: () => this.#leave(rivals()),
      suspend: () => this.#leave(rivals()),
    };
  }

  #taken(context: Context | undefined): void {
    const { cell } = this;
    cell.isHeld = true;
    cell.hold = ++cell.holds;
    cell.isAbandoned = cell.isStolen;
    cell.isStolen = false;
    cell.context = context;
    if (context !== undefined) {
      context.isHolding = true;
      context.cell = cell;
    }
    this.#ints[cell.base + CELL.context] = context?.id ?? 0;
    cell.floats[(cell.base + CELL.since) / 2] = Date.now();
  }

  #attempt(context: Context | undefined): true | undefined {
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0) {
      // Others may still sleep, and the word has forgotten them.
      const mine = this.#token | (this.cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(this.#ints, this.#state, 0, mine) !== 0) return undefined;
    } else if (word === RESERVED && this.cell.isStarving) {
      const mine = this.#token | WAITERS;
      if (Atomics.compareExchange(this.#ints, this.#state, word, mine) !== word) return undefined;
    } else if (ownerIn(word) !== this.#token || this.cell.isHeld) {
      // Not taken over from the dead.
      return undefined;
    }
    faultPoint("owner:taken");
    this.#stopStarving();
    this.#taken(context);
    return true;
  }

  #arm(): boolean {
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0 || (ownerIn(word) === this.#token && !this.cell.isHeld)) return false;
    if (word === RESERVED) return !this.cell.isStarving;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(this.#ints, this.#state, word, word | WAITERS) === word;
  }

  /** Takes over from an owner that died; W stays, for others may sleep. */
  #recover(): boolean {
    const word = Atomics.load(this.#ints, this.#state);
    if (word === RESERVED) return this.#recoverReserved();
    const owner = ownerIn(word);
    if (owner === 0 || owner === this.#token || isAlive(owner)) return false;
    if (Atomics.compareExchange(this.#ints, this.#state, word, this.#token | WAITERS) !== word)
      return true;
    faultPoint("owner:stolen");
    this.cell.isStolen = true;
    return true;
  }

  /** The heir died before it came. What nobody owns can be freed at any time, even too late. */
  #recoverReserved(): boolean {
    const heir = this.#named;
    if (heir !== 0 && isAlive(heir)) return false;
    Atomics.compareExchange(this.#ints, this.#state, RESERVED, 0);
    return true;
  }

  /** Whose death would help a waiter: the owner, or the heir while nobody owns it. */
  #awaited(): number {
    const word = Atomics.load(this.#ints, this.#state);
    return word === RESERVED ? this.#named : ownerIn(word);
  }

  /** The participant that starves. */
  get #named(): number {
    return Atomics.load(this.#ints, this.cell.base + CELL.starving);
  }

  /** Asks to be handed it: names itself, then sets S. Only who is named may set S, so taking the name comes first. */
  #starve(): void {
    const starving = this.cell.base + CELL.starving;
    if (!this.cell.isStarving) {
      const named = this.#named;
      if (named !== 0 && named !== this.#token && isAlive(named)) return;
      if (Atomics.compareExchange(this.#ints, starving, named, this.#token) !== named) return;
      this.cell.isStarving = true;
      faultPoint("owner:named");
    }
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0 || (word & STARVING) !== 0) return;
    Atomics.compareExchange(this.#ints, this.#state, word, word | STARVING | WAITERS);
  }

  /** Withdraws the request, S first: from then on no release can reserve it for this thread. */
  #stopStarving(): void {
    if (!this.cell.isStarving) return;
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      if ((word & STARVING) === 0) break;
      // What is reserved becomes free, and `leave` wakes the next.
      const without = word === RESERVED ? 0 : word & ~STARVING;
      if (Atomics.compareExchange(this.#ints, this.#state, word, without) === word) break;
    }
    this.cell.isStarving = false;
    Atomics.compareExchange(this.#ints, this.cell.base + CELL.starving, this.#token, 0);
  }

  /** Lets go of a word that has flags. */
  #pass(): void {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      const heir = (word & STARVING) === 0 ? 0 : this.#named;
      const isReserved = heir !== 0 && isCurrent(parking().participant.arena, heir);
      const next = isReserved ? RESERVED : 0;
      if (Atomics.compareExchange(this.#ints, this.#state, word, next) !== word) continue;
      faultPoint("owner:released");
      if (isReserved) faultPoint("owner:reserved");
      // A dead heir cannot come; who is woken in its place frees what is reserved for it.
      if (!isReserved || !this.#wakeHeir()) wake(cell, parking(), 1);
      return;
    }
  }

  #ringNotified(slots: ReadonlySet<number>): void {
    const waker = parking();
    this.cell.toRing = undefined;
    faultPoint("condition:let-go");
    for (const slot of slots) {
      if (slot === waker.slot) waker.scanSoon();
      else waker.bells.ring(slot);
    }
  }

  /** The name is read only now: another may have taken the place of the one seen before. */
  #wakeHeir(): boolean {
    const heir = this.#named;
    const waker = parking();
    if (heir === this.#token) waker.scanSoon();
    // Nobody: it came already, or gave up and woke the next itself.
    return heir === this.#token || heir === 0 || waker.bells.ring(slotOf(heir));
  }

  /** A wait ended without success. */
  #leave(rivals: number): void {
    const { cell } = this;
    const waker = parking();
    if (rivals > 0) {
      // Another wait of this thread takes what may have come meanwhile.
      waker.scanSoon();
      return;
    }
    faultPoint("owner:leaving");
    this.#stopStarving();
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      if (word === 0) {
        wake(cell, waker, 1);
        return;
      }
      // This thread may have been rung, and others sleep on: the holder must know of them.
      if ((word & WAITERS) !== 0 || !hasWaiters(cell)) return;
      if (Atomics.compareExchange(this.#ints, this.#state, word, word | WAITERS) === word) return;
    }
  }
}

/** Whether a participant lives, asked of the kernel. */
function isAlive(token: number): boolean {
  return parking().bells.isAlive(slotOf(token), generationIn(token));
}
