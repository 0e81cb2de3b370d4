/** Kinds of records, once names such as `tsv` are resolved. */
export type RecordFormat = "files" | "lines" | "jsonl" | "csv" | "json";

/** The rules by which bytes are cut into records; the same for the command and its workers. */
export interface RecordShape {
  readonly format: RecordFormat;
  /** The byte that ends a record of `lines`, `jsonl` and `files`: line feed or NUL. */
  readonly separator: number;
  /** One ASCII character between the fields of `csv`. */
  readonly delimiter: string;
}

/** Which record a place of a sparse block is. */
export interface Pick {
  readonly index: number;
  readonly line: number;
}

/**
 * A run of records as it travels to a worker.
 *
 * Text travels as the bytes of whole records, cut by the command and parsed in the worker: one object
 * per record in the command is what would keep a second core idle.
 */
export interface BlockBody {
  /** Index of the first record in the whole input, from 0. */
  readonly first: number;
  /** Number of records, at least 1. */
  readonly count: number;
  /** Their origin, for messages: a path or `stdin`. */
  readonly source: string;
  /** Line number of the first line of `text`, from 1; 0 for items. */
  readonly line: number;
  /** Whole records, terminators and skipped lines included; used when `items` is absent. */
  readonly text?: Uint8Array;
  /** The records themselves (paths). */
  readonly items?: readonly string[];
  /** Names of the fields of `csv`; without them records are arrays. */
  readonly columns?: readonly string[];
  /** Set when the records are not neighbours: which ones they are. */
  readonly picks?: readonly Pick[];
}

/** A stretch of one input file: `count` records from the record `first`, which starts in line `line`. */
export interface BlockRange {
  /** Which of the inputs, from 0. */
  readonly input: number;
  /** Bytes `[start, end)` of the file as unpacked; for files as records their numbers. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Line in which it ends. */
  readonly nextLine: number;
  readonly first: number;
  readonly count: number;
}

/** A run of records on its way through the command. */
export interface RecordBlock {
  readonly body: BlockBody;
  /** Bytes of input that it stands for. */
  readonly bytes: number;
  /** The input it covers, records that were left out included. */
  readonly ranges: readonly BlockRange[];
}

/** The name of a record in messages and envelopes: the path of a file, the place of any other. */
export function recordKey(
  format: RecordFormat,
  source: string,
  line: number,
  record: string,
): string {
  return format === "files" ? record : `${source}:${line}`;
}

/** Adds a stretch to a list; one that goes on where the last one ended becomes one with it. */
export function appendRange(ranges: BlockRange[], range: BlockRange): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.input === range.input && last.end === range.start) {
    ranges[ranges.length - 1] = {
      ...last,
      end: range.end,
      nextLine: range.nextLine,
      count: last.count + range.count,
    };
  } else {
    ranges.push(range);
  }
}
