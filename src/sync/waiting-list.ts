import { CELL } from "../memory/index.ts";
import { generationIn, parking, slotOf, type LocalCell } from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { ExtraWords, type Page } from "./extra-words.ts";

/** In the word of a waiter: it was notified. The rest of the word is its token. */
const NOTIFIED = 1;
/** A waiter's token and its ticket. */
const SEAT_WORDS = 2;

/** The place of one wait in the list. */
export interface Seat {
  readonly ints: Int32Array;
  readonly at: number;
}

/**
 * Who waits for a condition, in the order in which they came.
 *
 * All changes are made by the holder of the condition's lock, so there is one at a time. Each is a single
 * store, so stopping anywhere leaves a list that is whole.
 */
export class WaitingList {
  readonly #cell: LocalCell;
  readonly #words: ExtraWords;

  constructor(cell: LocalCell) {
    this.#cell = cell;
    this.#words = new ExtraWords(cell);
  }

  /** A seat behind all others. */
  take(): Seat {
    const seat = this.#find((word) => word === 0) ?? this.#find(isDead) ?? this.#newSeat();
    Atomics.store(seat.ints, seat.at, 0);
    const { ints, base } = this.#cell;
    Atomics.store(seat.ints, seat.at + 1, Atomics.add(ints, base + CELL.aux, 1));
    Atomics.store(seat.ints, seat.at, parking().participant.token);
    faultPoint("condition:enrolled");
    return seat;
  }

  isNotified({ ints, at }: Seat): boolean {
    return (Atomics.load(ints, at) & NOTIFIED) !== 0;
  }

  /** Gives a seat up. */
  leave({ ints, at }: Seat): void {
    Atomics.store(ints, at, 0);
  }

  /**
   * Notifies those who wait longest; the dead are forgotten.
   * @param count - how many at most.
   * @returns their slots; a thread with several waits may be among them more than once.
   */
  notify(count: number): number[] {
    const waiting: { readonly seat: Seat; readonly age: number }[] = [];
    const newest = Atomics.load(this.#cell.ints, this.#cell.base + CELL.aux);
    this.#visit((ints, at, word) => {
      if (word === 0 || (word & NOTIFIED) !== 0) return false;
      waiting.push({ seat: { ints, at }, age: (newest - Atomics.load(ints, at + 1)) | 0 });
      return false;
    });
    if (waiting.length === 0) return [];
    waiting.sort((a, b) => b.age - a.age);
    const notified: number[] = [];
    for (const { seat } of waiting) {
      if (notified.length >= count) break;
      const word = Atomics.load(seat.ints, seat.at);
      if (isDead(word)) {
        this.leave(seat);
      } else {
        Atomics.store(seat.ints, seat.at, word | NOTIFIED);
        faultPoint("condition:notified");
        notified.push(slotOf(word));
      }
    }
    return notified;
  }

  /** How many wait and were not notified; those who died may be among them. */
  get size(): number {
    let size = 0;
    this.#visit((_ints, _at, word) => {
      if (word !== 0 && (word & NOTIFIED) === 0) size++;
      return false;
    });
    return size;
  }

  #find(isWanted: (word: number) => boolean): Seat | undefined {
    let found: Seat | undefined;
    this.#visit((ints, at, word) => {
      if (isWanted(word)) found = { ints, at };
      return found !== undefined;
    });
    return found;
  }

  #newSeat(): Seat {
    const { ints, first }: Page = this.#words.grow();
    return { ints, at: first };
  }

  /** Looks at each seat, until it is told that this is enough. */
  #visit(isEnough: (ints: Int32Array, at: number, word: number) => boolean): void {
    for (const { ints, first, length } of this.#words.pages()) {
      for (let at = first; at < first + length; at += SEAT_WORDS) {
        if (isEnough(ints, at, Atomics.load(ints, at))) return;
      }
    }
  }
}

function isDead(word: number): boolean {
  const waker = parking();
  const slot = slotOf(word);
  if (slot === waker.slot && generationIn(word) === waker.participant.generation) return false;
  return !waker.bells.isAlive(slot, generationIn(word));
}
