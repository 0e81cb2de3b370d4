import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  realpathSync,
  statSync,
  unlinkSync,
  write,
} from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";

/** Most bytes written by one call; more would only hold memory twice. */
const WRITE_BYTES = 1024 * 1024;

const pack = promisify(gzip);
const syncData = promisify(fdatasync);

/** A place for finished lines. Writes happen one at a time, in the order of the calls. */
export interface Output {
  /** The place of the next byte; counts what a file held before. */
  readonly offset: number;
  /** Writes all of `bytes`. **Waiting**: until the reader or the disk has taken them. */
  write(bytes: Uint8Array): Promise<void>;
  /** Waits until what was written is on the disk. */
  sync(): Promise<void>;
  /** Ends the output after what was written. */
  close(): Promise<void>;
}

/** Ways to open a file. */
export type OpenMode =
  /** It must not exist. */
  | { readonly kind: "create" }
  | { readonly kind: "overwrite" }
  | { readonly kind: "append" }
  /** It is cut to `length` and written on; created when `length` is 0. */
  | { readonly kind: "resume"; readonly length: number };

/** Standard output. @param fd - the descriptor by which this process has it. */
export function openStdout(fd: number = 1): Output {
  const stats = fstatSync(fd);
  // A pipe whose reader stands still must not block this thread, or a thread that exit waits for.
  if (stats.isFIFO() || stats.isSocket()) return new PipeOutput(fd);
  return new FileOutput(fd, undefined, 0);
}

/** A file that is open and has not been changed yet. */
export interface OpenedFile {
  /** Its length, or what that will be once {@link OpenedFile.begin} has cut it. */
  readonly offset: number;
  /** Cuts it as its mode says; from now on it is written. */
  begin(): Output;
  /** Leaves things as they were before. */
  undo(): void;
}

/**
 * Opens a file to write; one whose name ends in `.gz` is packed. What it holds stays until it is begun, so
 * that a run that cannot open its next file has destroyed nothing, and left no empty one.
 *
 * @throws CliError when it exists and must not, or cannot be opened.
 */
export function openFile(path: string, mode: OpenMode): OpenedFile {
  const existing = statSync(path, { throwIfNoEntry: false });
  // /dev/null and named pipes are there to be written to.
  const isDevice = existing !== undefined && !existing.isFile() && !existing.isDirectory();
  const isNew = existing === undefined;
  try {
    const fd = openSync(path, mode.kind === "create" && !isDevice ? "ax" : "a");
    const length = isDevice ? 0 : lengthOf(mode, fstatSync(fd).size);
    return {
      offset: length,
      begin: () => {
        if (!isDevice && fstatSync(fd).size > length) ftruncateSync(fd, length);
        const file = new FileOutput(fd, path, length);
        return path.endsWith(".gz") ? new GzipOutput(file) : file;
      },
      undo: () => {
        closeSync(fd);
        if (isNew) unlinkSync(realpathSync(path));
      },
    };
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw alreadyThere(path, error);
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot write ${path}: ${detail}`, EXIT_CODE.usage, { cause: error });
  }
}

function lengthOf(mode: OpenMode, size: number): number {
  if (mode.kind === "resume") return Math.min(mode.length, size);
  return mode.kind === "append" ? size : 0;
}

/** The error for a file that is in the way. */
export function alreadyThere(path: string, cause?: unknown): CliError {
  return new CliError(
    `${path} exists already; pass --overwrite to replace it, or choose another name`,
    EXIT_CODE.refused,
    { cause },
  );
}

/** A file, a terminal or a device: written by its descriptor. */
class FileOutput implements Output {
  readonly #fd: number;
  /** `undefined` for standard output, which is not ours to close. */
  readonly #path: string | undefined;
  #offset: number;

  constructor(fd: number, path: string | undefined, offset: number) {
    this.#fd = fd;
    this.#path = path;
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(WRITE_BYTES, bytes.length - at);
      const written = await this.#guard(writeSome(this.#fd, bytes.subarray(at, at + length)));
      at += written;
      this.#offset += written;
    }
  }

  async sync(): Promise<void> {
    try {
      await syncData(this.#fd);
    } catch (error) {
      // Devices have nothing to make sure of.
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw this.#explain(error);
    }
  }

  close(): Promise<void> {
    if (this.#path !== undefined) closeSync(this.#fd);
    return Promise.resolve();
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw isReaderGone(error) ? error : this.#explain(error);
    }
  }

  #explain(error: unknown): CliError {
    const where = this.#path ?? "standard output";
    const detail = error instanceof Error ? error.message : String(error);
    const hint = codeOf(error) === "ENOSPC" ? "; make room first" : "";
    return new CliError(
      `Cannot write ${where}: ${detail}; the lines before it are whole${hint}`,
      EXIT_CODE.usage,
      { cause: error },
    );
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

/**
 * A file that is packed: each write becomes a member of its own, as gzip allows.
 *
 * So every offset is one at which the file may end, which is what lets a run be resumed.
 */
class GzipOutput implements Output {
  readonly #file: Output;

  constructor(file: Output) {
    this.#file = file;
  }

  get offset(): number {
    return this.#file.offset;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#file.write(await pack(bytes));
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** A pipe or socket: written without blocking, so that a slow reader slows the run and nothing else. */
class PipeOutput implements Output {
  readonly offset: number = 0;
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

  sync(): Promise<void> {
    return Promise.resolve();
  }

  /** Every write has been waited for. Ending a socket would end it for the shell that started us, too. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** True when writing failed since nobody reads any more (`| head`). */
export function isReaderGone(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EPIPE" || code === "ECONNRESET";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
