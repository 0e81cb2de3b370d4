import type { BlockSize } from "./block-size.ts";
import type { BlockSource } from "./block-source.ts";
import type { BlockTrial } from "./block-trial.ts";
import { OutputQueue } from "./output-queue.ts";
import type { Output } from "./output.ts";
import type { RecordBlock } from "./record-block.ts";
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
  readonly trial: BlockTrial;
  readonly output: Output;
  readonly isOrdered: boolean;
}

/**
 * Moves blocks from the input through the workers to the output, holding a bounded number of them.
 *
 * ```
 * source --next(size)--> [slot] --> trial (workers, retries) --> queue (order) --> output
 *            ^                                                        |
 *            +------------- waits while the backlog is full ----------+
 * ```
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #queue: OutputQueue;
  #open = 0;
  #isStopped = false;
  #failure: { readonly error: unknown } | undefined;
  #ring: (() => void) | undefined;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#queue = new OutputQueue(parts.output, parts.isOrdered, () => this.#changed());
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
    while (this.#open > 0 && this.#isHealthy()) await this.#change();
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
      while (this.#isFull() && this.#isHealthy() && !this.#isStopped) await this.#change();
      const mayPull = this.#isHealthy() && !this.#isStopped;
      const block = mayPull ? await source.next(size.records) : undefined;
      if (block === undefined) return slots.release();
      this.#open += 1;
      void this.#process(sequence, block);
    }
  }

  /** Never rejects: a failure of the run is kept, and ends it. */
  async #process(sequence: number, block: RecordBlock): Promise<void> {
    try {
      const parts = await this.#parts.trial.run(block);
      this.#open -= this.#queue.add(sequence, parts);
    } catch (error) {
      this.#failure ??= { error };
      // The pump may wait for input that comes late or never.
      this.#parts.source.close();
    }
    this.#changed();
  }

  #isFull(): boolean {
    return this.#queue.backlogBytes > MAX_BACKLOG_BYTES || this.#open >= MAX_OPEN_BLOCKS;
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
