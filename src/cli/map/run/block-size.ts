import type { InputTotals } from "../input/block-source.ts";
import type { MapOptions } from "../options.ts";

/**
 * The time a block may keep a worker busy. Moving one costs the workers up to two milliseconds of their
 * processors where there are no more of those than workers, as this process has to run in between.
 */
const MOST_MS = 400;
/** Below this a block costs more than its worker gains by ending at the same time as the others. */
const LEAST_MS = 5;
/** Blocks are so small that each worker has this many of what is left: at the end all are busy. */
const BLOCKS_LEFT = 4;
/** A guess made from a few quick records must not hand a thousand slow ones to one worker. */
const MAX_GROWTH = 4;
const MAX_RECORDS = 65_536;
/** Size up to which a block's result should grow: small records may have large results. */
const TARGET_RESULT_BYTES = 2 * 1024 * 1024;
/** Weight of the newest block; the cost per record drifts along an input. */
const SMOOTHING = 0.5;
/** A block that exceeds the timeout runs again record by record, so it must be far below. */
const TIMEOUT_SHARE = 10;

/** Limits of the size of blocks. */
export interface SizeRules {
  /** Records of every block; `undefined`: by what they cost. */
  readonly fixed?: number | undefined;
  /** Records that stay together. Default 1. */
  readonly multiple?: number | undefined;
  /** Milliseconds one record may take. */
  readonly timeout?: number | undefined;
  /** Number of workers that share the input. Default 1. */
  readonly jobs?: number | undefined;
  /** Sizes of the input; asked for every block. */
  readonly totals?: (() => InputTotals) | undefined;
  /** Bytes of the input that an earlier run has done. */
  readonly bytesBefore?: number | undefined;
}

/** The cost of a block, or of a part of one, in a worker. */
export interface BlockCost {
  readonly records: number;
  /** Bytes of input. */
  readonly bytes: number;
  /** Milliseconds in the worker. */
  readonly ms: number;
  readonly resultBytes: number;
}

const UNKNOWN: InputTotals = { records: undefined, bytes: undefined };

/** Decides how many records the next block takes, from what the last ones cost and what is left. */
export class BlockSize {
  #records: number;
  #msPerRecord: number | undefined;
  #msPerByte: number | undefined;
  #bytesPerRecord: number | undefined;
  #takenRecords = 0;
  #takenBytes: number;
  #workedMs = 0;
  readonly #isFixed: boolean;
  readonly #multiple: number;
  readonly #mostMs: number;
  readonly #blocksLeft: number;
  readonly #totals: () => InputTotals;

  constructor(rules: SizeRules = {}) {
    this.#isFixed = rules.fixed !== undefined;
    this.#records = rules.fixed ?? 1;
    this.#multiple = rules.multiple ?? 1;
    this.#mostMs = Math.min(MOST_MS, (rules.timeout ?? Infinity) / TIMEOUT_SHARE);
    this.#blocksLeft = BLOCKS_LEFT * (rules.jobs ?? 1);
    this.#totals = rules.totals ?? (() => UNKNOWN);
    this.#takenBytes = rules.bytesBefore ?? 0;
  }

  /** Number of records that the next block may have. */
  get records(): number {
    return this.within(Infinity);
  }

  /** The same, when there is room for so many; at least one batch. */
  within(room: number): number {
    const wanted = Math.min(this.#records, this.#share(), MAX_RECORDS, room);
    return Math.max(this.#multiple, Math.floor(wanted / this.#multiple) * this.#multiple);
  }

  /** Learns that a block was taken from the input. */
  take(records: number, bytes: number): void {
    this.#takenRecords += records;
    this.#takenBytes += bytes;
  }

  /** Learns what a block came to. */
  observe({ records, bytes, ms, resultBytes }: BlockCost): void {
    if (this.#isFixed) return;
    this.#workedMs += ms;
    this.#msPerRecord = smoothed(this.#msPerRecord, ms / records);
    this.#msPerByte = smoothed(this.#msPerByte, ms / Math.max(bytes, 1));
    this.#bytesPerRecord = smoothed(this.#bytesPerRecord, resultBytes / records);
    const wanted = Math.min(
      this.#mostMs / Math.max(this.#msPerRecord, this.#mostMs / MAX_RECORDS),
      TARGET_RESULT_BYTES / Math.max(this.#bytesPerRecord, 1),
    );
    // Growth starts from what was really run: a short block at the end of a file proves little.
    const most = Math.max(this.#records, records * MAX_GROWTH);
    this.#records = Math.max(1, Math.floor(Math.min(wanted, most, MAX_RECORDS)));
  }

  /** The records of one of the blocks that what is left is to be divided into. */
  #share(): number {
    if (this.#isFixed || this.#msPerRecord === undefined) return Infinity;
    return Math.max(LEAST_MS, this.#leftMs() / this.#blocksLeft) / this.#msPerRecord;
  }

  /** Milliseconds that one worker would need for the rest of the input. */
  #leftMs(): number {
    const { records, bytes } = this.#totals();
    if (bytes !== undefined && bytes > 0) {
      return (bytes - this.#takenBytes) * (this.#msPerByte ?? 0);
    }
    if (records !== undefined) return (records - this.#takenRecords) * (this.#msPerRecord ?? 0);
    // Nobody knows: as much may come as has come.
    return this.#workedMs;
  }
}

function smoothed(known: number | undefined, seen: number): number {
  return known === undefined ? seen : known + (seen - known) * SMOOTHING;
}

/**
 * Records of a block when workers are replaced after a number of records: executors count blocks, so blocks
 * have to be equal, and several to a worker.
 */
export function countedChunk({ maxTasksPerWorker }: MapOptions): number | undefined {
  if (maxTasksPerWorker === undefined) return undefined;
  return Math.min(64, Math.max(1, Math.floor(maxTasksPerWorker / 16)));
}
