import type { WorkerPool } from "./worker-pool.ts";
import { slowHolders } from "./placement.ts";
import type { TaskEntry } from "./task-entry.ts";
import { performance, setTimeout } from "../util/platform.ts";

/** While a worker is idle and another holds tasks it has not started, how often they are looked at. */
const INTERVAL_MS = 2;

/**
 * Moves tasks from slow workers to idle ones: a task that was handed out ahead of time, because the one
 * before it was expected to be quick, must not wait behind it when it is not.
 */
export class Rebalancer {
  readonly #workers: WorkerPool;
  readonly #concurrency: number;
  readonly #requeue: (entries: readonly TaskEntry[]) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    workers: WorkerPool,
    concurrency: number,
    requeue: (entries: readonly TaskEntry[]) => void,
  ) {
    this.#workers = workers;
    this.#concurrency = concurrency;
    this.#requeue = requeue;
  }

  /** Called when a worker has become idle. */
  arm(): void {
    if (this.#timer !== undefined || !this.#isUneven()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#share();
      this.arm();
    }, INTERVAL_MS);
  }

  #isUneven(): boolean {
    let idle = false;
    let holding = false;
    for (const link of this.#workers.links) {
      if (link.state === "ready" && link.inflight.size < this.#concurrency) idle = true;
      if (link.inflight.size > this.#concurrency && !link.slow) holding = true;
    }
    return idle && holding;
  }

  #share(): void {
    if (!this.#isUneven()) return;
    for (const link of slowHolders(this.#workers.links, this.#concurrency, performance.now())) {
      link.slow = true;
      const reclaimed = link.reclaim();
      const movable = reclaimed.filter((entry) => !entry.moved && entry.pinned === undefined);
      link.keep(reclaimed.filter((entry) => !movable.includes(entry)));
      link.release(movable);
      this.#requeue(movable);
    }
  }
}
