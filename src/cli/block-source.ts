import type { RecordBlock } from "./record-block.ts";

/** What is known of the whole input; a field is `undefined` while, or because, nobody can know it. */
export interface InputTotals {
  readonly records: number | undefined;
  readonly bytes: number | undefined;
}

/** An input that is pulled block by block; nothing is read ahead of a call. */
export interface BlockSource {
  /** What records are called in messages, in the singular. */
  readonly unit: string;
  /**
   * Takes the next records, at most `maxRecords`, fewer when no more are at hand.
   *
   * **Waiting**: until at least one record is there.
   * @returns `undefined` at the end of the input.
   */
  next(maxRecords: number): Promise<RecordBlock | undefined>;
  /** What is known of the input as a whole at this moment. */
  totals(): InputTotals;
  /** Lets go of open files; a `next` that waits ends with `undefined`. */
  close(): void;
}
