import type { RecordShape } from "./block.ts";
import { JsonScanner } from "./json-scanner.ts";

/** Finds the ends of records in one piece of an input. Records are asked for in order. */
export interface RecordScanner {
  /**
   * The byte after the record that starts at `start`, its terminator included.
   *
   * @param isLast - nothing follows the piece: what is left is a record, terminated or not.
   * @returns -1 when the end is not in the piece.
   */
  endOf(start: number, isLast: boolean): number;
  /** True when `[start, end)` is a record, and not an empty line that the format skips. */
  isRecord(start: number, end: number): boolean;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;

/** A scanner for a piece that begins at the start of a record. */
export function scannerOf(shape: RecordShape, bytes: Buffer): RecordScanner {
  switch (shape.format) {
    case "csv":
      return new CsvScanner(bytes, shape.delimiter.charCodeAt(0));
    case "json":
      return new JsonScanner(bytes);
    case "jsonl":
      return new LineScanner(bytes, shape.separator, true);
    case "files":
    case "lines":
      return new LineScanner(bytes, shape.separator, false);
  }
}

/** True when records are lines, or stand for them: each separator ends one. */
export function isLineByLine({ format }: RecordShape): boolean {
  return format !== "csv" && format !== "json";
}

/** Counts the line feeds in `[start, end)`. */
export function countFeeds(bytes: Buffer, start: number, end: number): number {
  let feeds = 0;
  for (let at = bytes.indexOf(LINE_FEED, start); at >= 0 && at < end; feeds++) {
    at = bytes.indexOf(LINE_FEED, at + 1);
  }
  return feeds;
}

/** Records that end with one certain byte. */
class LineScanner implements RecordScanner {
  readonly #bytes: Buffer;
  readonly #separator: number;
  readonly #skipsBlank: boolean;

  constructor(bytes: Buffer, separator: number, skipsBlank: boolean) {
    this.#bytes = bytes;
    this.#separator = separator;
    this.#skipsBlank = skipsBlank;
  }

  endOf(start: number, isLast: boolean): number {
    const at = this.#bytes.indexOf(this.#separator, start);
    if (at >= 0) return at + 1;
    return isLast ? this.#bytes.length : -1;
  }

  isRecord(start: number, end: number): boolean {
    if (!this.#skipsBlank) return true;
    for (let at = start; at < end; at++) {
      if ((this.#bytes[at] ?? 0) > SPACE) return true;
    }
    return false;
  }
}

/** Records of RFC 4180: a line feed inside quotes belongs to the record. */
class CsvScanner implements RecordScanner {
  readonly #bytes: Buffer;
  readonly #delimiter: number;
  /** The place of the next quote, so that a piece with few of them is not searched again and again. */
  #quote = -1;

  constructor(bytes: Buffer, delimiter: number) {
    this.#bytes = bytes;
    this.#delimiter = delimiter;
  }

  endOf(start: number, isLast: boolean): number {
    const bytes = this.#bytes;
    const open = isLast ? bytes.length : -1;
    for (let at = start; ;) {
      const quote = this.#quoteFrom(at);
      const feed = bytes.indexOf(LINE_FEED, at);
      if (feed < 0 && quote === bytes.length) return open;
      if (feed >= 0 && feed < quote) return feed + 1;
      // Only at the start of a field does a quote open anything; elsewhere it is a character.
      if (quote !== start && bytes[quote - 1] !== this.#delimiter) {
        at = quote + 1;
        continue;
      }
      const close = this.#closing(quote + 1);
      // Whether the quote at the very end is the first of a pair, only the next bytes tell.
      if (close < 0 || (close + 1 === bytes.length && !isLast)) return open;
      at = close + 1;
    }
  }

  isRecord(start: number, end: number): boolean {
    const [first, second] = [this.#bytes[start], this.#bytes[start + 1]];
    if (end - start === 1) return first !== LINE_FEED;
    return !(end - start === 2 && first === CARRIAGE_RETURN && second === LINE_FEED);
  }

  /** The quote that closes a field; doubled ones are characters of it. */
  #closing(from: number): number {
    for (let at = from; ; at += 2) {
      at = this.#bytes.indexOf(QUOTE, at);
      if (at < 0 || this.#bytes[at + 1] !== QUOTE) return at;
    }
  }

  #quoteFrom(at: number): number {
    if (this.#quote < at) {
      const found = this.#bytes.indexOf(QUOTE, at);
      this.#quote = found < 0 ? this.#bytes.length : found;
    }
    return this.#quote;
  }
}
