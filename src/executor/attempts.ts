import { clearTimeout, queueMicrotask } from "../util/platform.ts";
import { setTimer } from "../util/timer.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { LiveTasks } from "./live-tasks.ts";
import { planRetry } from "./retry.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Follows a failed attempt of a task with another one, after its delay, or with the end of the task. */
export class Attempts {
  readonly #live: LiveTasks;
  readonly #dispatcher: Dispatcher;
  readonly #admit: (entry: TaskEntry) => void;

  /** @param admit - takes a task whose delay is over. */
  constructor(live: LiveTasks, dispatcher: Dispatcher, admit: (entry: TaskEntry) => void) {
    this.#live = live;
    this.#dispatcher = dispatcher;
    this.#admit = admit;
  }

  /** An attempt has failed in a worker. */
  fail(link: WorkerLink, entry: TaskEntry, failure: unknown): void {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.leaveWorker();
    const { delay, error } = planRetry(link, entry, failure);
    if (delay === undefined) {
      this.#live.fail(entry, error);
      return;
    }
    this.#live.totals.retried++;
    entry.retry(link);
    this.#dispatcher.delay(entry);
    if (delay > 0) entry.timer = setTimer(() => this.endDelay(entry), delay);
    else queueMicrotask(() => this.endDelay(entry));
  }

  /** Its worker has died while it ran; a result that has begun to stream cannot begin again. */
  crash(link: WorkerLink, entry: TaskEntry, crash: Error): void {
    if (entry.state === "streaming") this.#live.fail(entry, crash);
    else this.fail(link, entry, crash);
  }

  /** The delay of a task is over: of a retry, or until its function was located. */
  endDelay(entry: TaskEntry): void {
    entry.timer = undefined;
    if (this.#dispatcher.endDelay(entry)) this.#admit(entry);
  }
}
