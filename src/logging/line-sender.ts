import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import { os } from "../os/index.ts";
import { net } from "../util/builtin.ts";
import { clearInterval, performance, setInterval } from "../util/platform.ts";

/**
 * Milliseconds for which a call waits when the socket is full. A collector that reads empties it in less; one that waits
 * for this very thread must not hold it for ever.
 */
const PATIENCE_MS = 1_000;
const SLICE_MS = 50;
/** Period of trying a socket that stays full. */
const RETRY_MS = 5;
/** Milliseconds for which the end of this thread waits for a collector that does not read. */
const FLUSH_LIMIT_MS = 5_000;

/**
 * Writes lines into a socket so that each has left this process when the call returns: what was logged
 * before a SIGKILL arrives. When the socket is full the call waits for the collector. If that stands still,
 * lines wait here, in order, hold the program open, and are written before this thread ends.
 */
export class LineSender {
  readonly #fd: number;
  /** Owns the descriptor, so that it is closed when a worker is terminated. */
  readonly #owner: Socket;
  readonly #onGone: (pending: readonly Uint8Array[]) => void;
  #pending: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isGone = false;

  /** @param onGone - called once, with the lines that could not be written, when the collector has ended. */
  constructor(path: string, onGone: (pending: readonly Uint8Array[]) => void) {
    this.#onGone = onGone;
    this.#fd = os().connectUnix(path);
    this.#owner = new (net().Socket)({ fd: this.#fd, readable: false, writable: true });
    this.#owner.on("error", () => {});
    this.#owner.unref();
    process.on("exit", () => this.#flush());
  }

  send(line: Uint8Array): void {
    if (this.#pending.length > 0) {
      this.#pending.push(line);
      return;
    }
    this.#write(line, PATIENCE_MS);
  }

  /** Ends the connection, after what is pending. */
  close(): void {
    this.#flush();
    this.#owner.destroy();
    this.#isGone = true;
  }

  #write(bytes: Uint8Array, patience: number): void {
    const limit = performance.now() + patience;
    for (let at = 0; at < bytes.length;) {
      try {
        at += writeSync(this.#fd, bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
          this.#end(bytes);
          return;
        }
        if (performance.now() >= limit) {
          this.#keep(bytes.subarray(at));
          return;
        }
        os().awaitWritable(this.#fd, SLICE_MS);
      }
    }
  }

  #keep(bytes: Uint8Array): void {
    this.#pending.unshift(bytes);
    this.#timer ??= setInterval(() => this.#retry(), RETRY_MS);
  }

  #retry(): void {
    const pending = this.#pending;
    this.#pending = [];
    while (pending.length > 0 && this.#pending.length === 0 && !this.#isGone) {
      this.#write(pending.shift()!, 0);
    }
    this.#pending.push(...pending);
    if (this.#pending.length > 0 && !this.#isGone) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    const limit = performance.now() + FLUSH_LIMIT_MS;
    while (this.#pending.length > 0 && !this.#isGone && performance.now() < limit) {
      this.#retry();
      if (this.#pending.length > 0) os().poll(-1, -1, 1);
    }
  }

  #end(first: Uint8Array): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearInterval(this.#timer);
    this.#owner.destroy();
    const lost = [first, ...this.#pending];
    this.#pending = [];
    this.#onGone(lost);
  }
}

/** Writes a line to a descriptor in full, waiting for a reader that is slow. */
export function writeFully(fd: number, line: Uint8Array): void {
  for (let at = 0; at < line.length;) {
    try {
      at += writeSync(fd, line, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
