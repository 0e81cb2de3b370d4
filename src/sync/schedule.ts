import { CELL, type Place } from "../memory/index.ts";
import { WAITERS } from "../parking/index.ts";
import { hrtime } from "../util/platform.ts";

// The state: version << 2 | AUTO | W. The lowest bit of the version says which of two entries is valid: a new
// schedule is written to the other one and counts once the version is raised, so nobody sees half of it.
const AUTO = 2;
const VERSION_SHIFT = 2;

// Words of an entry, from `members` on.
const ENTRY = {
  /** f64: when it falls due first, in milliseconds of {@link monotonic}; Infinity for never. */
  due: 0,
  /** f64: 0 for once. */
  period: 2,
  /** version:8 << 24 | ticks:24 - which tick was used up last (automatic reset). */
  used: 4,
} as const;
const ENTRY_WORDS = 6;
const TICK_MASK = 0xffffff;

/** Milliseconds of a clock that all processes since the start of the machine share, and that nobody can set. */
export function monotonic(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** A schedule at one moment. */
interface Snapshot {
  readonly word: number;
  /** Index of the entry's first word. */
  readonly entry: number;
  readonly due: number;
  readonly period: number;
}

/** When a WaitableTimer falls due. No owner and no thread drives it: whoever waits works it out. */
export class Schedule {
  readonly #cell: Place;
  readonly #state: number;
  readonly isAuto: boolean;

  constructor(cell: Place) {
    this.#cell = cell;
    this.#state = cell.base + CELL.state;
    this.isAuto = (Atomics.load(cell.ints, this.#state) & AUTO) !== 0;
  }

  /** Writes the state of a new timer, which is not set. */
  static fill({ ints, floats, base }: Place, isAuto: boolean): void {
    ints[base + CELL.state] = isAuto ? AUTO : 0;
    floats[(base + CELL.members + ENTRY.due) / 2] = Infinity;
  }

  static isAuto({ ints, base }: Place): boolean {
    return (Atomics.load(ints, base + CELL.state) & AUTO) !== 0;
  }

  /** Milliseconds until it falls due, or 0; Infinity for never. */
  get due(): number {
    const { entry, due, period } = this.#read();
    const now = monotonic();
    if (now < due) return due - now;
    if (!this.isAuto) return 0;
    const tick = tickAt(now, due, period);
    if (this.#used(entry) !== tick) return 0;
    return period > 0 ? due + tick * period - now : Infinity;
  }

  /** Whether it is due; with automatic reset only one is told so for each tick. */
  take(): boolean {
    for (;;) {
      const { word, entry, due, period } = this.#read();
      const { ints } = this.#cell;
      const before = Atomics.load(ints, entry + ENTRY.used);
      const now = monotonic();
      if (now < due) return false;
      if (!this.isAuto) return true;
      const tick = tickAt(now, due, period) & TICK_MASK;
      if ((before & TICK_MASK) === tick) return false;
      // Of another schedule, written over this one meanwhile.
      if (before >>> 24 !== versionOf(word)) continue;
      const after = (before & ~TICK_MASK) | tick;
      if (Atomics.compareExchange(ints, entry + ENTRY.used, before, after) === before) return true;
    }
  }

  /**
   * Undoes {@link Schedule.take}, unless another schedule or another tick has come since.
   * @returns whether it is due again, for somebody else.
   */
  giveBack(): boolean {
    if (!this.isAuto) return false;
    const { word, entry } = this.#read();
    const used = Atomics.load(this.#cell.ints, entry + ENTRY.used);
    if ((used & TICK_MASK) === 0 || used >>> 24 !== versionOf(word)) return false;
    return Atomics.compareExchange(this.#cell.ints, entry + ENTRY.used, used, used - 1) === used;
  }

  /** Proves that it is not due and notes that somebody sleeps. */
  arm(): boolean {
    const { word } = this.#read();
    if (this.due === 0) return false;
    if ((word & WAITERS) !== 0) return Atomics.load(this.#cell.ints, this.#state) === word;
    return Atomics.compareExchange(this.#cell.ints, this.#state, word, word | WAITERS) === word;
  }

  /**
   * Replaces the schedule; call it exclusively.
   * @returns whether somebody sleeps and has to look at the new one.
   */
  replace(due: number, period: number): boolean {
    const { ints, floats, base } = this.#cell;
    const word = Atomics.load(ints, this.#state);
    const version = (word >>> VERSION_SHIFT) + 1;
    const next = (version << VERSION_SHIFT) | (word & AUTO);
    const entry = base + CELL.members + (version & 1) * ENTRY_WORDS;
    Atomics.store(ints, entry + ENTRY.used, versionOf(next) << 24);
    floats[(entry + ENTRY.due) / 2] = due;
    floats[(entry + ENTRY.period) / 2] = period;
    // Only sleepers change the state without the lock.
    return (Atomics.exchange(ints, this.#state, next) & WAITERS) !== 0;
  }

  #used(entry: number): number {
    return Atomics.load(this.#cell.ints, entry + ENTRY.used) & TICK_MASK;
  }

  #read(): Snapshot {
    const { ints, floats, base } = this.#cell;
    for (;;) {
      const word = Atomics.load(ints, this.#state);
      const entry = base + CELL.members + ((word >>> VERSION_SHIFT) & 1) * ENTRY_WORDS;
      const due = floats[(entry + ENTRY.due) / 2]!;
      const period = floats[(entry + ENTRY.period) / 2]!;
      if (Atomics.load(ints, this.#state) >>> VERSION_SHIFT !== word >>> VERSION_SHIFT) continue;
      return { word, entry, due, period };
    }
  }
}

/** Which tick is the last one, from 1. */
function tickAt(now: number, due: number, period: number): number {
  return period > 0 ? Math.floor((now - due) / period) + 1 : 1;
}

function versionOf(word: number): number {
  return (word >>> VERSION_SHIFT) & 0xff;
}
