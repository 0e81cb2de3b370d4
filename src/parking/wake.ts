import { BITMAP_WORDS, CELL, type Place } from "../memory/index.ts";
import type { Doorbells } from "./doorbells.ts";

/** The one who wakes, so that it can wake itself without a FIFO. */
export interface Waker {
  readonly bells: Doorbells;
  /** This thread's own slot. */
  readonly slot: number;
  /** Looks at this thread's waits soon. */
  scanSoon(): void;
}

/**
 * Rings participants that sleep on a cell, in turn; dead ones are passed over.
 *
 * The state has changed before, so whoever is rung finds it; whoever comes later sees it before sleeping.
 * @param count - how many to ring at most.
 * @returns how many were rung.
 */
export function wake({ ints, base }: Place, waker: Waker, count: number): number {
  let rung = 0;
  const start = Atomics.add(ints, base + CELL.cursor, 1) >>> 0;
  const first = start % (BITMAP_WORDS * 32);
  // Once around, beginning in the middle of a word and ending with the rest of it.
  for (let step = 0; step <= BITMAP_WORDS && rung < count; step++) {
    const index = ((first >>> 5) + step) % BITMAP_WORDS;
    const word = base + CELL.waiters + index;
    let bits = Atomics.load(ints, word);
    if (step === 0) bits &= -1 << (first & 31);
    else if (step === BITMAP_WORDS) bits &= ~(-1 << (first & 31));
    while (bits !== 0 && rung < count) {
      const bit = 31 - Math.clz32(bits & -bits);
      bits &= bits - 1;
      const slot = index * 32 + bit;
      if (slot === waker.slot) {
        waker.scanSoon();
        rung++;
      } else if (waker.bells.ring(slot)) {
        rung++;
      } else {
        Atomics.and(ints, word, ~(1 << bit));
      }
    }
  }
  return rung;
}

/** Whether anyone sleeps on a cell. */
export function hasWaiters({ ints, base }: Place): boolean {
  for (let word = 0; word < BITMAP_WORDS; word++) {
    if (Atomics.load(ints, base + CELL.waiters + word) !== 0) return true;
  }
  return false;
}

/** Rings every other participant that sleeps on a cell. */
export function wakeAll(place: Place, bells: Doorbells): void {
  wake(place, { bells, slot: -1, scanSoon: () => {} }, Infinity);
}
