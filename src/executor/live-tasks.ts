import { clearTimeout } from "../util/platform.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { TaskEntry } from "./task-entry.ts";
import { publishFailure, Totals } from "./totals.ts";

/** Tasks accepted and not at their end, wherever they are; settles each of them once. */
export class LiveTasks implements Iterable<TaskEntry> {
  /** Counts of those at their end. */
  readonly totals: Totals = new Totals();
  readonly #executor: string;
  readonly #buffers: BufferPool | undefined;
  readonly #onEmpty: () => void;
  readonly #entries: Set<TaskEntry> = new Set();

  /**
   * @param executor - its name.
   * @param buffers - where the memory of their arguments comes from.
   * @param onEmpty - called when the last of them has come to its end.
   */
  constructor(executor: string, buffers: BufferPool | undefined, onEmpty: () => void) {
    this.#executor = executor;
    this.#buffers = buffers;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#entries.size;
  }

  add(entry: TaskEntry): void {
    this.#entries.add(entry);
  }

  has(entry: TaskEntry): boolean {
    return this.#entries.has(entry);
  }

  [Symbol.iterator](): IterableIterator<TaskEntry> {
    return this.#entries.values();
  }

  /** Ends a task with its result; one whose result streams has given it to its caller before. */
  succeed(entry: TaskEntry, value: unknown): void {
    const streamed = entry.state === "streaming";
    this.#forget(entry);
    this.totals.completed++;
    // The worker has read it. After a failure that is not certain: then it is left to the garbage collector.
    this.#buffers?.giveBack(entry.lent);
    if (!streamed) entry.sink.value(value);
  }

  /** Ends a task with an error. No effect on one that is at its end. */
  fail(entry: TaskEntry, error: unknown): void {
    const streamed = entry.state === "streaming";
    if (!this.#entries.has(entry)) return;
    this.#forget(entry);
    this.totals.noteError(error);
    publishFailure(this.#executor, entry.name, error);
    if (!streamed) entry.sink.error(error);
  }

  #forget(entry: TaskEntry): void {
    clearTimeout(entry.timer);
    for (const { id } of entry.streams ?? []) entry.link?.streams.withdraw(id);
    entry.settle();
    entry.options.unwatch(entry);
    this.#entries.delete(entry);
    if (this.#entries.size === 0) this.#onEmpty();
  }
}
