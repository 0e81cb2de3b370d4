import { Ownership } from "./unclosed.ts";
import { checkTask, type Task } from "../task/index.ts";
import { inspectAs } from "../util/inspectable.ts";
import { staysHere } from "../util/stays-here.ts";
import { boolean, milliseconds } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { type WaitOptions, waitWithin } from "../util/wait-options.ts";
import { BrokenExecutorError, TimeoutError } from "../errors/index.ts";
import { shareOf } from "./call-site.ts";
import { cancelledError, Future } from "./future.ts";
import { type MapIterator, ResultIterator } from "./map-iterator.ts";
import type { MapRequest } from "./map-request.ts";
import { mapToArray } from "./map-to-array.ts";
import { checkTaskOptions } from "./options.ts";
import { destinationOf, prepareTask } from "./prepare.ts";
import { tell } from "./progress-log.ts";
import type { Scheduler } from "./scheduler.ts";
import { CompiledOptions, type TaskEntry, type TaskSink } from "./task-entry.ts";
import type {
  AnyIterable,
  Arrived,
  Executor,
  ExecutorStats,
  Received,
  TaskOptions,
} from "./types.ts";

const SHUTDOWN: OptionTable<{ readonly wait?: boolean; readonly cancelFutures?: boolean }> = {
  of: "executor.shutdown()",
  checks: { wait: boolean, cancelFutures: boolean },
  bare: "wait",
};

const TERMINATE: OptionTable<{ readonly grace?: number }> = {
  of: "executor.terminate()",
  checks: { grace: milliseconds },
  sisters: { timeout: "grace" },
  bare: "grace",
};

/** Names of the classes that executors with other options, made by `with()`, are forms of. */
const NAMES = {
  inline: "InlineExecutor",
  process: "ProcessPoolExecutor",
  thread: "ThreadPoolExecutor",
};

/** A form of submit or map that is not for everybody: executors have no members for them. */
interface Forms {
  submit(
    executor: Executor,
    task: Task<never, unknown>,
    args: unknown[],
    adjust: (entry: TaskEntry) => void,
    origin: (...args: never[]) => unknown,
  ): Future<unknown>;
  iterate(executor: Executor, request: MapRequest): MapIterator<unknown>;
  mapToArray(executor: Executor, request: MapRequest): Promise<unknown[]>;
}

let forms: Forms;

/** An executor together with the options its tasks get; `with()` makes another one over the same workers. */
class BoundExecutor implements Executor {
  static {
    staysHere(BoundExecutor, "is an executor, which cannot travel: make one where it is used");
    inspectAs<BoundExecutor>(BoundExecutor, (executor) => {
      const own = executor.constructor === BoundExecutor;
      const name = own ? NAMES[executor.#scheduler.kind] : executor.constructor.name;
      const { state } = executor.#scheduler.lifecycle;
      const open = state === "open" ? "" : `${state} `;
      return `<${name} ${open}${describeStats(executor.stats())}>`;
    });
  }

  static {
    const request = (self: BoundExecutor, parts: MapRequest): MapRequest => {
      self.#scheduler.lifecycle.assertOpen();
      return { ...parts, ownership: self.#ownership };
    };
    forms = {
      submit: (executor, task, args, adjust, origin) =>
        (executor as BoundExecutor).#submit(task as Task<unknown[], unknown>, args, adjust, origin),
      iterate: (executor, parts) => {
        const self = executor as BoundExecutor;
        return new ResultIterator(self.#scheduler, self.#options, request(self, parts));
      },
      mapToArray: (executor, parts) => {
        const self = executor as BoundExecutor;
        return mapToArray(self.#scheduler, self.#options, request(self, parts));
      },
    };
  }

  readonly #scheduler: Scheduler;
  readonly #options: CompiledOptions;

  readonly #ownership: Ownership;

  /** @param ownership - of the executor that this one is a form of. */
  constructor(scheduler: Scheduler, options: TaskOptions, ownership?: Ownership) {
    this.#scheduler = scheduler;
    this.#ownership = ownership ?? new Ownership(scheduler, new.target);
    this.#options = new CompiledOptions(options);
  }

  submit<A extends unknown[], R>(task: Task<A, R>, ...args: A): Future<Arrived<R>> {
    return this.#submit(task, args, undefined, this.submit);
  }

  map<A extends unknown[], R>(
    task: Task<A, R>,
    ...iterables: { [I in keyof A]: AnyIterable<A[I]> }
  ): MapIterator<Arrived<R>> {
    return forms.iterate(this, {
      task,
      iterables: iterables as AnyIterable<unknown>[],
      origin: this.map,
    }) as MapIterator<Arrived<R>>;
  }

  async runOnAll<A extends unknown[], R>(task: Task<A, R>, ...args: A): Promise<Awaited<R>[]> {
    checkTask(task, "task");
    const links = this.#scheduler.startAll();
    const futures = links.map((link) =>
      this.#submit(task, args, (entry) => (entry.pinned = link), this.runOnAll),
    );
    return Promise.all(futures);
  }

  with(options: TaskOptions): Executor {
    checkTaskOptions(options);
    return new BoundExecutor(
      this.#scheduler,
      { ...this.#options.source, ...options },
      this.#ownership,
    );
  }

  waitForRoom(options?: WaitOptions): Promise<void> {
    return waitWithin(this.#scheduler.waitForRoom(), options, (timeout) => {
      throw new TimeoutError(`There was no room for another task within ${timeout} ms.`);
    });
  }

  async shutdown(
    options: {
      readonly wait?: boolean | undefined;
      readonly cancelFutures?: boolean | undefined;
    } = {},
  ): Promise<void> {
    checkOptions(options, SHUTDOWN);
    return this.#scheduler.shutdown(options.wait ?? true, options.cancelFutures ?? false);
  }

  async terminate(options: { readonly grace?: number | undefined } = {}): Promise<void> {
    checkOptions(options, TERMINATE);
    const { finalizer, grace } = this.#scheduler.options;
    const fallback = finalizer === undefined ? 0 : grace;
    return this.#scheduler.terminate(
      options.grace === undefined ? fallback : Math.max(0, options.grace),
    );
  }

  killWorkers(): Promise<void> {
    return this.#endWorkers("SIGKILL", "killed", 0);
  }

  terminateWorkers(): Promise<void> {
    return this.#endWorkers("SIGTERM", "terminated", this.#scheduler.options.grace);
  }

  #endWorkers(signal: "SIGKILL" | "SIGTERM", how: string, grace: number): Promise<void> {
    const { name } = this.#scheduler.options;
    const error = new BrokenExecutorError(`The workers of executor "${name}" were ${how}.`);
    return this.#scheduler.terminate(grace, error, signal);
  }

  stats(): ExecutorStats {
    return this.#scheduler.stats();
  }

  /** Waits for the accepted tasks, as `shutdown()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #submit<A extends unknown[], R>(
    task: Task<A, R>,
    args: A,
    adjust: ((entry: TaskEntry) => void) | undefined,
    origin: (...args: never[]) => unknown,
  ): Future<Arrived<R>> {
    const scheduler = this.#scheduler;
    scheduler.lifecycle.assertOpen();
    const sink = new FutureSink(scheduler, this.#options.source.onProgress);
    let entry: TaskEntry | undefined;
    try {
      const context = {
        destination: destinationOf(scheduler.kind),
        isInline: scheduler.kind === "inline",
        lent: scheduler.lent,
        options: this.#options,
        tick: scheduler.tick,
      };
      entry = prepareTask(context, task, args, 0, sink, origin);
      sink.entry = entry;
      adjust?.(entry);
      scheduler.submit(entry);
    } catch (error) {
      (entry?.sink ?? sink).error(error);
    }
    return sink.future as Future<Arrived<R>>;
  }
}

/** The base of the executors: declared as the interface, so that editors show nothing else of them. */
export const ExecutorBase: new (scheduler: Scheduler, options: TaskOptions) => Executor =
  BoundExecutor;

/**
 * {@link Executor.submit} for somebody who retries by own rules: the task learns which attempt it is,
 * and goes to another worker than the one that failed it, if there is another.
 */
export function submitAgain<A extends unknown[], R>(
  executor: Executor,
  again: { readonly attempt: number; readonly avoid: number | undefined },
  task: Task<A, R>,
  ...args: A
): Future<Received<Awaited<R>>> {
  const adjust = (entry: TaskEntry): void => {
    entry.attempt = again.attempt;
    entry.avoid = again.avoid;
  };
  return forms.submit(executor, task, args, adjust, submitAgain) as Future<Received<Awaited<R>>>;
}

/** A map with all its choices; {@link Executor.map} and Pool's lazy maps are forms of it. */
export function iterateMap<R>(executor: Executor, request: MapRequest): MapIterator<R> {
  return forms.iterate(executor, request) as MapIterator<R>;
}

/** A map that is collected; Pool's eager maps. */
export function collectMap<R>(executor: Executor, request: MapRequest): Promise<R[]> {
  return forms.mapToArray(executor, request) as Promise<R[]>;
}

/** In a few words how busy the workers are. */
export function describeStats(stats: ExecutorStats): string {
  const busy = stats.workers.filter((worker) => worker.state === "busy").length;
  return `${stats.kind} ${busy}/${stats.maxWorkers} busy, ${stats.pending} waiting`;
}

/** Turns what happens to a task into the states of a Future, and its cancellation into the scheduler's. */
class FutureSink implements TaskSink {
  readonly future: Future<unknown>;
  entry: TaskEntry | undefined;
  readonly #scheduler: Scheduler;
  readonly #onProgress: ((value: unknown) => void) | undefined;

  constructor(scheduler: Scheduler, onProgress: ((value: unknown) => void) | undefined) {
    this.#scheduler = scheduler;
    this.#onProgress = onProgress;
    this.future = new Future(this);
  }

  /** Called by the Future. */
  cancel(reason: unknown): boolean {
    if (this.entry === undefined) return false;
    const error = shareOf(cancelledError(reason), this.entry);
    return this.#scheduler.cancel(this.entry, reason ?? error, error);
  }

  started(): void {
    if (!this.future.done) this.future.setRunning();
  }

  progress(value: unknown): void {
    this.future.setProgress(value);
    tell(this.entry?.scope, this.#onProgress, value);
  }

  value(value: unknown): void {
    if (!this.future.done) this.future.setResult(value);
  }

  error(error: unknown): void {
    if (!this.future.done) this.future.setException(error);
  }
}
