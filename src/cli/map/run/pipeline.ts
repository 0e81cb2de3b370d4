import type { RecordBlock } from "../input/block.ts";
import type { BlockSource } from "../input/block-source.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import { OutputQueue } from "../output/output-queue.ts";
import type { BlockSink } from "../output/output-queue.ts";
import type { BlockSize } from "./block-size.ts";
import type { Slots } from "./slots.ts";

/** Most bytes of results kept for order or for a slow reader; beyond it no more input is pulled. */
const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;
/** Most blocks between the oldest unfinished one and the newest; bounds what one slow record holds up. */
const MAX_OPEN_BLOCKS = 4096;

/** The parts a run is made of. */
export interface PipelineParts {
  readonly source: BlockSource;
  readonly size: BlockSize;
  readonly slots: Slots;
  /** Brings a block to its end, and releases its slot. */
  readonly run: (block: RecordBlock) => Promise<FinishedBlock>;
  readonly sink: BlockSink;
  readonly isOrdered: boolean;
  /** True when a block is written as a whole or not at all. */
  readonly leavesGaps: boolean;
  /** Most records between the oldest unfinished one and the newest. */
  readonly window: number;
  /** Told of a block that is not written although some of it ran. */
  readonly onDropped: (block: FinishedBlock) => void;
}

/**
 * Moves blocks from the input through the workers to the output, holding a bounded number of them.
 *
 * ```
 * source --next(size)--> [slot] --> trial (workers, retries) --> queue (order) --> sink
 *            ^                                                        |
 *            +------------- waits while the backlog is full ----------+
 * ```
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #queue: OutputQueue;
  /** Records of the blocks that are not written yet, by the blocks' numbers. */
  readonly #open = new Map<number, number>();
  #openBlocks = 0;
  #openRecords = 0;
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #ring: (() => void) | undefined;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    const { sink, isOrdered, leavesGaps, onDropped } = parts;
    const onProgress = (): void => this.#changed();
    this.#queue = new OutputQueue({ sink, isOrdered, leavesGaps, onDropped, onProgress });
  }

  /**
   * Runs until the input is at its end, or {@link Pipeline.stop} was called, and all results are written.
   *
   * @throws what the input, the workers or the output failed with. After a failure of the input,
   * everything read before it has been written.
   */
  async run(): Promise<void> {
    let inputFailure: { readonly error: unknown } | undefined;
    try {
      await this.#pump();
    } catch (error) {
      inputFailure = { error };
    }
    while (this.#openBlocks > 0 && this.#isHealthy()) await this.#change();
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#queue.flush();
    if (inputFailure !== undefined) throw inputFailure.error;
  }

  /** Pulls no more input; {@link Pipeline.run} ends after what is under way. */
  stop(): void {
    this.#isStopped = true;
    this.#parts.source.close();
    this.#changed();
  }

  async #pump(): Promise<void> {
    const { slots, source, size } = this.#parts;
    for (let sequence = 0; ; sequence++) {
      await slots.take();
      while (this.#isFull() && this.#mayPull()) await this.#change();
      const room = this.#parts.window - this.#openRecords;
      const block = this.#mayPull() ? await source.next(size.within(room)) : undefined;
      if (block === undefined) return slots.release();
      size.take(block.body.count, block.bytes);
      this.#openBlocks += 1;
      this.#openRecords += block.body.count;
      this.#open.set(sequence, block.body.count);
      void this.#process(sequence, block);
    }
  }

  /** Never rejects: a failure of the run is kept, and ends it. */
  async #process(sequence: number, block: RecordBlock): Promise<void> {
    try {
      this.#add(sequence, await this.#parts.run(block));
    } catch (error) {
      this.#failure ??= { error };
      // The pump may wait for input that comes late or never.
      this.#parts.source.close();
    }
    this.#changed();
  }

  #add(sequence: number, finished: FinishedBlock): void {
    const released = this.#queue.add(sequence, finished);
    this.#openBlocks -= released;
    if (!this.#parts.isOrdered) {
      this.#forget(sequence);
      return;
    }
    let left = released;
    for (const oldest of this.#open.keys()) {
      if (left === 0) break;
      left -= 1;
      this.#forget(oldest);
    }
  }

  #forget(sequence: number): void {
    this.#openRecords -= this.#open.get(sequence) ?? 0;
    this.#open.delete(sequence);
  }

  #mayPull(): boolean {
    return this.#isHealthy() && !this.#isStopped;
  }

  #isFull(): boolean {
    return (
      this.#queue.backlogBytes > MAX_BACKLOG_BYTES ||
      this.#openBlocks >= MAX_OPEN_BLOCKS ||
      this.#openRecords >= this.#parts.window
    );
  }

  #isHealthy(): boolean {
    return this.#failure === undefined && !this.#queue.hasFailed;
  }

  /** Waits until something has happened that may change what this run waits for. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }

  #changed(): void {
    if (this.#queue.hasFailed) this.#parts.source.close();
    this.#ring?.();
    this.#ring = undefined;
  }
}
