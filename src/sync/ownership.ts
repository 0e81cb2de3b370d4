import { InvalidStateError } from "../errors/index.ts";
import { CELL } from "../memory/index.ts";
import {
  generationIn,
  isCurrent,
  ownerIn,
  parking,
  slotOf,
  STARVING,
  hasWaiters,
  wake,
  WAITERS,
  type Context,
  type LocalCell,
  type Wish,
} from "../parking/index.ts";

/** A word that one participant owns at a time, as Lock, RLock and the writers of an RWLock use it. See README.md. */
export class Ownership {
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
  }

  /** The participant that has it; 0 for nobody. */
  get owner(): number {
    return ownerIn(Atomics.load(this.#ints, this.#state));
  }

  /** The wish to have it. Its value is true. */
  wish(context: Context | undefined): Wish<true> {
    const cells = [this.cell];
    return {
      cells,
      group: this.cell,
      attempt: () => this.#attempt(context),
      arm: () => this.#arm(),
      holder: () => this.owner,
      recover: () => this.#recover(),
      starve: () => this.#starve(),
      leave: () => this.#leave(),
    };
  }

  #taken(context: Context | undefined): void {
    const { cell } = this;
    cell.isHeld = true;
    cell.isAbandoned = cell.isStolen;
    cell.isStolen = false;
    cell.context = context;
    if (context !== undefined) context.isHolding = true;
    this.#ints[cell.base + CELL.context] = context?.id ?? 0;
    cell.floats[(cell.base + CELL.since) / 2] = Date.now();
  }

  #attempt(context: Context | undefined): true | undefined {
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0) {
      // Others may still sleep, and the word has forgotten them.
      const mine = this.#token | (this.cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(this.#ints, this.#state, 0, mine) !== 0) return undefined;
    } else if (ownerIn(word) !== this.#token || this.cell.isHeld) {
      // Not handed to us, nor taken over from the dead.
      return undefined;
    }
    this.#stopStarving();
    this.#taken(context);
    return true;
  }

  #arm(): boolean {
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0 || (ownerIn(word) === this.#token && !this.cell.isHeld)) return false;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(this.#ints, this.#state, word, word | WAITERS) === word;
  }

  /** Takes over from an owner that died; W stays, for others may sleep. */
  #recover(): boolean {
    const word = Atomics.load(this.#ints, this.#state);
    const owner = ownerIn(word);
    if (owner === 0 || owner === this.#token) return false;
    if (parking().bells.isAlive(slotOf(owner), generationIn(owner))) return false;
    if (Atomics.compareExchange(this.#ints, this.#state, word, this.#token | WAITERS) !== word)
      return true;
    this.cell.isStolen = true;
    return true;
  }

  /** Asks to be handed it: names itself, then sets S. Only who is named may set S, so taking the name comes first. */
  #starve(): void {
    const starving = this.cell.base + CELL.starving;
    if (!this.cell.isStarving) {
      const named = Atomics.load(this.#ints, starving);
      if (named !== 0 && isCurrent(parking().participant.arena, named)) return;
      if (Atomics.compareExchange(this.#ints, starving, named, this.#token) !== named) return;
      this.cell.isStarving = true;
    }
    const word = Atomics.load(this.#ints, this.#state);
    if (word === 0 || ownerIn(word) === this.#token || (word & STARVING) !== 0) return;
    Atomics.compareExchange(this.#ints, this.#state, word, word | STARVING | WAITERS);
  }

  /** Withdraws the request, S first: from then on no release can hand over to this thread. */
  #stopStarving(): void {
    if (!this.cell.isStarving) return;
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      if ((word & STARVING) === 0) break;
      if (Atomics.compareExchange(this.#ints, this.#state, word, word & ~STARVING) === word) break;
    }
    this.cell.isStarving = false;
    Atomics.compareExchange(this.#ints, this.cell.base + CELL.starving, this.#token, 0);
  }

  /** Lets go of a word that has flags. */
  #pass(): void {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      if ((word & STARVING) !== 0) {
        const heir = Atomics.load(this.#ints, cell.base + CELL.starving);
        if (heir !== 0 && isCurrent(parking().participant.arena, heir)) {
          if (Atomics.compareExchange(this.#ints, this.#state, word, heir | WAITERS) !== word)
            continue;
          this.#wakeHeir(heir);
          return;
        }
      }
      if (Atomics.compareExchange(this.#ints, this.#state, word, 0) !== word) continue;
      wake(cell, parking(), 1);
      return;
    }
  }

  #wakeHeir(heir: number): void {
    const waker = parking();
    if (heir === this.#token) waker.scanSoon();
    // When it is dead, the next who looks takes over from it.
    else waker.bells.ring(slotOf(heir));
  }

  /** A wait ended without success. */
  #leave(): void {
    const { cell } = this;
    const waker = parking();
    if (cell.waits > 0) {
      // Another wait of this thread takes what may have come meanwhile.
      waker.scanSoon();
      return;
    }
    this.#stopStarving();
    for (;;) {
      const word = Atomics.load(this.#ints, this.#state);
      if (ownerIn(word) === this.#token && !cell.isHeld) {
        cell.isStolen = false;
        this.#pass();
        return;
      }
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
