/** How long a block should keep a worker busy: long enough to hide its message, short enough to share out. */
const TARGET_MS = 25;
/** A guess made from a few quick records must not hand a thousand slow ones to one worker. */
const MAX_GROWTH = 4;
const MAX_RECORDS = 65_536;
/** How large a block's result should grow: small records may have large results. */
const TARGET_RESULT_BYTES = 2 * 1024 * 1024;
/** Weight of the newest block; the cost per record drifts along an input. */
const SMOOTHING = 0.5;
/** A block that exceeds the timeout runs again record by record, so it must be far below. */
const TIMEOUT_SHARE = 10;

/** What limits the size of blocks. */
export interface SizeRules {
  /** Records of every block; `undefined`: by what they cost. */
  readonly fixed?: number | undefined;
  /** Records that stay together. Default 1. */
  readonly multiple?: number | undefined;
  /** Milliseconds one record may take. */
  readonly timeout?: number | undefined;
}

/** Decides how many records the next block takes, from what the last ones cost. */
export class BlockSize {
  #records: number;
  #msPerRecord: number | undefined;
  #bytesPerRecord: number | undefined;
  readonly #isFixed: boolean;
  readonly #multiple: number;
  readonly #targetMs: number;

  constructor(rules: SizeRules = {}) {
    this.#isFixed = rules.fixed !== undefined;
    this.#records = rules.fixed ?? 1;
    this.#multiple = rules.multiple ?? 1;
    this.#targetMs = Math.min(TARGET_MS, (rules.timeout ?? Infinity) / TIMEOUT_SHARE);
  }

  /** How many records the next block may have. */
  get records(): number {
    return this.within(Infinity);
  }

  /** The same, when there is room for so many; at least one batch. */
  within(room: number): number {
    const wanted = Math.min(this.#records, MAX_RECORDS, room);
    return Math.max(this.#multiple, Math.floor(wanted / this.#multiple) * this.#multiple);
  }

  /** Learns that `records` records took `ms` in a worker, and `resultBytes` to tell. */
  observe(records: number, ms: number, resultBytes: number): void {
    if (this.#isFixed) return;
    this.#msPerRecord = smoothed(this.#msPerRecord, ms / records);
    this.#bytesPerRecord = smoothed(this.#bytesPerRecord, resultBytes / records);
    const wanted = Math.min(
      this.#targetMs / Math.max(this.#msPerRecord, this.#targetMs / MAX_RECORDS),
      TARGET_RESULT_BYTES / Math.max(this.#bytesPerRecord, 1),
    );
    // Growth starts from what was really run: a short block at the end of a file proves little.
    const most = Math.max(this.#records, records * MAX_GROWTH);
    this.#records = Math.max(1, Math.floor(Math.min(wanted, most, MAX_RECORDS)));
  }
}

function smoothed(known: number | undefined, seen: number): number {
  return known === undefined ? seen : known + (seen - known) * SMOOTHING;
}
