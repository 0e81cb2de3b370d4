import type { Output } from "./output.ts";

/** Most bytes joined into one write. */
const JOIN_BYTES = 1024 * 1024;

/**
 * Brings the results of blocks into order, if asked to, and writes them.
 *
 * What cannot be written yet is kept; {@link OutputQueue.backlogBytes} tells the run how much that
 * is, so that it stops pulling input before memory fills.
 */
export class OutputQueue {
  readonly #output: Output;
  readonly #isOrdered: boolean;
  readonly #onProgress: () => void;
  /** Results that came before an earlier block's. */
  readonly #early = new Map<number, readonly Uint8Array[]>();
  #next = 0;
  #toWrite: Uint8Array[] = [];
  #backlogBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param onProgress - called when the backlog has shrunk, or writing has failed. */
  constructor(output: Output, isOrdered: boolean, onProgress: () => void) {
    this.#output = output;
    this.#isOrdered = isOrdered;
    this.#onProgress = onProgress;
  }

  /** Bytes that are kept: waiting for an earlier block, or for the reader. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Whether writing has failed; nothing more will be written. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Adds the result of block number `sequence`.
   *
   * @returns how many blocks have left the waiting for order with this one.
   */
  add(sequence: number, parts: readonly Uint8Array[]): number {
    for (const part of parts) this.#backlogBytes += part.length;
    let released = 0;
    if (this.#isOrdered) {
      this.#early.set(sequence, parts);
      for (let ready; (ready = this.#early.get(this.#next)) !== undefined; this.#next++) {
        this.#early.delete(this.#next);
        this.#push(ready);
        released += 1;
      }
    } else {
      this.#push(parts);
      released = 1;
    }
    if (this.#toWrite.length > 0) this.#writing ??= this.#write();
    return released;
  }

  /**
   * Waits until everything is written.
   *
   * @throws what writing failed with.
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #push(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      if (part.length > 0) this.#toWrite.push(part);
    }
  }

  /** Never rejects: the failure is kept for {@link OutputQueue.flush}, and the run told. */
  async #write(): Promise<void> {
    try {
      while (this.#toWrite.length > 0) {
        const joined = this.#join();
        await this.#output.write(joined);
        this.#backlogBytes -= joined.length;
        this.#onProgress();
      }
      this.#writing = undefined;
    } catch (error) {
      // `#writing` stays set, so nothing is written behind a gap.
      this.#failure = { error };
      this.#onProgress();
    }
  }

  /** Small results become one write; each call costs more than copying them. */
  #join(): Uint8Array {
    const parts = this.#toWrite;
    let count = 0;
    let bytes = 0;
    while (count < parts.length && (count === 0 || bytes < JOIN_BYTES)) {
      bytes += parts[count]?.length ?? 0;
      count += 1;
    }
    this.#toWrite = parts.slice(count);
    const [first] = parts;
    return count === 1 && first !== undefined ? first : Buffer.concat(parts.slice(0, count));
  }
}
