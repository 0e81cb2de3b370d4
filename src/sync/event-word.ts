import { CELL, type Place } from "../memory/index.ts";
import {
  hasWaiters,
  parking,
  wake,
  WAITERS,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import { GrantOne } from "./grant-one.ts";
import type { Body } from "./sync-object.ts";

// The state: a count | AUTO | SET | W. Each set and pulse counts in the very step in which it takes effect: were
// it two, who waits could go through, clear the event, and wait again between them, and one set would let it
// through twice.
const SET = 2;
const AUTO = 4;
const COUNT = 8;
const COUNT_SHIFT = 3;

/** The words of an Event. */
export class EventWord implements Body {
  readonly cell: LocalCell;
  readonly isAuto: boolean;
  readonly #state: number;
  /** Lets a pulse choose who goes on. */
  readonly #grants: GrantOne;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.#state = cell.base + CELL.state;
    this.isAuto = EventWord.isAuto(cell);
    this.#grants = new GrantOne(cell);
  }

  /** Writes the state of a new event. */
  static fill({ ints, base }: Place, isAuto: boolean, isSet: boolean): void {
    ints[base + CELL.state] = (isAuto ? AUTO : 0) | (isSet ? SET : 0);
  }

  static isAuto({ ints, base }: Place): boolean {
    return (Atomics.load(ints, base + CELL.state) & AUTO) !== 0;
  }

  get isSet(): boolean {
    return (Atomics.load(this.cell.ints, this.#state) & SET) !== 0;
  }

  set(): void {
    const word = this.#change(SET, true);
    if ((word & WAITERS) !== 0) wake(this.cell, parking(), this.isAuto ? 1 : Infinity);
  }

  clear(): void {
    Atomics.and(this.cell.ints, this.#state, ~SET);
  }

  pulse(): void {
    if (this.isAuto) {
      const word = Atomics.and(this.cell.ints, this.#state, ~SET);
      // It was set for one who has not woken up yet, if anybody sleeps.
      if ((word & SET) !== 0) this.#grants.give();
      this.#grants.give();
      return;
    }
    const word = this.#change(0, false);
    if ((word & WAITERS) !== 0) wake(this.cell, parking(), Infinity);
  }

  /** The request to be let through. */
  request(): WaitRequest<true> {
    const { cell } = this;
    if (this.isAuto) {
      const turn = this.#grants.begin();
      return {
        cells: [cell],
        group: cell,
        attempt: () => (turn.take() ? true : this.#attemptAuto()),
        arm: () => this.#arm(() => turn.isGiven),
        holder: () => 0,
        leave: () => this.#passOn(),
        passOn: () => this.#passOn(),
        suspend: () => this.#passOn(),
      };
    }
    const begun = this.#count;
    const isPast = (): boolean => this.#count !== begun;
    return {
      cells: [cell],
      group: cell,
      attempt: () => (this.isSet || isPast() ? true : undefined),
      arm: () => this.#arm(isPast),
      holder: () => 0,
      leave: () => {
        // Everybody was rung: those behind this one only have to be looked at.
        if (cell.waits > 0) parking().scanSoon();
      },
      suspend: () => {},
    };
  }

  #attemptAuto(): true | undefined {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if ((word & SET) === 0) return undefined;
      // Others may still sleep, and the word has forgotten them.
      const next = (word & ~SET) | (cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return true;
    }
  }

  /** Notes that somebody sleeps; a pulse leaves no trace in the state, so it is looked for afterwards. */
  #arm(isReleased: () => boolean): boolean {
    const { cell } = this;
    const word = Atomics.load(cell.ints, this.#state);
    if ((word & SET) !== 0) return false;
    const armed = word | WAITERS;
    if (word !== armed && Atomics.compareExchange(cell.ints, this.#state, word, armed) !== word)
      return false;
    return !isReleased();
  }

  /** A wait ended: it may have been rung for a set that nobody has used, or chosen by a pulse since. */
  #passOn(): void {
    const { cell } = this;
    if (cell.waits > 0) {
      parking().scanSoon();
      return;
    }
    if (this.#grants.take()) this.#grants.give();
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if ((word & SET) !== 0) {
        wake(cell, parking(), 1);
        return;
      }
      if ((word & WAITERS) !== 0 || !hasWaiters(cell)) return;
      if (Atomics.compareExchange(cell.ints, this.#state, word, word | WAITERS) === word) return;
    }
  }

  /** How often it was set or pulsed. */
  get #count(): number {
    return Atomics.load(this.cell.ints, this.#state) >>> COUNT_SHIFT;
  }

  /** Sets or clears it, counts that and forgets who sleeps, in one step; gives the word before. */
  #change(set: typeof SET | 0, keepsWaiters: boolean): number {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      // It is set already: who sleeps was rung then, and may have noted it again since.
      if (keepsWaiters && (word & SET) === set) return word & WAITERS;
      const next = ((word + COUNT) & ~(SET | WAITERS)) | set;
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return word;
    }
  }
}
