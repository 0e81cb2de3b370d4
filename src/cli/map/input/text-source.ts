import { CliError } from "../../cli-error.ts";
import type { RecordBlock, RecordShape } from "./block.ts";
import type { BlockSource, InputTotals, Segment } from "./block-source.ts";
import { FileReader } from "./file-reader.ts";
import type { Reader } from "./file-reader.ts";
import { readColumns } from "./csv-header.ts";
import { closesAt, firstInk } from "./json-scanner.ts";
import { countFeeds, isLineByLine, scannerOf } from "./scanner.ts";
import { loneReturn, loneReturnError, refuseForeignText } from "./text-head.ts";
import { Window } from "./window.ts";

/** Options of a source of text. */
export interface TextOptions {
  readonly shape: RecordShape;
  /** Files in order; `-` is standard input. */
  readonly paths: readonly string[];
  readonly segments: readonly Segment[];
  /** Size of each file on disk; `undefined` for what has none. */
  readonly sizes: readonly (number | undefined)[];
  /** Most bytes of one block. */
  readonly blockBytes: number;
  /** Records that stay together; a block holds a multiple of it, except at the end of a file. */
  readonly batch: number;
  /** True when each file of csv begins with the names of its columns. */
  readonly hasHeader: boolean;
  /** Names that replace those of the header. */
  readonly columns: readonly string[] | undefined;
  /** Opens a file at a byte. Default: as what it is, packed or not. */
  readonly open?: (path: string, start: number) => Reader;
}

/** The first whole records of a piece. */
interface Cut {
  readonly end: number;
  readonly count: number;
  /** Records and what was skipped between them. */
  readonly pieces: number;
}

const NOTHING: Cut = { end: 0, count: 0, pieces: 0 };

const OPEN_BRACKET = 91;

/** Records of files read one after the other, cut into blocks of whole records of one file. */
export class TextSource implements BlockSource {
  readonly unit = "record";
  readonly #options: TextOptions;
  readonly #segments: Iterator<Segment>;
  /** Bytes that files hold beyond what their sizes say, by how well those read so far were packed. */
  readonly #sizes: (number | undefined)[];
  #window: Window | undefined;
  #segment: Segment | undefined;
  #columns: readonly string[] | undefined;
  #input = 0;
  #label = "";
  #line = 1;
  #index = 0;
  #isClosed = false;

  constructor(options: TextOptions) {
    this.#options = options;
    this.#segments = options.segments[Symbol.iterator]();
    this.#sizes = [...options.sizes];
  }

  totals(): InputTotals {
    let bytes = 0;
    for (const [at, size] of this.#sizes.entries()) {
      if (size === undefined) return { records: undefined, bytes: undefined };
      const isOpen = at === this.#input && this.#window !== undefined;
      bytes += isOpen ? size * (this.#window?.reader.inflation ?? 1) : size;
    }
    return { records: undefined, bytes: Math.round(bytes) };
  }

  close(): void {
    this.#isClosed = true;
    this.#window?.reader.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    while (!this.#isClosed) {
      const window = this.#window ?? (await this.#open());
      if (window === undefined) return undefined;
      const before = window.offset;
      const block = this.#take(window, maxRecords);
      if (block !== undefined) return block;
      // Lines were skipped; a record may follow them here and now.
      if (window.offset > before) continue;
      if (window.isAtEnd) this.#finish(window);
      else await window.fill(() => this.#where());
    }
    return undefined;
  }

  /** Takes whole records off the window; `undefined` when it has to be filled, or is at its end. */
  #take(window: Window, maxRecords: number): RecordBlock | undefined {
    const { bytes, offset } = window;
    const { end, count, pieces } = this.#cut(window, maxRecords);
    if (end === 0) return undefined;
    const { shape } = this.#options;
    if (count === 1 && this.#isOnlyLine(window, end)) throw loneReturnError(this.#label);
    const first = this.#index;
    const line = this.#line;
    const feeds = isLineByLine(shape) ? pieces : countFeeds(bytes, 0, end);
    this.#index += count;
    this.#line += feeds;
    window.drop(end);
    if (count === 0) return undefined;
    const text = bytes.subarray(0, end);
    const columns = this.#columns;
    const range = {
      input: this.#input,
      start: offset,
      end: offset + end,
      line,
      nextLine: this.#line,
      first,
      count,
    };
    return {
      body: { first, count, source: this.#label, line, text, ...(columns && { columns }) },
      bytes: end,
      ranges: [range],
    };
  }

  /** True when a file of lines is one line in which carriage returns stand where others have line feeds. */
  #isOnlyLine({ bytes, isAtEnd }: Window, end: number): boolean {
    const { shape } = this.#options;
    if (!isAtEnd || this.#line > 1 || end < bytes.length) return false;
    if (!isLineByLine(shape) || shape.separator === 0) return false;
    return countFeeds(bytes, 0, end) === 0 && loneReturn(bytes, 0, end) >= 0;
  }

  #cut(window: Window, maxRecords: number): Cut {
    const { bytes } = window;
    const { shape, blockBytes, batch } = this.#options;
    const scanner = scannerOf(shape, bytes);
    const isArray = shape.format === "json";
    const isLast = this.#isLast(window);
    let [at, count, pieces] = [0, 0, 0];
    // What a batch that is not whole yet leaves in the window.
    let whole: Cut = NOTHING;
    // A block may be larger than it should be, so that its last batch is whole.
    while (count < maxRecords && at < bytes.length && (at < blockBytes || count % batch !== 0)) {
      if (isArray && closesAt(bytes, at) !== false) break;
      const end = scanner.endOf(at, isLast);
      if (end < 0) break;
      if (scanner.isRecord(at, end)) count += 1;
      at = end;
      pieces += 1;
      if (batch > 1 && count % batch === 0) whole = { end: at, count, pieces };
    }
    const isWhole = count % batch === 0 || this.#isRest(window, at);
    return isWhole ? { end: at, count, pieces } : whole;
  }

  /** True when the window ends with a record as it stands. An array has to be closed first. */
  #isLast({ isAtEnd }: Window): boolean {
    return isAtEnd && (this.#options.shape.format !== "json" || this.#segment?.end !== undefined);
  }

  /** True when no record follows at `at` in this file. */
  #isRest(window: Window, at: number): boolean {
    if (this.#options.shape.format === "json" && closesAt(window.bytes, at) === true) return true;
    return window.isAtEnd && at >= window.bytes.length;
  }

  /** Opens the next segment; `undefined` when there is none. */
  async #open(): Promise<Window | undefined> {
    const { value: segment, done } = this.#segments.next();
    if (done === true || this.#isClosed) return undefined;
    const { paths, shape } = this.#options;
    const path = paths[segment.input] ?? "-";
    this.#segment = segment;
    this.#input = segment.input;
    this.#label = path === "-" ? "stdin" : path;
    this.#line = segment.line;
    this.#index = segment.first ?? this.#index;
    const window = this.#windowOf(this.#reader(path, segment.start), segment.start, segment.end);
    this.#window = window;
    if (shape.format === "csv") await this.#readHeader(path, window, segment.start);
    if (shape.format === "json" && segment.start === 0) await this.#enterArray(window);
    return this.#isClosed ? undefined : window;
  }

  #reader(path: string, start: number): Reader {
    return this.#options.open?.(path, start) ?? new FileReader(path, start);
  }

  #windowOf(reader: Reader, start: number, end: number | undefined): Window {
    const label = this.#label;
    return new Window(reader, start, end, (head) => {
      refuseForeignText(head, label, this.#options.shape);
    });
  }

  async #readHeader(path: string, window: Window, start: number): Promise<void> {
    const { hasHeader, columns, shape } = this.#options;
    this.#columns = columns;
    if (!hasHeader) return;
    const isHere = start === 0;
    const reader = isHere ? window.reader : this.#reader(path, 0);
    const head = isHere ? window : this.#windowOf(reader, 0, undefined);
    const found = await readColumns(head, shape, this.#label);
    if (isHere) this.#line += found.lines;
    else reader.close();
    this.#columns = columns ?? found.columns;
  }

  /** Passes over the bracket that opens the array. */
  async #enterArray(window: Window): Promise<void> {
    for (;;) {
      const { bytes } = window;
      const ink = firstInk(bytes, 0, bytes.length);
      if (ink >= 0 && bytes[ink] === OPEN_BRACKET) {
        this.#line += countFeeds(bytes, 0, ink);
        window.drop(ink + 1);
        return;
      }
      if (ink >= 0 || window.isAtEnd) break;
      await window.fill(() => this.#where());
    }
    if (this.#isClosed) return;
    throw new CliError(
      `${this.#label} is not a JSON array. For one value per line pass --format jsonl, for its path --format files`,
    );
  }

  /** At the end of a file. @throws CliError when an array is not closed. */
  #finish(window: Window): void {
    const { reader, bytes } = window;
    const size = this.#sizes[this.#input];
    if (size !== undefined) this.#sizes[this.#input] = size * reader.inflation;
    this.#window = undefined;
    reader.close();
    if (this.#options.shape.format !== "json" || this.#isClosed) return;
    // A stretch that was left out before ends inside the array.
    if (this.#segment?.end !== undefined) return;
    const close = firstInk(bytes, 0, bytes.length);
    if (closesAt(bytes, 0) !== true) {
      throw new CliError(
        `${this.#where()} and the array of ${this.#label} end in the middle of the file; is it whole?`,
      );
    }
    if (firstInk(bytes, close + 1, bytes.length) >= 0) {
      throw new CliError(
        `There is more behind the array of ${this.#label}, after ${this.#where()}`,
      );
    }
  }

  #where(): string {
    return `Record ${this.#index} (line ${this.#line} of ${this.#label})`;
  }
}
