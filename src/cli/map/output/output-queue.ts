import { weightOf } from "./finished-block.ts";
import type { FinishedBlock } from "./finished-block.ts";

/** Most bytes joined into one write. */
const JOIN_BYTES = 1024 * 1024;

/** Takes blocks for good. Calls do not overlap. */
export interface BlockSink {
  write(blocks: readonly FinishedBlock[]): Promise<void>;
}

/** Rules of an {@link OutputQueue}. */
export interface QueueOptions {
  readonly sink: BlockSink;
  readonly isOrdered: boolean;
  /**
   * True when a block with records that did not run is left out as a whole, in order with all behind it:
   * so must it be when the run will be resumed.
   */
  readonly leavesGaps: boolean;
  /** Called with each block that is left out. */
  readonly onDropped: (block: FinishedBlock) => void;
  /** Called when the backlog has shrunk, or writing has failed. */
  readonly onProgress: () => void;
}

/**
 * Brings the results of blocks into order, if asked to, and writes them.
 *
 * What cannot be written yet is kept; {@link OutputQueue.backlogBytes} tells the run how much that
 * is, so that it stops pulling input before memory fills.
 */
export class OutputQueue {
  readonly #options: QueueOptions;
  /** Results that came before an earlier block's. */
  readonly #early = new Map<number, FinishedBlock>();
  #next = 0;
  #toWrite: FinishedBlock[] = [];
  #backlogBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isCut = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Bytes that are kept: waiting for an earlier block, or for the reader. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** True when writing has failed; nothing more will be written. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Adds the result of block number `sequence`.
   *
   * @returns how many blocks have left the waiting for order with this one.
   */
  add(sequence: number, block: FinishedBlock): number {
    this.#backlogBytes += weightOf(block);
    let released = 0;
    if (this.#options.isOrdered) {
      this.#early.set(sequence, block);
      for (let ready; (ready = this.#early.get(this.#next)) !== undefined; this.#next++) {
        this.#early.delete(this.#next);
        this.#push(ready);
        released += 1;
      }
    } else {
      this.#push(block);
      released = 1;
    }
    if (this.#toWrite.length > 0) this.#writing ??= this.#write();
    return released;
  }

  /**
   * Waits until everything is written; what waits for a block that will not come is left out.
   *
   * @throws what writing failed with.
   */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
    for (const block of this.#early.values()) this.#options.onDropped(block);
    this.#early.clear();
  }

  #push(block: FinishedBlock): void {
    const { isOrdered, leavesGaps, onDropped } = this.#options;
    const isPartial = leavesGaps && block.notRun > 0;
    if (!this.#isCut && !isPartial) {
      this.#toWrite.push(block);
      return;
    }
    this.#isCut = isOrdered;
    this.#backlogBytes -= weightOf(block);
    onDropped(block);
  }

  /** Never rejects: the failure is kept for {@link OutputQueue.flush}, and the run told. */
  async #write(): Promise<void> {
    try {
      while (this.#toWrite.length > 0) {
        const blocks = this.#take();
        await this.#options.sink.write(blocks);
        for (const block of blocks) this.#backlogBytes -= weightOf(block);
        this.#options.onProgress();
      }
      this.#writing = undefined;
    } catch (error) {
      // `#writing` stays set, so nothing is written behind a gap.
      this.#failure = { error };
      this.#options.onProgress();
    }
  }

  /** Small results become one write; each call costs more than copying them. */
  #take(): FinishedBlock[] {
    let bytes = 0;
    let count = 0;
    for (const block of this.#toWrite) {
      if (count > 0 && bytes >= JOIN_BYTES) break;
      bytes += weightOf(block);
      count += 1;
    }
    return this.#toWrite.splice(0, count);
  }
}
