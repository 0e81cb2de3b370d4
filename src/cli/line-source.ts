import { ByteReader } from "./byte-reader.ts";
import { CliError } from "./cli-error.ts";
import type { BlockSource, InputTotals } from "./block-source.ts";
import { isSkippedLine } from "./record-block.ts";
import type { RecordBlock, RecordFormat } from "./record-block.ts";

const LINE_FEED = 10;
/** Most bytes of one block, so that a message stays a small part of memory whatever the records cost. */
const MAX_BLOCK_BYTES = 1024 * 1024;
/** A line beyond this is taken for a wrong format rather than read into memory for ever. */
const MAX_LINE_BYTES = 128 * 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING: Buffer = Buffer.alloc(0);

/** Lines of files read one after the other, cut into blocks of whole lines of one file. */
export class LineSource implements BlockSource {
  readonly unit = "record";
  readonly #format: RecordFormat;
  readonly #paths: Iterator<string>;
  readonly #totalBytes: number | undefined;
  #reader: ByteReader | undefined;
  #label = "";
  /** Whole lines not handed out yet. */
  #ready: Buffer = NOTHING;
  /** The beginning of a line whose end has not been read, in pieces: joining at each read would be quadratic. */
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #line = 1;
  #index = 0;
  #isClosed = false;

  /**
   * @param paths - files in order; `-` is standard input.
   * @param totalBytes - their size together, when known.
   */
  constructor(format: RecordFormat, paths: Iterable<string>, totalBytes: number | undefined) {
    this.#format = format;
    this.#paths = paths[Symbol.iterator]();
    this.#totalBytes = totalBytes;
  }

  totals(): InputTotals {
    return { records: undefined, bytes: this.#totalBytes };
  }

  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
  }

  async next(maxRecords: number): Promise<RecordBlock | undefined> {
    while (!this.#isClosed) {
      const block = this.#cut(maxRecords);
      if (block !== undefined) return block;
      if (!(await this.#fill())) return undefined;
    }
    return undefined;
  }

  /** Takes whole lines off what is ready; `undefined` when no record is in it. */
  #cut(maxRecords: number): RecordBlock | undefined {
    const ready = this.#ready;
    let end = 0;
    let count = 0;
    let lines = 0;
    while (count < maxRecords && end < ready.length && end < MAX_BLOCK_BYTES) {
      const feed = ready.indexOf(LINE_FEED, end);
      const after = feed < 0 ? ready.length : feed + 1;
      if (!isSkippedLine(this.#format, ready, end, after)) count += 1;
      lines += 1;
      end = after;
    }
    const block: RecordBlock | undefined =
      count === 0
        ? undefined
        : {
            format: this.#format,
            first: this.#index,
            count,
            bytes: end,
            source: this.#label,
            firstLine: this.#line,
            text: ready.subarray(0, end),
          };
    this.#ready = ready.subarray(end);
    this.#line += lines;
    this.#index += count;
    // Blank lines alone fill no block: go on with what is left of them.
    return block ?? (this.#ready.length > 0 ? this.#cut(maxRecords) : undefined);
  }

  /** Reads until another whole line is ready. @returns false at the end of the last file. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const reader = this.#reader ?? this.#open();
      if (reader === undefined) return false;
      const chunk = await this.#read(reader);
      if (chunk === undefined) {
        this.#reader = undefined;
        this.#ready = this.#takeTail(NOTHING);
        if (this.#ready.length > 0) return true;
        continue;
      }
      const last = chunk.lastIndexOf(LINE_FEED);
      if (last >= 0) {
        this.#ready = this.#takeTail(chunk.subarray(0, last + 1));
      }
      this.#keepTail(chunk.subarray(last + 1));
      if (last >= 0) return true;
    }
  }

  #open(): ByteReader | undefined {
    const { value, done } = this.#paths.next();
    if (done === true || this.#isClosed) return undefined;
    this.#label = value === "-" ? "stdin" : value;
    this.#line = 1;
    this.#reader = new ByteReader(value);
    return this.#reader;
  }

  async #read(reader: ByteReader): Promise<Buffer | undefined> {
    try {
      return await reader.read();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new CliError(`Cannot read ${this.#label}: ${detail}`, undefined, { cause: error });
    }
  }

  #keepTail(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#tail.push(piece);
    this.#tailBytes += piece.length;
    if (this.#tailBytes > MAX_LINE_BYTES) {
      throw new CliError(
        `Line ${this.#line} of ${this.#label} is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB; ` +
          `is it really made of ${this.#format === "jsonl" ? "one JSON value per line" : "lines"}?`,
      );
    }
  }

  /** The kept beginning and `rest` as one piece, without a byte order mark at the head of a file. */
  #takeTail(rest: Buffer): Buffer {
    const whole = this.#tail.length === 0 ? rest : Buffer.concat([...this.#tail, rest]);
    this.#tail = [];
    this.#tailBytes = 0;
    const hasMark = this.#line === 1 && whole.subarray(0, 3).equals(BYTE_ORDER_MARK);
    return hasMark ? whole.subarray(3) : whole;
  }
}
