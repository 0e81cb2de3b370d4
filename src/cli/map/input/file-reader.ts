import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import type { ReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CliError } from "../../cli-error.ts";

/** One read of a file; large enough that a block seldom has to wait for the next. */
const READ_BYTES = 512 * 1024;
/** First bytes of every gzip file, and of no text. */
const GZIP_MAGIC = [0x1f, 0x8b];

/** Bytes that are read piece by piece. */
export interface Reader {
  /** Unpacked bytes for each byte of the file; 1 for a file that is not packed. */
  readonly inflation: number;
  /** The next piece, or `undefined` at the end or after {@link close}. */
  read(): Promise<Buffer | undefined>;
  /** Stops reading. */
  close(): void;
}

/** The bytes of one file or of standard input, unpacked if need be, read only when asked for. */
export class FileReader implements Reader {
  readonly #label: string;
  readonly #raw: Readable;
  readonly #chunks: AsyncGenerator<Buffer>;
  /** Unpacked bytes that are still to be passed over. */
  #toSkip = 0;
  #unpacked = 0;
  #isPacked = false;
  readonly #isSeekable: boolean = false;
  #isClosed = false;

  /**
   * @param path - a file, or `-` for standard input.
   * @param start - the first byte to give, counted as unpacked.
   */
  constructor(path: string, start: number) {
    this.#label = path === "-" ? "stdin" : path;
    if (path === "-") {
      this.#raw = process.stdin;
      this.#toSkip = start;
    } else {
      // A pipe has no positions to start or to look ahead at.
      this.#isSeekable = this.#guard(() => statSync(path).isFile());
      this.#isPacked = this.#isSeekable && this.#guard(() => isGzipFile(path));
      if (this.#isSeekable && !this.#isPacked && path.toLowerCase().endsWith(".gz")) {
        throw new CliError(`Cannot read ${path}: it is no gzip file, although it is called one`);
      }
      const skips = this.#isPacked || !this.#isSeekable;
      this.#toSkip = skips ? start : 0;
      const highWaterMark = READ_BYTES;
      this.#raw = createReadStream(path, skips ? { highWaterMark } : { highWaterMark, start });
    }
    this.#chunks = this.#read();
  }

  get inflation(): number {
    const packed = this.#isPacked ? ((this.#raw as ReadStream).bytesRead ?? 0) : 0;
    return packed > 0 ? this.#unpacked / packed : 1;
  }

  /**
   * The next chunk, or `undefined` at the end or after {@link close}.
   *
   * @throws CliError when it cannot be read, or is no whole gzip file although it starts as one.
   */
  async read(): Promise<Buffer | undefined> {
    try {
      for (;;) {
        const { value, done } = await this.#chunks.next();
        if (done === true) return undefined;
        this.#unpacked += value.length;
        if (value.length > this.#toSkip) {
          const rest = value.subarray(this.#toSkip);
          this.#toSkip = 0;
          return rest;
        }
        this.#toSkip -= value.length;
      }
    } catch (error) {
      // A close under a waiting read surfaces as a premature end; it is the end that was asked for.
      if (this.#isClosed) return undefined;
      throw unreadable(this.#label, error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#raw.destroy();
  }

  async *#read(): AsyncGenerator<Buffer> {
    let source: AsyncIterable<Buffer> = this.#raw;
    if (!this.#isSeekable) {
      const head = await firstChunk(this.#raw);
      this.#isPacked = head !== undefined && startsAsGzip(head);
    }
    if (this.#isPacked) {
      const unpacked = createGunzip({ chunkSize: READ_BYTES / 4 });
      this.#raw.once("error", (error) => unpacked.destroy(error));
      this.#raw.once("close", () => {
        if (this.#isClosed) unpacked.destroy();
      });
      source = this.#raw.pipe(unpacked);
    }
    yield* source;
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw unreadable(this.#label, error);
    }
  }
}

/** True for a file of gzip's, by its first two bytes, whatever its name is. */
function isGzipFile(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(2);
    return readSync(fd, head, 0, 2, 0) === 2 && startsAsGzip(head);
  } finally {
    closeSync(fd);
  }
}

function startsAsGzip(head: Buffer): boolean {
  return head[0] === GZIP_MAGIC[0] && head[1] === GZIP_MAGIC[1];
}

/** Looks at what comes first and puts it back. */
async function firstChunk(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const chunk: unknown = stream.read();
    if (Buffer.isBuffer(chunk)) {
      stream.unshift(chunk);
      return chunk;
    }
    if (stream.readableEnded || stream.destroyed) return undefined;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        for (const event of ["readable", "end", "close", "error"]) stream.off(event, go);
        resolve();
      };
      for (const event of ["readable", "end", "close", "error"]) stream.on(event, go);
    });
  }
}

function unreadable(label: string, error: unknown): CliError {
  const detail = error instanceof Error ? error.message : String(error);
  return new CliError(`Cannot read ${label}: ${detail}`, undefined, { cause: error });
}
