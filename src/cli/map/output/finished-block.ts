import type { BlockRange } from "../input/block.ts";

/** A block at its end: everything that is written about it. */
export interface FinishedBlock {
  /** Lines for the output, in order. */
  readonly parts: readonly Uint8Array[];
  /** Lines for the file of failed records. */
  readonly errors: string;
  /** Rows for the job log. */
  readonly log: string;
  /** Partial results of `--reduce`, in order. */
  readonly partials: readonly Uint8Array[];
  /** The input it covers. */
  readonly ranges: readonly BlockRange[];
  /** Indexes of the records that ran, when they are no neighbours. */
  readonly picked: readonly number[] | undefined;
  readonly ok: number;
  /** Indexes of the records that failed for good. */
  readonly failed: readonly number[];
  /** Bytes of input. */
  readonly bytes: number;
  /** Records that did not run, since the run was interrupted. */
  readonly notRun: number;
}

/** Bytes that a block keeps in memory until it is written. */
export function weightOf({ parts, errors, log, partials }: FinishedBlock): number {
  let weight = errors.length + log.length;
  for (const part of parts) weight += part.length;
  for (const partial of partials) weight += partial.length;
  return weight;
}
