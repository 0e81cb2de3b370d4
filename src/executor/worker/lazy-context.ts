import { type AsyncScope, captureScope } from "../../util/async-scope.ts";
import { sharedController } from "../../util/abort.ts";
import { decodeValue, encodeValue } from "../../wire/codec.ts";
import { maxValueBytes } from "../../wire/limits.ts";
import { leaveAlone, type TaskContext } from "./task-context.ts";
import type { IncomingTask, RunnerOptions } from "./task-runner.ts";

/** The context of one task; what few tasks ask for is made when asked for. */
export class LazyContext implements TaskContext {
  readonly #task: IncomingTask;
  readonly #options: RunnerOptions;
  #controller: AbortController | undefined;
  #open = true;
  /** The asynchronous context in which all code of this task runs. */
  readonly scope: AsyncScope;
  #context: unknown;

  constructor(task: IncomingTask, options: RunnerOptions) {
    this.#task = task;
    this.scope = options.parentScope(task.id).runInAsyncScope(captureScope);
    this.#options = options;
  }

  get signal(): AbortSignal {
    this.#controller ??= sharedController();
    return this.#controller.signal;
  }

  get attempt(): number {
    return this.#task.header === 0 ? 1 : this.#task.header[1];
  }

  /** Reads the `context` option, of which every task has a copy. @throws SerializationError when it cannot be read. */
  readContext(): void {
    const bytes = this.#task.header === 0 ? null : this.#task.header[2];
    if (bytes !== null) this.#context = decodeValue(bytes, undefined);
  }

  get context(): unknown {
    return this.#context;
  }

  get worker(): TaskContext["worker"] {
    return this.#options.worker;
  }

  /** Trace headers that came with the task. */
  get trace(): string | null {
    return this.#task.header === 0 ? null : this.#task.header[3];
  }

  /** A function of its own, so that it can be taken out of the context. */
  get progress(): (value: unknown) => void {
    return (value) => {
      if (!this.#open) return;
      const encoded = encodeValue(value, {
        destination: this.#options.destination,
        root: "progress",
        maxBytes: maxValueBytes(this.#options.destination),
      });
      this.#options.reports.add(this.#task.id, encoded);
    };
  }

  abort(reason: unknown): void {
    this.#controller ??= sharedController();
    const controller = this.#controller;
    this.scope.runInAsyncScope(() => controller.abort(reason));
  }

  /** The task is over. */
  close(): void {
    this.#open = false;
    if (runsAlone(this.#options)) leaveAlone();
  }
}

/** True when no other task runs between the parts of one: then finding its context needs no bookkeeping. */
export function runsAlone({ concurrency, worker }: RunnerOptions): boolean {
  // Executors that run inline share their thread with each other, and with a task that made one.
  return concurrency === 1 && worker.kind !== "inline";
}
