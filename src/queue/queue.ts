import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { Arrival, shareable, type SharedOptions } from "../sync/index.ts";
import { checkSharedName } from "../parking/index.ts";
import { boolean } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { abandon, feedSync } from "./feeder.ts";
import type { QueueCore } from "./queue-core.ts";
import { openCore, QueueBase } from "./queue-base.ts";
import { checkCapacity, checkMaxSize, limitOf, type Flavour } from "./queue-cell.ts";
import { flushRequest } from "./wait-requests.ts";
import { RING } from "./ring-layout.ts";

/** Options of queues. */
export interface QueueOptions extends SharedOptions {
  /** Limit of items, of all processes together; default, and 0 or less as in Python: no limit. */
  readonly maxSize?: number | undefined;
  /**
   * Bytes of shared memory for items, rounded up to a power of two; default: 4 MiB. Memory is taken when
   * it is first needed. Items of more than half of it go to files in memory, together up to eight times it.
   */
  readonly capacityBytes?: number | undefined;
}

/**
 * A queue between any tasks, threads and processes: first in, first out, each item to one taker.
 *
 * Items are in shared memory: one that is stored survives the death of whoever put it. Who dies while it
 * puts has put nothing; who dies while it takes loses at most the item in its hands. Nobody is blocked
 * by the dead.
 *
 * @example
 * const queue = new Queue<Job>({ maxSize: 100 });
 * const worker = await new Process({ target: work, args: [queue] }).start();
 * for (const job of jobs) await queue.put(job);
 * queue.shutdown(); // the worker's `for await (const job of queue)` ends when the queue is empty
 * @since 0.2.0
 */
export class Queue<T = unknown> extends QueueBase<T> {
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(options: QueueOptions | Arrival | undefined, flavour: Flavour);
  constructor(options: QueueOptions | Arrival = {}, flavour: Flavour = "Queue") {
    super(options instanceof Arrival ? options : { ...pick(options), flavour });
    if (!(options instanceof Arrival)) this.#checkLimit(options.maxSize);
  }

  /** Items in shared memory and those this thread keeps until there is room. Exact, and old at once. */
  get size(): number {
    return openCore(this).size;
  }

  /** True while it has as many items as it may; false without a limit. */
  get full(): boolean {
    const { ring } = openCore(this);
    return ring.maxSize > 0 && ring.size >= ring.maxSize;
  }

  /**
   * Limit of items; Infinity without one. Setting it counts for everybody: when it
   * becomes less than there are, nothing is put until enough have been taken.
   */
  get maxSize(): number {
    return openCore(this).ring.maxSize || Infinity;
  }

  set maxSize(value: number) {
    const { ring, space } = openCore(this);
    checkMaxSize(value, "maxSize");
    Atomics.store(ring.words, RING.maxSize, limitOf(value));
    space.signalAll();
  }

  /** True once `shutdown()` was called, by anybody. */
  get isShutdown(): boolean {
    return openCore(this).ring.flags !== 0;
  }

  /**
   * Ends the queue for everybody: `put` throws {@link QueueShutdownError} from now on, also where it
   * waits, and `get` when the queue is empty. What threads keep until there is room still counts.
   *
   * @param immediate - what is in the queue is dropped, and `get` throws at once.
   * @throws TimeoutError when a stopped process is in the middle of a put or get for 10 s.
   */
  shutdown(immediate = false): void {
    boolean(immediate, "immediate");
    openCore(this).shutdown(immediate);
  }

  /**
   * Waits until everything that this thread has put is in shared memory. Not needed for a clean end: the
   * program does not end before, and `process.exit` waits as long as somebody takes items.
   *
   * **Cancellation**: safe.
   * @returns false when the time was up.
   */
  async joinFeeder(options?: WaitOptions): Promise<boolean> {
    const core = openCore(this);
    checkWait(options);
    return (await core.wait(flushRequest(core), options)) === true;
  }

  /** Waits as `joinFeeder()` does; the thread sleeps. */
  joinFeederSync(options?: WaitOptions): boolean {
    return feedSync(openCore(this), options);
  }

  /** Lets the program end although items of this thread are not in shared memory yet: they are lost then. */
  cancelJoinFeeder(): void {
    abandon(openCore(this));
  }

  #checkLimit(expected: number | undefined): void {
    if (expected === undefined) return;
    const { maxSize } = openCore(this).ring;
    if (limitOf(expected) === maxSize) return;
    const { name } = this;
    this.close();
    throw new InvalidStateError(
      `The queue ${JSON.stringify(name)} exists with the limit ${maxSize || Infinity}, not ${expected}: open it without \`maxSize\`, or choose another name.`,
    );
  }

  static {
    shareable(Queue, KIND.queue, (core: QueueCore) => {
      const { maxSize, flags } = core.ring;
      const limit = maxSize > 0 ? [`at most ${maxSize}`] : [];
      return core.describe(...limit, ...(flags !== 0 ? ["shut down"] : []));
    });
  }
}

const QUEUE: OptionTable<QueueOptions> = {
  of: "Queue",
  checks: { name: checkSharedName, maxSize: checkMaxSize, capacityBytes: checkCapacity },
  sisters: { size: "maxSize", limit: "maxSize", capacity: "maxSize", highWaterMark: "maxSize" },
  bare: "maxSize",
};

/** The options without what a caller's object may carry besides. */
function pick(options: QueueOptions): QueueOptions {
  checkOptions(options, QUEUE);
  const { name, maxSize, capacityBytes } = options;
  return { name, maxSize, capacityBytes };
}
