import type { PeerKind } from "../wire/index.ts";

/** Memory kept for further tasks at the most. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** A piece that is larger by this factor than what it is to hold stays for something larger. */
const WASTE = 2;

/**
 * Memory for the copies of large buffers in arguments, used again for one task after another: fresh memory
 * takes longer to get, page by page, than to fill.
 *
 * Threads see the memory and copy out of it when the task starts, so a task that waits in a worker can be
 * taken back; for processes it is written to their channel.
 */
export class BufferPool {
  readonly #shared: boolean;
  readonly #free: ArrayBufferLike[] = [];
  #bytes = 0;

  private constructor(shared: boolean) {
    this.#shared = shared;
  }

  /** Memory for one executor; none for one that runs tasks in this thread. */
  static for(kind: PeerKind): BufferPool | undefined {
    return kind === "inline" ? undefined : new BufferPool(kind === "thread");
  }

  /** At least `bytes` bytes, of any content. */
  take(bytes: number): ArrayBufferLike {
    const fits = ({ byteLength }: ArrayBufferLike): boolean =>
      byteLength >= bytes && byteLength <= bytes * WASTE;
    const at = this.#free.findIndex(fits);
    if (at === -1) {
      return this.#shared ? new SharedArrayBuffer(bytes) : Buffer.allocUnsafeSlow(bytes).buffer;
    }
    const [memory] = this.#free.splice(at, 1) as [ArrayBufferLike];
    this.#bytes -= memory.byteLength;
    return memory;
  }

  /** Takes back what nobody looks at any more. */
  giveBack(memories: readonly ArrayBufferLike[] = []): void {
    for (const memory of memories) {
      if (this.#bytes + memory.byteLength > KEPT_BYTES) return;
      this.#bytes += memory.byteLength;
      this.#free.push(memory);
    }
  }
}
