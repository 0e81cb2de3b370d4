import type { TimeLimit } from "../parse/timeout.ts";

/** Half of how many newest blocks took longer than the median. */
const KEPT = 255;
/** Before so many are done nobody knows what is usual. */
const LEAST_SEEN = 3;
/** Sorting for every block would be too much for quick ones. */
const REFRESH_EVERY = 16;
/** Below this, how busy the machine is decides more than the record does. */
const LEAST_MS = 100;

/** The time a record may take at this moment: a fixed one, or a multiple of what is usual. */
export class RecordTimeLimit {
  readonly #limit: TimeLimit | undefined;
  readonly #seen: number[] = [];
  #count = 0;
  #medianMs: number | undefined;

  constructor(limit: TimeLimit | undefined) {
    this.#limit = limit;
  }

  /** Milliseconds; `undefined` for no limit, or as long as the usual time is unknown. */
  get ms(): number | undefined {
    if (this.#limit === undefined) return undefined;
    if ("ms" in this.#limit) return this.#limit.ms;
    if (this.#medianMs === undefined) return undefined;
    return Math.ceil(Math.max(LEAST_MS, this.#limit.timesMedian * this.#medianMs));
  }

  /** Learns what one record took. */
  observe(ms: number): void {
    if (this.#limit === undefined || "ms" in this.#limit) return;
    this.#seen[this.#count % KEPT] = ms;
    this.#count += 1;
    if (this.#count < LEAST_SEEN || (this.#count > KEPT && this.#count % REFRESH_EVERY > 0)) return;
    const sorted = this.#seen.toSorted((a, b) => a - b);
    this.#medianMs = sorted[Math.floor(sorted.length / 2)];
  }
}
