import type { ErrorReport } from "./record-line.ts";

/** A record, or batch of records, whose run failed. */
export interface UnitFailure {
  /** Which unit of the block, from 0. */
  readonly at: number;
  readonly key: string;
  readonly error: ErrorReport;
  readonly ms: number;
  /** True when another attempt cannot end differently: the record itself is malformed. */
  readonly isFinal: boolean;
}

/** One call for a trace: which record, when it began within the block, how long it took. */
export type TracedCall = readonly [index: number, at: number, ms: number, isOk: boolean];

/** The answer of a worker for a block. */
export interface BlockResult {
  /** Finished lines; failure number `n` belongs between `parts[n]` and `parts[n + 1]`. */
  readonly parts: readonly Uint8Array[];
  readonly failures: readonly UnitFailure[];
  /** Rows for the job log. */
  readonly log: string;
  /** Number of units that are done; fewer than there are when there was no room to note more. */
  readonly units: number;
  /** Partial results of `--reduce`, encoded. */
  readonly partials: readonly Uint8Array[];
  readonly calls: readonly TracedCall[];
  /** When the block began, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds spent on the block. */
  readonly ms: number;
  /** CPU time this process has used since it began, in microseconds. */
  readonly cpuUs: number;
  /** Resident memory of this process, in bytes. */
  readonly memory: number;
  readonly worker: number;
  readonly pid: number;
}
