import { CELL, type Place } from "../memory/index.ts";
import {
  hasWaiters,
  parking,
  wake,
  WAITERS,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import type { Guard } from "./guard.ts";
import { permitGuard, type PermitBody } from "./permit-body.ts";

// The state: permits << 1 | W.
const ONE = 2;

/** The permits of a Semaphore: a number in its state word. */
export class CountedPermits implements PermitBody {
  readonly cell: LocalCell;
  /** The most there can be. */
  readonly max: number;
  readonly #state: number;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.#state = cell.base + CELL.state;
    this.max = Atomics.load(cell.ints, cell.base + CELL.aux);
  }

  /** Writes the words of a new semaphore. */
  static fill({ ints, base }: Place, value: number, max: number): void {
    ints[base + CELL.state] = value << 1;
    ints[base + CELL.aux] = max;
  }

  get free(): number {
    return Atomics.load(this.cell.ints, this.#state) >>> 1;
  }

  take(): true | undefined {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if (word >>> 1 === 0) return undefined;
      // Others may still sleep, and the word has forgotten them.
      const next = (word - ONE) | (cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return true;
    }
  }

  /** @returns 0 when there would be more than the maximum. */
  giveBack(count: number): number {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      const value = (word >>> 1) + count;
      if (value > this.max) return 0;
      // W goes: whoever is rung sets it again, whether it finds a permit or not.
      if (Atomics.compareExchange(cell.ints, this.#state, word, value << 1) !== word) continue;
      if ((word & WAITERS) !== 0) wake(cell, parking(), count);
      return count;
    }
  }

  guard(describe: () => string): Guard {
    return permitGuard(this, describe);
  }

  missed(ms: number): string {
    return `had no permit within ${ms} ms`;
  }

  tooMany(count: number): string {
    return `has ${this.free} permits and can have ${this.max}: releasing ${count} would be too many. Release only what was acquired.`;
  }

  request(): WaitRequest<true> {
    const { cell } = this;
    return {
      cells: [cell],
      group: cell,
      attempt: () => this.take(),
      arm: () => this.#arm(),
      holder: () => 0,
      leave: () => this.#passOn(),
      passOn: () => this.#passOn(),
      suspend: () => this.#passOn(),
    };
  }

  #arm(): boolean {
    const { ints } = this.cell;
    const word = Atomics.load(ints, this.#state);
    if (word >>> 1 !== 0) return false;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(ints, this.#state, word, word | WAITERS) === word;
  }

  /**
   * A wait ended: it may have been rung for a permit that is still there, by several releases or after it had
   * one. Whoever is rung in its place comes here too, until none is left.
   */
  #passOn(): void {
    const { cell } = this;
    if (cell.waits > 0) {
      parking().scanSoon();
      return;
    }
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if (word >>> 1 !== 0) {
        wake(cell, parking(), 1);
        return;
      }
      if ((word & WAITERS) !== 0 || !hasWaiters(cell)) return;
      if (Atomics.compareExchange(cell.ints, this.#state, word, word | WAITERS) === word) return;
    }
  }
}
