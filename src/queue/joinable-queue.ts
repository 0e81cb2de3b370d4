import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { parkSync } from "../parking/index.ts";
import { shareable, type Arrival } from "../sync/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { Queue, type QueueOptions } from "./queue.ts";
import type { QueueCore } from "./queue-core.ts";
import { openCore } from "./queue-base.ts";
import { doneRequest } from "./wait-requests.ts";
import { RING } from "./ring-layout.ts";
import { performance } from "../util/platform.ts";

/**
 * A {@link Queue} that knows when everything that was put has been worked on.
 *
 * @example
 * // the takers
 * for await (const job of queue) {
 *   await work(job);
 *   queue.taskDone();
 * }
 * // the giver
 * await queue.join();
 * @since 0.2.0
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(options: QueueOptions | Arrival | undefined);
  constructor(options?: QueueOptions | Arrival) {
    super(options, "JoinableQueue");
  }

  /** The number of items that were put and whose taker has not called `taskDone()`. */
  get unfinished(): number {
    const core = openCore(this);
    return core.unfinished + core.outbox.buffered;
  }

  /**
   * Marks one item that was taken as done.
   * @throws InvalidStateError when every item is marked already.
   */
  taskDone(): void {
    const core = openCore(this);
    const { words } = core.ring;
    for (;;) {
      const done = Atomics.load(words, RING.done);
      const { unfinished } = core;
      if (Atomics.load(words, RING.done) !== done) continue;
      if (unfinished <= 0) {
        throw new InvalidStateError(
          "taskDone() was called more often than items were put: call it once for each item taken.",
        );
      }
      if (Atomics.compareExchange(words, RING.done, done, (done + 1) | 0) !== done) continue;
      if (core.unfinished === 0) core.done.signalAll();
      return;
    }
  }

  /**
   * Waits until `taskDone()` was called for every item that was put; those that an
   * immediate shutdown has dropped do not count. A taker that dies with an item in its hands never
   * says so: wait with a timeout where that may happen.
   *
   * **Cancellation**: safe.
   * @returns false when the time was up.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const begun = performance.now();
    const core = openCore(this);
    if (!(await this.joinFeeder(options))) return false;
    return (await core.wait(doneRequest(core), remaining(options, begun))) === true;
  }

  /** Waits as `join()` does; the thread sleeps. */
  joinSync(options?: WaitOptions): boolean {
    const begun = performance.now();
    if (!this.joinFeederSync(options)) return false;
    return parkSync(doneRequest(openCore(this)), remaining(options, begun)) === true;
  }

  static {
    shareable(JoinableQueue, KIND.queue, (core: QueueCore) =>
      core.describe(`${core.unfinished + core.outbox.buffered} unfinished`),
    );
  }
}

/** The options of the second part of a wait: the time that the first has left. */
function remaining(options: WaitOptions | undefined, begun: number): WaitOptions | undefined {
  if (options?.timeout === undefined) return options;
  return { ...options, timeout: Math.max(0, options.timeout - (performance.now() - begun)) };
}
