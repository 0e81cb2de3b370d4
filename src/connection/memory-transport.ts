import type { Sink, Transport } from "./transport.ts";
import { queueMicrotask } from "../util/platform.ts";

/** Chunks above this size may be the user's own memory, not a copy; see `Outbox`. */
const OWNED_BYTES = 16 * 1024;

/** The bytes of one end whose other end is in the same thread. */
export class MemoryTransport implements Transport {
  sink: Sink;
  /** The other end; undefined once one of the two has ended. */
  peer: MemoryTransport | undefined;
  /** Chunks that the other end wrote and were not delivered yet. */
  #queue: Uint8Array[] = [];
  #paused = false;
  #scheduled = false;
  /** The other end waits for `onDrain`. */
  #behind = false;
  #ending = false;

  private constructor(sink: Sink) {
    this.sink = sink;
  }

  /** A pair, connected to each other. */
  static pair(first: Sink, second: Sink): [MemoryTransport, MemoryTransport] {
    const a = new MemoryTransport(first);
    const b = new MemoryTransport(second);
    a.peer = b;
    b.peer = a;
    return [a, b];
  }

  start(): void {}

  write(chunks: readonly Uint8Array[]): boolean {
    return this.peer?.receive(chunks) ?? true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  poke(): void {
    this.#deliver();
  }

  end(): void {
    const { peer } = this;
    this.peer = undefined;
    if (peer === undefined) return;
    peer.peer = undefined;
    peer.#ending = true;
    peer.#schedule();
  }

  destroy(): void {
    this.#queue = [];
    this.end();
  }

  ref(): void {}

  unref(): void {}

  /** Takes out what was not delivered. @param isLast - also forgets the other end, which is not told. */
  disconnect(isLast: boolean): readonly Uint8Array[] {
    const rest = this.#queue;
    this.#queue = [];
    this.#behind = false;
    if (isLast) {
      if (this.peer !== undefined) this.peer.peer = undefined;
      this.peer = undefined;
    }
    return rest;
  }

  private receive(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) {
      this.#queue.push(chunk.length > OWNED_BYTES ? Uint8Array.prototype.slice.call(chunk) : chunk);
    }
    this.#schedule();
    this.#behind = this.#paused;
    return !this.#behind;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.#paused) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      this.sink.onData(chunk);
    }
    if (this.#queue.length > 0) return;
    if (this.#behind) {
      this.#behind = false;
      this.peer?.sink.onDrain();
    }
    if (!this.#ending) return;
    this.#ending = false;
    this.sink.onEnd();
  }
}
