import { BITMAP_WORDS, CELL, type Place } from "../memory/index.ts";
import {
  BARRIER_BROKEN,
  parking,
  participant,
  settleCell,
  wake,
  WAITERS,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";

// State: round:15 << 17 | broken:1 << 16 | arrived:15 << 1 | W. Further words of the cell:

/** Counts of resets, for the rounds that have these two low bits. */
const RESETS = CELL.number;
const RESET_COUNTERS = 4;
/** Why the barrier broke, for messages; 0 is a party that died. */
const REASON = CELL.since;

const ROUND_MASK = 0x7fff;
export const MAX_PARTIES = 0x7fff;

/** Why a barrier broke. Part of the ABI. */
export const BREAK_REASON = {
  died: 0,
  timeout: 1,
  given: 2,
  abort: 3,
  reset: 4,
  action: 5,
} as const;
export type BreakReason = (typeof BREAK_REASON)[keyof typeof BREAK_REASON];

/** A party of a round that has begun. */
export interface Arrival {
  readonly round: number;
  /** How many came before. */
  readonly index: number;
  readonly isLast: boolean;
  /** What the reset counter of the round was. */
  readonly resets: number;
}

type Outcome = "passed" | "broken";

/** What people read of a reason. */
export const BREAK_TEXTS: Readonly<Record<number, string>> = {
  [BREAK_REASON.died]: "one of its parties died",
  [BREAK_REASON.timeout]: "one of its parties waited longer than its timeout",
  [BREAK_REASON.given]: "one of its parties gave up by its signal",
  [BREAK_REASON.abort]: "abort() was called",
  [BREAK_REASON.reset]: "reset() was called",
  [BREAK_REASON.action]: "its action failed",
};

const roundIn = (state: number): number => state >>> 17;
const arrivedIn = (state: number): number => (state >>> 1) & MAX_PARTIES;
const isBrokenState = (state: number): boolean => (state & BARRIER_BROKEN) !== 0;
const nextRound = (state: number): number => ((roundIn(state) + 1) & ROUND_MASK) << 17;

/** The state of a barrier in words, for those who look on. */
export function describeBarrier({ ints, base }: Place): string {
  const state = Atomics.load(ints, base + CELL.state);
  if (isBrokenState(state)) {
    const reason = Atomics.load(ints, base + REASON);
    return `broken: ${BREAK_TEXTS[reason] ?? BREAK_TEXTS[0]}`;
  }
  return `${arrivedIn(state)} of ${Atomics.load(ints, base + CELL.aux)} have arrived`;
}

/**
 * The rounds of a barrier. A round is filling until all parties have arrived; then it is complete, and the
 * one who came last runs the action and begins the next round, which lets the others go. Or it
 * breaks, and stays so until it is reset.
 *
 * A party sets its bit in `members` before it counts as arrived, and the one who came last clears all bits but
 * its own before the next round begins: so a bit whose participant is dead means, in any round, that
 * somebody is missing.
 */
export class BarrierRounds {
  readonly cell: LocalCell;
  readonly parties: number;
  readonly #ints: Int32Array;
  readonly #state: number;
  readonly #ownWord: number;
  readonly #ownBit: number;

  constructor(cell: LocalCell) {
    const { slot } = participant();
    this.cell = cell;
    this.#ints = cell.ints;
    this.#state = cell.base + CELL.state;
    this.parties = Atomics.load(cell.ints, cell.base + CELL.aux);
    this.#ownWord = slot >>> 5;
    this.#ownBit = 1 << (slot & 31);
  }

  get isBroken(): boolean {
    return isBrokenState(this.#load());
  }

  /** How many have arrived and wait; 0 when it is broken. */
  get arrived(): number {
    const state = this.#load();
    return isBrokenState(state) ? 0 : arrivedIn(state);
  }

  get reason(): number {
    return Atomics.load(this.#ints, this.cell.base + REASON);
  }

  /** The request to arrive; while a complete round has not been left, newcomers wait. */
  arrival(): WaitRequest<Arrival | "broken"> {
    return {
      cells: [this.cell],
      group: {},
      attempt: () => this.#arrive(),
      arm: () => this.#arm((state) => arrivedIn(state) >= this.parties),
      holder: () => 0,
      recover: () => this.#breakForDead(),
      // Everybody is rung when a round ends.
      suspend: () => {},
    };
  }

  /** The request that a round one has arrived in ends. */
  end(arrival: Arrival): WaitRequest<Outcome> {
    return {
      cells: [this.cell],
      group: arrival,
      attempt: () => this.outcome(arrival),
      arm: () => this.#arm((state) => roundIn(state) === arrival.round),
      holder: () => 0,
      recover: () => this.#breakForDead(),
      // Everybody is rung when a round ends.
      suspend: () => {},
    };
  }

  /** How a round ended; undefined while it lasts. */
  outcome({ round, resets }: Arrival): Outcome | undefined {
    const state = this.#load();
    if (roundIn(state) !== round) {
      return Atomics.load(this.#ints, this.#resetsOf(round)) === resets ? "passed" : "broken";
    }
    return isBrokenState(state) ? "broken" : undefined;
  }

  /**
   * Lets all parties of a complete round go; the one who came last does it.
   * @returns false when the round was broken meanwhile.
   */
  complete({ round }: Arrival): boolean {
    this.#breakForDead();
    let state = this.#load();
    if (roundIn(state) !== round || isBrokenState(state)) return false;
    this.#clearMembers(true);
    faultPoint("barrier:complete");
    for (;;) {
      if (this.#swap(state, nextRound(state))) break;
      state = this.#load();
      if (roundIn(state) !== round || isBrokenState(state)) return false;
    }
    faultPoint("barrier:passed");
    if ((state & WAITERS) !== 0) wake(this.cell, parking(), Infinity);
    return true;
  }

  /** This thread has one party less under way. */
  leave(): void {
    if (--this.cell.members > 0) return;
    this.#clearOwnBit();
    // Its last handle was closed meanwhile.
    if (this.cell.handles === 0) settleCell(this.cell);
  }

  /** Breaks the present round, or the given one if it still lasts, for all. */
  break(reason: BreakReason, round?: number): void {
    for (;;) {
      const state = this.#load();
      if (isBrokenState(state) || (round !== undefined && roundIn(state) !== round)) return;
      if (!this.#swap(state, state | BARRIER_BROKEN)) continue;
      Atomics.store(this.#ints, this.cell.base + REASON, reason);
      wake(this.cell, parking(), Infinity);
      return;
    }
  }

  /** Breaks the present round for those who are in it, and begins a new one. */
  reset(): void {
    // One at a time, so that only one counts the reset; broken until the end, so that nobody arrives meanwhile.
    participant().arena.exclusively(() => {
      const { round, isEmpty } = this.#standing;
      if (isEmpty) return;
      this.break(BREAK_REASON.reset, round);
      if (roundIn(this.#load()) !== round) return;
      Atomics.add(this.#ints, this.#resetsOf(round), 1);
      faultPoint("barrier:resetting");
      this.#clearMembers(false);
      Atomics.store(this.#ints, this.cell.base + REASON, BREAK_REASON.died);
      for (let state = this.#load(); !this.#swap(state, nextRound(state));) state = this.#load();
    });
    wake(this.cell, parking(), Infinity);
  }

  get #standing(): { readonly round: number; readonly isEmpty: boolean } {
    const state = this.#load();
    return { round: roundIn(state), isEmpty: arrivedIn(state) === 0 && !isBrokenState(state) };
  }

  #arrive(): Arrival | "broken" | undefined {
    for (;;) {
      const state = this.#load();
      const index = arrivedIn(state);
      if (isBrokenState(state) || index >= this.parties) {
        // Set in vain, by a turn of this loop.
        if (this.cell.members === 0) this.#clearOwnBit();
        return isBrokenState(state) ? "broken" : undefined;
      }
      const round = roundIn(state);
      const resets = Atomics.load(this.#ints, this.#resetsOf(round));
      Atomics.or(this.#ints, this.cell.base + CELL.members + this.#ownWord, this.#ownBit);
      faultPoint("barrier:enrolled");
      if (!this.#swap(state, state + 2)) continue;
      faultPoint("barrier:arrived");
      this.cell.members++;
      return { round, index, resets, isLast: index + 1 === this.parties };
    }
  }

  #arm(isUnchanged: (state: number) => boolean): boolean {
    const state = this.#load();
    if (isBrokenState(state) || !isUnchanged(state)) return false;
    return (state & WAITERS) !== 0 || this.#swap(state, state | WAITERS);
  }

  /** Breaks the barrier when somebody is missing. */
  #breakForDead(): boolean {
    if (this.isBroken) return false;
    const { bells, slot: own } = parking();
    const first = this.cell.base + CELL.members;
    for (let word = 0; word < BITMAP_WORDS; word++) {
      let bits = Atomics.load(this.#ints, first + word);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const slot = word * 32 + bit;
        if (slot === own) continue;
        const generation = bells.generationOf(slot);
        if (generation !== undefined && bells.isAlive(slot, generation)) continue;
        // Looked at again: it may have passed the barrier and ended since, and another come in its place.
        if ((Atomics.load(this.#ints, first + word) & (1 << bit)) === 0) continue;
        if (bells.generationOf(slot) !== generation) continue;
        this.break(BREAK_REASON.died);
        return true;
      }
    }
    return false;
  }

  #clearMembers(isOwnKept: boolean): void {
    const first = this.cell.base + CELL.members;
    for (let word = 0; word < BITMAP_WORDS; word++) {
      const kept = isOwnKept && word === this.#ownWord ? this.#ownBit : 0;
      if ((Atomics.load(this.#ints, first + word) & ~kept) !== 0)
        Atomics.and(this.#ints, first + word, kept);
    }
  }

  #clearOwnBit(): void {
    Atomics.and(this.#ints, this.cell.base + CELL.members + this.#ownWord, ~this.#ownBit);
  }

  #resetsOf(round: number): number {
    return this.cell.base + RESETS + (round & (RESET_COUNTERS - 1));
  }

  #load(): number {
    return Atomics.load(this.#ints, this.#state);
  }

  #swap(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#ints, this.#state, from, to) === from;
  }
}
