import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";

/** One read of a file; large enough that a block seldom has to wait for the next. */
const READ_BYTES = 512 * 1024;

/** The bytes of one file or of standard input, chunk by chunk, read only when asked for. */
export class ByteReader {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #isClosed = false;

  /** @param path - a file, or `-` for standard input. */
  constructor(path: string) {
    this.#stream =
      path === "-" ? process.stdin : createReadStream(path, { highWaterMark: READ_BYTES });
    this.#chunks = (this.#stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  /** The next chunk, or `undefined` at the end or after {@link close}. */
  async read(): Promise<Buffer | undefined> {
    try {
      const { value, done } = await this.#chunks.next();
      return done === true ? undefined : value;
    } catch (error) {
      // A close under a waiting read surfaces as a premature end; it is the end that was asked for.
      if (this.#isClosed) return undefined;
      throw error;
    }
  }

  /** Stops reading. */
  close(): void {
    this.#isClosed = true;
    this.#stream.destroy();
  }
}
