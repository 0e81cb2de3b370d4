import { QueueFullError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { type WorkerPool, RETRY_START_MS } from "./worker-pool.ts";
import type { AbandonedSlot } from "./abandoned-slot.ts";
import type { CheckedOptions } from "./options.ts";
import { PendingQueue } from "./pending-queue.ts";
import { estimateOf, pickWorker } from "./placement.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";
import { clearTimeout, queueMicrotask, setTimeout } from "../util/platform.ts";

/** Events that the dispatcher leaves to the scheduler. */
export interface DispatcherOwner {
  /** The only worker that may run the task is dead. */
  onOrphan(entry: TaskEntry, link: WorkerLink): void;
  /** The worker in the place of one that was ended because of a task that was given up in it. */
  replacementOf(link: WorkerLink): WorkerLink | undefined;
  /** The system refused to start a worker. */
  onCannotGrow(error: unknown): void;
}

/** A task of so many calls is sent at once, not at the end of the tick. */
const LARGE_CHUNK = 1024;

/** Holds the tasks that wait for a worker, hands them out, and takes them back while they are not started. */
export class Dispatcher {
  readonly #options: CheckedOptions;
  readonly #workers: WorkerPool;
  readonly #owner: DispatcherOwner;
  readonly #pending: PendingQueue = new PendingQueue();
  /** Tasks that are not in the queue yet: being located, or waiting for their retry. */
  readonly #delayed: Set<TaskEntry> = new Set();
  /** Grows with each flush; submits of one tick share the stack they were made from. */
  tick = 0;
  #nextTask = 1;
  #flushing = false;
  #retrying = false;
  #room: Deferred<void> | undefined;

  constructor(options: CheckedOptions, workers: WorkerPool, owner: DispatcherOwner) {
    this.#options = options;
    this.#workers = workers;
    this.#owner = owner;
  }

  /** Tasks that no worker has. */
  get waiting(): number {
    return this.#pending.size + this.#delayed.size;
  }

  /** Puts a task in the queue. */
  add(entry: TaskEntry): void {
    entry.enqueue();
    this.#pending.push(entry);
  }

  /**
   * Takes a task that has just been added out again when it waits beyond `maxQueue`; retries and the
   * tasks of maps, which have limits of their own, may wait.
   *
   * @returns the error to settle it with.
   */
  refuseOverflow(entry: TaskEntry): QueueFullError | undefined {
    const { maxQueue } = this.#options;
    if (entry.state !== "pending" || this.#pending.size <= maxQueue) return undefined;
    if (entry.attempt > 1 || entry.isFromMap) return undefined;
    this.#pending.forget();
    entry.refuse();
    return new QueueFullError(
      `${maxQueue} tasks wait already (\`maxQueue\`); await executor.waitForRoom() before submitting.`,
    );
  }

  /** Counts a task as waiting that is not in the queue yet. */
  delay(entry: TaskEntry): void {
    this.#delayed.add(entry);
  }

  /** The delay of a task is over. @returns false when the task has come to its end meanwhile. */
  endDelay(entry: TaskEntry): boolean {
    return this.#delayed.delete(entry);
  }

  /** A task that is about to be settled does not wait any more, if it did. */
  forget(entry: TaskEntry): void {
    if (entry.state === "pending") this.#pending.forget();
    else this.#delayed.delete(entry);
  }

  /** Hands out waiting tasks as long as there is a worker for the next one. */
  schedule(): void {
    for (;;) {
      const entry = this.#pending.peek();
      if (entry === undefined) break;
      const mayGrow = this.#workers.mayGrow && entry.pinned === undefined;
      let link = pickWorker(this.#workers.links, entry, this.#options, mayGrow);
      if (link === undefined) {
        link = mayGrow ? this.grow() : undefined;
        if (link === undefined) break;
      }
      this.#pending.take(entry);
      this.#hand(link, entry);
    }
    this.noteRoom();
  }

  /** Starts one more worker. @returns undefined when the system refuses. */
  grow(): WorkerLink | undefined {
    try {
      const link = this.#workers.tryAdd();
      if (link === undefined) this.#tryLater();
      return link;
    } catch (error) {
      // Not now: whoever submits hears of failures later.
      queueMicrotask(() => this.#owner.onCannotGrow(error));
      return undefined;
    }
  }

  /** Schedules once more when another worker may be tried: nothing else may happen until then. */
  #tryLater(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    setTimeout(() => {
      this.#retrying = false;
      this.schedule();
    }, RETRY_START_MS + 1);
  }

  /** Puts tasks back that were taken from workers, and hands out what can be. */
  requeue(entries: readonly TaskEntry[]): void {
    this.putBack(entries);
    this.schedule();
  }

  /** Puts tasks back that were taken from workers, ahead of those that came later. */
  putBack(entries: readonly TaskEntry[]): void {
    for (const entry of entries) {
      if (entry.pinned?.state === "dead")
        entry.pinned = this.#owner.replacementOf(entry.pinned) ?? entry.pinned;
      entry.enqueue();
    }
    const orphans = entries.filter((entry) => entry.pinned?.state === "dead");
    this.#pending.putBack(entries.filter((entry) => !orphans.includes(entry)));
    for (const entry of orphans) this.#owner.onOrphan(entry, entry.pinned as WorkerLink);
  }

  /** Takes a task out of a worker that has not started it. @returns false when it has. */
  takeOut(link: WorkerLink, entry: TaskEntry): boolean {
    if (entry.state === "sent") {
      const reclaimed = link.reclaim();
      const isFree = reclaimed.includes(entry);
      link.keep(isFree ? reclaimed.filter((other) => other !== entry) : reclaimed);
      if (!isFree) return false;
    } else if (entry.state !== "outbox") {
      return false;
    }
    link.release([entry]);
    return true;
  }

  /** A task that outranks others gets ahead of those that were handed out and not started. */
  preempt(entry: TaskEntry): void {
    const yields = (other: TaskEntry | AbandonedSlot): other is TaskEntry =>
      other.state !== "abandoned" &&
      !other.moved &&
      other.options.priority < entry.options.priority;
    for (const link of this.#workers.links) {
      if (![...link.inflight.values()].some(yields)) continue;
      const reclaimed = link.reclaim();
      link.keep(reclaimed.filter((other) => !yields(other)));
      const yielding = [...reclaimed, ...link.unsent()].filter(yields);
      link.release(yielding);
      this.putBack(yielding);
    }
  }

  /** Takes back all tasks that no worker has started. */
  takeBackAll(): void {
    for (const link of this.#workers.links) {
      const unstarted = [...link.reclaim(), ...link.unsent()];
      link.release(unstarted);
      this.putBack(unstarted);
    }
  }

  /** Settles once another task would find room: fewer than `maxQueue` wait, or a worker is free. */
  async waitForRoom(): Promise<void> {
    while (!this.#hasRoom) {
      this.#room ??= deferred();
      await this.#room.promise;
    }
  }

  /** Tells those who wait for room, if there is some. */
  noteRoom(): void {
    if (this.#room === undefined || !this.#hasRoom) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** There will be no room any more. */
  denyRoom(error: Error): void {
    this.#room?.reject(error);
    this.#room = undefined;
  }

  get #hasRoom(): boolean {
    if (this.waiting < this.#options.maxQueue) return true;
    return this.waiting === 0 && (this.#workers.mayGrow || this.#workers.hasIdle);
  }

  #hand(link: WorkerLink, entry: TaskEntry): void {
    clearTimeout(link.idleTimer);
    link.add(entry, this.#nextTask, estimateOf(entry));
    this.#nextTask = (this.#nextTask % 0xffff_fffe) + 1;
    if (entry.items >= LARGE_CHUNK) {
      // The worker begins with it while this thread prepares the next.
      link.flush(false);
      return;
    }
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.tick++;
      this.#workers.flush();
    });
  }
}
