/** What the records of an input are. */
export type RecordFormat = "files" | "lines" | "jsonl";

/**
 * A run of neighbouring records on their way to a worker.
 *
 * Text travels as the bytes of whole lines, cut by the parent and parsed in the worker: one object
 * per record in the parent is what would keep a second core idle.
 */
export interface RecordBlock {
  readonly format: RecordFormat;
  /** Index of the first record in the whole input, from 0. */
  readonly first: number;
  /** How many records there are, at least 1. */
  readonly count: number;
  /** How many bytes of input they stand for. */
  readonly bytes: number;
  /** Where they come from, for messages: a path or `stdin`. */
  readonly source: string;
  /** Line number of the first line of `text`, from 1; 0 for items. */
  readonly firstLine: number;
  /** Whole lines, blank ones included; used when `items` is absent. */
  readonly text?: Uint8Array;
  /** The records themselves (paths). */
  readonly items?: readonly string[];
}

/** One record inside a block's text. */
export interface TextRecord {
  /** First byte in the text. */
  readonly start: number;
  /** Byte after its line feed. */
  readonly end: number;
  /** How many lines of the text stand before it. */
  readonly line: number;
}

const LINE_FEED = 10;
const SPACE = 32;

/** Whether the line at `[start, end)` is skipped: in jsonl one with nothing but blanks is no record. */
export function isSkippedLine(
  format: RecordFormat,
  text: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (format === "lines") return false;
  for (let at = start; at < end; at++) {
    if ((text[at] ?? 0) > SPACE) return false;
  }
  return true;
}

/** The records of a block's text, with where they stand. */
export function* textRecords(format: RecordFormat, text: Uint8Array): Generator<TextRecord> {
  let line = 0;
  for (let start = 0; start < text.length; line++) {
    const feed = text.indexOf(LINE_FEED, start);
    const end = feed < 0 ? text.length : feed + 1;
    if (!isSkippedLine(format, text, start, end)) yield { start, end, line };
    start = end;
  }
}

/** Cuts a block into blocks of one record each, in order. */
export function splitBlock(block: RecordBlock): RecordBlock[] {
  if (block.items !== undefined) {
    const share = block.bytes / block.count;
    return block.items.map((item, at) => ({
      ...block,
      first: block.first + at,
      count: 1,
      bytes: share,
      items: [item],
    }));
  }
  const text = block.text ?? new Uint8Array();
  return Array.from(textRecords(block.format, text), ({ start, end, line }, at) => ({
    ...block,
    first: block.first + at,
    count: 1,
    bytes: end - start,
    firstLine: block.firstLine + line,
    text: text.subarray(start, end),
  }));
}

/** How a record is called in messages and envelopes: a file by its path, a line by where it stands. */
export function recordKey(
  format: RecordFormat,
  source: string,
  line: number,
  record: string,
): string {
  return format === "files" ? record : `${source}:${line}`;
}
