import type { TaskEntry } from "./task-entry.ts";

/** Entries of one priority, first in first out; taking from the front moves an index, not the array. */
class Bucket {
  readonly priority: number;
  #entries: TaskEntry[] = [];
  #head = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

  push(entry: TaskEntry): void {
    this.#entries.push(entry);
  }

  /** Puts entries that were handed out back where they were: before all that came later. */
  unshift(entries: readonly TaskEntry[]): void {
    this.#entries = [...entries, ...this.#entries.slice(this.#head)];
    this.#head = 0;
  }

  /** The oldest entry that still waits; those cancelled meanwhile are dropped on the way. */
  peek(): TaskEntry | undefined {
    for (; this.#head < this.#entries.length; this.#head++) {
      const entry = this.#entries[this.#head];
      if (entry?.state === "pending") return entry;
    }
    this.#entries.length = 0;
    this.#head = 0;
    return undefined;
  }

  shift(): void {
    this.#entries[this.#head++] = undefined as never;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  *waiting(): Generator<TaskEntry> {
    for (let i = this.#head; i < this.#entries.length; i++) {
      const entry = this.#entries[i];
      if (entry?.state === "pending") yield entry;
    }
  }
}

/**
 * Tasks that wait for a worker, by priority, then by age.
 *
 * Cancelling leaves an entry where it is; it is skipped when its turn comes. `size` counts only those
 * that wait: the owner of an entry calls {@link PendingQueue.forget} when it changes its state.
 */
export class PendingQueue {
  /** Highest priority first; programs use a handful of priorities at the most. */
  readonly #buckets: Bucket[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(entry: TaskEntry): void {
    this.#bucket(entry.options.priority).push(entry);
    this.#size++;
  }

  /** Puts back, ahead of their equals, entries that had been taken; `entries` in their order. */
  putBack(entries: readonly TaskEntry[]): void {
    const byPriority = new Map<number, TaskEntry[]>();
    for (const entry of entries) {
      const group = byPriority.get(entry.options.priority);
      if (group === undefined) byPriority.set(entry.options.priority, [entry]);
      else group.push(entry);
    }
    for (const [priority, group] of byPriority) this.#bucket(priority).unshift(group);
    this.#size += entries.length;
  }

  /** The entry whose turn it is. */
  peek(): TaskEntry | undefined {
    for (const bucket of this.#buckets) {
      const entry = bucket.peek();
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Takes the entry that {@link PendingQueue.peek} has just given. */
  take(entry: TaskEntry): void {
    this.#bucket(entry.options.priority).shift();
    this.#size--;
  }

  /** One entry does not wait any more: it was cancelled. */
  forget(): void {
    this.#size--;
  }

  /** All that wait, in no useful order. */
  *waiting(): Generator<TaskEntry> {
    for (const bucket of this.#buckets) yield* bucket.waiting();
  }

  #bucket(priority: number): Bucket {
    let at = 0;
    for (; at < this.#buckets.length; at++) {
      const bucket = this.#buckets[at] as Bucket;
      if (bucket.priority === priority) return bucket;
      if (bucket.priority < priority) break;
    }
    const bucket = new Bucket(priority);
    this.#buckets.splice(at, 0, bucket);
    return bucket;
  }
}
