import { BITMAP_WORDS, CELL } from "../memory/index.ts";
import { parking, type LocalCell } from "../parking/index.ts";

/** What one wait has of it; what was given before the wait began is for older waits of the thread. */
export interface Turn {
  readonly isGiven: boolean;
  take(): boolean;
}

/**
 * Lets one of those that sleep on a cell go on, and nobody who comes later: a bit in the cell's `members`
 * says to a participant that one of its waits is over. The dead are passed over.
 */
export class GrantOne {
  readonly #cell: LocalCell;
  readonly #slot: number;

  constructor(cell: LocalCell) {
    this.#cell = cell;
    this.#slot = parking().slot;
  }

  /** A wait begins: what was meant for one who had this slot before, or for no wait that is left, is void. */
  begin(): Turn {
    if (this.#cell.waits === 0) this.take();
    let isForOlder = this.#isGiven;
    const isGiven = (): boolean => {
      const isNow = this.#isGiven;
      if (!isNow) isForOlder = false;
      return isNow && !isForOlder;
    };
    return {
      get isGiven() {
        return isGiven();
      },
      take: () => isGiven() && this.take(),
    };
  }

  /** Uses what was given to this thread, for whichever wait. */
  take(): boolean {
    return this.#isGiven && this.#clear(this.#slot);
  }

  get #isGiven(): boolean {
    return this.#isSet(CELL.members, this.#slot);
  }

  /** Gives it to a participant that sleeps, if there is one. */
  give(): boolean {
    const { ints, base } = this.#cell;
    const slots = BITMAP_WORDS * 32;
    const first = (Atomics.add(ints, base + CELL.cursor, 1) >>> 0) % slots;
    for (let step = 0; step < slots; step++) {
      const slot = (first + step) % slots;
      if (slot % 32 === 0 && Atomics.load(ints, base + CELL.waiters + (slot >>> 5)) === 0) {
        step += 31;
        continue;
      }
      if (!this.#isSet(CELL.waiters, slot) || this.#isSet(CELL.members, slot)) continue;
      Atomics.or(ints, this.#word(CELL.members, slot), 1 << (slot & 31));
      // It may have ended its last wait in between; unless it saw the bit then, it is to be given on.
      const isStillThere = this.#isSet(CELL.waiters, slot) && this.#ring(slot);
      if (isStillThere || !this.#clear(slot)) return true;
    }
    return false;
  }

  #ring(slot: number): boolean {
    const waker = parking();
    if (slot !== waker.slot) return waker.bells.ring(slot);
    waker.scanSoon();
    return true;
  }

  /** Takes a bit back; false when somebody else did. */
  #clear(slot: number): boolean {
    const bit = 1 << (slot & 31);
    return (Atomics.and(this.#cell.ints, this.#word(CELL.members, slot), ~bit) & bit) !== 0;
  }

  #isSet(bitmap: number, slot: number): boolean {
    return (Atomics.load(this.#cell.ints, this.#word(bitmap, slot)) & (1 << (slot & 31))) !== 0;
  }

  #word(bitmap: number, slot: number): number {
    return this.#cell.base + bitmap + (slot >>> 5);
  }
}
