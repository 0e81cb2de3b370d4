import { closeSync, fstatSync, openSync, statSync, write } from "node:fs";
import { Socket } from "node:net";
import { CliError } from "./cli-error.ts";
import { EXIT_CODE } from "./exit-code.ts";

/** Most bytes written by one call; more would only hold memory twice. */
const WRITE_BYTES = 1024 * 1024;

/** Where finished lines go. Writes happen one at a time, in the order of the calls. */
export interface Output {
  /** Writes all of `bytes`. **Waiting**: until the reader or the disk has taken them. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the output after what was written. */
  close(): Promise<void>;
}

/**
 * Opens the output: a new file, or standard output.
 *
 * @param path - `undefined` or `-` for standard output.
 * @throws {@link CliError} when the file exists and `overwrite` is false, or cannot be opened.
 */
export function openOutput(path: string | undefined, overwrite: boolean): Output {
  if (path !== undefined && path !== "-") return new FileOutput(openFile(path, overwrite), true);
  const stats = fstatSync(1);
  // A pipe whose reader stands still must not block this thread, or a thread that exit waits for.
  return stats.isFIFO() || stats.isSocket() ? new PipeOutput(1) : new FileOutput(1, false);
}

function openFile(path: string, overwrite: boolean): number {
  const existing = statSync(path, { throwIfNoEntry: false });
  // /dev/null and named pipes are there to be written to.
  const isDevice = existing !== undefined && !existing.isFile() && !existing.isDirectory();
  try {
    return openSync(path, overwrite || isDevice ? "w" : "wx");
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      const message = `${path} exists already; pass --overwrite to replace it, or choose another -o`;
      throw new CliError(message, EXIT_CODE.refused, { cause: error });
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot write ${path}: ${detail}`, EXIT_CODE.usage, { cause: error });
  }
}

/** A file, a terminal or a device: written by its descriptor. */
class FileOutput implements Output {
  readonly #fd: number;
  readonly #isOurs: boolean;

  constructor(fd: number, isOurs: boolean) {
    this.#fd = fd;
    this.#isOurs = isOurs;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(WRITE_BYTES, bytes.length - at);
      at += await writeSome(this.#fd, bytes.subarray(at, at + length));
    }
  }

  close(): Promise<void> {
    if (this.#isOurs) closeSync(this.#fd);
    return Promise.resolve();
  }
}

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}

/** A pipe or socket: written without blocking, so that a slow reader slows the run and nothing else. */
class PipeOutput implements Output {
  readonly #socket: Socket;
  #error: Error | undefined;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on("error", (error) => {
      this.#error = error;
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) reject(this.#error);
      // The callback comes when the system has taken the bytes, or with the error.
      else this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.end(() => resolve());
    });
  }
}

/** Whether writing failed since nobody reads any more (`| head`). */
export function isReaderGone(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EPIPE" || code === "ECONNRESET";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
