import { CliError } from "../../cli-error.ts";
import type { Reader } from "./file-reader.ts";
import { isCutMark } from "./text-head.ts";

/** A record beyond this is taken for a wrong format rather than read into memory for ever. */
const MAX_RECORD_BYTES = 128 * 1024 * 1024;
/** Bytes that may be scanned again from their start whenever more of them arrive. */
const CHEAP_BYTES = 1024 * 1024;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING: Buffer = Buffer.alloc(0);

/** The part of an input that is in memory: from the first record not handed out to what was read last. */
export class Window {
  /** Starts with a record. */
  bytes: Buffer = NOTHING;
  /** The place of `bytes` in the file as unpacked. */
  offset: number;
  /** Nothing follows `bytes`. */
  isAtEnd = false;
  readonly reader: Reader;
  readonly #end: number;
  readonly #lookAtHead: ((head: Buffer) => void) | undefined;
  #position: number;

  /**
   * @param end - where the stretch ends, `undefined` for the end of the file.
   * @param lookAtHead - is shown what the file starts with, unless the stretch begins later; what it throws
   *   is passed on.
   */
  constructor(
    reader: Reader,
    start: number,
    end: number | undefined,
    lookAtHead?: (head: Buffer) => void,
  ) {
    this.#lookAtHead = lookAtHead;
    this.reader = reader;
    this.offset = start;
    this.#position = start;
    this.#end = end ?? Infinity;
  }

  /** Passes over the first `count` bytes. */
  drop(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.offset += count;
  }

  /**
   * Reads on after `bytes` proved too short.
   *
   * A long record is read to twice its length before it is looked at again: looking at each read would
   * be quadratic.
   *
   * @param where - names the record, for the error.
   * @throws CliError when the record is longer than any record should be.
   */
  async fill(where: () => string): Promise<void> {
    const pieces = [this.bytes];
    const enough = this.bytes.length < CHEAP_BYTES ? 1 : this.bytes.length;
    for (let more = 0; more < enough && !this.isAtEnd;) {
      const chunk = await this.#read();
      if (chunk === undefined) break;
      pieces.push(chunk);
      more += chunk.length;
    }
    this.bytes = pieces.length > 2 || this.bytes.length > 0 ? Buffer.concat(pieces) : last(pieces);
    if (this.bytes.length > MAX_RECORD_BYTES) {
      throw new CliError(
        `${where()} is longer than ${MAX_RECORD_BYTES / 1024 / 1024} MiB; is --format right?`,
      );
    }
  }

  async #read(): Promise<Buffer | undefined> {
    const chunk = this.#position >= this.#end ? undefined : await this.#chunk();
    if (chunk === undefined) {
      this.isAtEnd = true;
      return undefined;
    }
    const part = chunk.subarray(0, Math.min(chunk.length, this.#end - this.#position));
    const isHead = this.#position === 0;
    this.#position += part.length;
    if (this.#position >= this.#end) this.isAtEnd = true;
    if (isHead && part.subarray(0, 3).equals(BYTE_ORDER_MARK)) {
      this.offset += 3;
      return part.subarray(3);
    }
    return part;
  }

  async #chunk(): Promise<Buffer | undefined> {
    let chunk = await this.reader.read();
    if (this.#position > 0 || chunk === undefined) return chunk;
    // A pipe may give the marks that a text starts with byte by byte.
    while (isCutMark(chunk)) {
      const more = await this.reader.read();
      if (more === undefined) break;
      chunk = Buffer.concat([chunk, more]);
    }
    this.#lookAtHead?.(chunk);
    return chunk;
  }
}

function last(pieces: readonly Buffer[]): Buffer {
  return pieces.at(-1) ?? NOTHING;
}
