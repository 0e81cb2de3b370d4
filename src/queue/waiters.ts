import { CELL } from "../memory/index.ts";
import { hasWaiters, parking, wake, WAITERS, type LocalCell } from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";

/**
 * Waiters on one change of a queue: an item, room, the last `taskDone`.
 *
 * A waiter sets its bit, then the word, then looks again; who changes something looks at the word
 * after. Whoever finds it set clears it and wakes one of them, and that one takes the duty over: when it
 * has looked, it sets the word again for the rest, and wakes the next one if there is something left.
 */
export class Waiters {
  readonly cell: LocalCell;
  readonly #ints: Int32Array;
  readonly #word: number;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.#ints = cell.ints;
    this.#word = cell.base + CELL.state;
  }

  /** Announces a waiter, which has to look again after it. */
  announce(): void {
    Atomics.store(this.#ints, this.#word, WAITERS);
  }

  /** Wakes up to `count` of them, if there are any. */
  signal(count: number): void {
    if (Atomics.load(this.#ints, this.#word) === 0) return;
    if (Atomics.exchange(this.#ints, this.#word, 0) === 0) return;
    faultPoint("queue:before-ring");
    wake(this.cell, parking(), count);
  }

  /** Wakes all of them, each to look for itself. */
  signalAll(): void {
    this.announce();
    this.signal(Infinity);
  }

  /** Does what a woken waiter owes the others, whether it found something or not. */
  passOn(isThereMore: () => boolean): void {
    if (!hasWaiters(this.cell)) return;
    faultPoint("queue:before-pass");
    this.announce();
    // This thread's own bit is among them as long as it has waits: it does not count as another.
    if (isThereMore()) this.signal(this.cell.waits > 0 ? 2 : 1);
  }
}
