import type { RecordBlock } from "./block.ts";

/** Sizes of the whole input; a field is `undefined` while, or because, nobody can know it. */
export interface InputTotals {
  readonly records: number | undefined;
  readonly bytes: number | undefined;
}

/** An input that is pulled block by block; nothing is read ahead of a call. */
export interface BlockSource {
  /** The word for a record in messages, in the singular. */
  readonly unit: string;
  /**
   * Takes the next records, at most `maxRecords`, fewer when no more are at hand.
   *
   * **Waiting**: until at least one record is there.
   * @returns `undefined` at the end of the input.
   */
  next(maxRecords: number): Promise<RecordBlock | undefined>;
  /** Sizes of the input as a whole, as far as they are known at this moment. */
  totals(): InputTotals;
  /** Lets go of open files; a `next` that waits ends with `undefined`. */
  close(): void;
}

/** A stretch of an input that is to be read. */
export interface Segment {
  /** Which of the inputs, from 0. */
  readonly input: number;
  /** First byte of the file as unpacked; for files as records the number of the first. */
  readonly start: number;
  /** Its end; `undefined`: the end of the file. */
  readonly end: number | undefined;
  /** Line in which it starts, from 1. */
  readonly line: number;
  /** Index of its first record; `undefined`: the one after the segment before. */
  readonly first: number | undefined;
}

/** The segments of a run that starts at the beginning: every input as a whole. */
export function wholeInputs(count: number): Segment[] {
  return Array.from({ length: count }, (_, input) => ({
    input,
    start: 0,
    end: undefined,
    line: 1,
    first: undefined,
  }));
}
