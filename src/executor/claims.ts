import { closeSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { openNamelessFile } from "../util/nameless-file.ts";

/**
 * Tokens that decide who runs a task that was handed to a worker ahead of time.
 *
 * Handing out several tasks at once hides the way to the worker, but then a task may sit behind a
 * long one, be cancelled, or be left over by a worker that died. So each task comes with a token, its
 * id, in a queue that both sides can take from; taking is atomic in the kernel or the processor. The
 * worker takes the token right before it starts the task: what it has taken, it has started, even if
 * it was killed at the next instruction; what is left, nobody has run, and the executor may take it back.
 */
export interface Claims {
  /** Executor: tokens for tasks that are about to be sent, in their order. */
  append(ids: readonly number[]): void;
  /** Executor: takes every token the worker has not taken. */
  takeBack(): number[];
  /** Executor: the worker should be handed nothing more until it has no task, for {@link Claims.rest}. */
  readonly wantsRest: boolean;
  /** Executor: tidies up; only while no token is open. */
  rest(): void;
  /** Executor: no more use of it. */
  close(): void;
}

/** The worker's side. */
export interface Claimant {
  /** Takes the oldest token; -1 when there is none. */
  claim(): number;
}

const TOKEN_BYTES = 4;
/** Once this many bytes of used tokens lie in the file, their memory is given back when none is open. */
const TRIM_BYTES = 1024 * 1024;

/**
 * Tokens in a nameless file that parent and child hold open together. They share one file description
 * and so one reading position, and POSIX makes a read at the shared position atomic (Linux:
 * `f_pos_lock`; measured 0.8 µs a token).
 */
export class FileClaims implements Claims {
  readonly fd: number;
  #written = 0;
  #trimmed = 0;
  readonly #buffer: Buffer = Buffer.allocUnsafe(TOKEN_BYTES * 1024);

  constructor() {
    this.fd = openNamelessFile();
  }

  append(ids: readonly number[]): void {
    for (let from = 0; from < ids.length; from += 1024) {
      const part = ids.slice(from, from + 1024);
      part.forEach((id, i) => this.#buffer.writeUInt32LE(id, i * TOKEN_BYTES));
      let done = 0;
      const bytes = part.length * TOKEN_BYTES;
      while (done < bytes) {
        done += writeSync(this.fd, this.#buffer, done, bytes - done, this.#written + done);
      }
      this.#written += bytes;
    }
  }

  takeBack(): number[] {
    const ids: number[] = [];
    for (;;) {
      const bytes = readSync(this.fd, this.#buffer, 0, this.#buffer.length, null);
      for (let at = 0; at < bytes; at += TOKEN_BYTES) ids.push(this.#buffer.readUInt32LE(at));
      if (bytes < this.#buffer.length) return ids;
    }
  }

  get wantsRest(): boolean {
    return this.#written - this.#trimmed > TRIM_BYTES;
  }

  rest(): void {
    if (!this.wantsRest) return;
    // The reading position stays where it is; what is written next lies behind a hole.
    ftruncateSync(this.fd, 0);
    this.#trimmed = this.#written;
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The child's side of {@link FileClaims}. */
export class FileClaimant implements Claimant {
  readonly #fd: number;
  readonly #token: Buffer = Buffer.alloc(TOKEN_BYTES);

  constructor(fd: number) {
    this.#fd = fd;
  }

  claim(): number {
    const bytes = readSync(this.#fd, this.#token, 0, TOKEN_BYTES, null);
    return bytes === TOKEN_BYTES ? this.#token.readUInt32LE(0) : -1;
  }
}

const NEXT = 0;
const WRITTEN = 1;
const WORDS = 2;
/** Tokens that can be open at once; the prefetch window is far below. */
const MEMORY_TOKENS = 4096;

/** Tokens in memory shared between threads: a ring of ids; the next one to take is advanced by compare-and-swap. */
export class MemoryClaims implements Claims, Claimant {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer = MemoryClaims.allocate()) {
    this.#words = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer((WORDS + MEMORY_TOKENS) * TOKEN_BYTES);
  }

  get memory(): SharedArrayBuffer {
    return this.#words.buffer as SharedArrayBuffer;
  }

  append(ids: readonly number[]): void {
    let written = Atomics.load(this.#words, WRITTEN);
    for (const id of ids) {
      Atomics.store(this.#words, WORDS + (written & (MEMORY_TOKENS - 1)), id | 0);
      written = (written + 1) | 0;
    }
    Atomics.store(this.#words, WRITTEN, written);
  }

  claim(): number {
    for (;;) {
      const next = Atomics.load(this.#words, NEXT);
      if (next === Atomics.load(this.#words, WRITTEN)) return -1;
      const id = Atomics.load(this.#words, WORDS + (next & (MEMORY_TOKENS - 1)));
      if (Atomics.compareExchange(this.#words, NEXT, next, (next + 1) | 0) === next) {
        return id >>> 0;
      }
    }
  }

  takeBack(): number[] {
    const ids: number[] = [];
    for (let id = this.claim(); id !== -1; id = this.claim()) ids.push(id);
    return ids;
  }

  get wantsRest(): boolean {
    return false;
  }

  rest(): void {}

  close(): void {}
}
