import type { WaitOptions } from "../util/wait-options.ts";
import type { MapIterator } from "./map-iterator.ts";
import type { Task } from "../task/index.ts";
import type { Future } from "./future.ts";

/** A sync or async source of items, of known or unknown length. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** The type in which a task's result arrives: generators and streams arrive as async iterators. */
export type Received<R> =
  R extends ReadableStream<unknown>
    ? R
    : R extends AsyncIterable<infer T>
      ? AsyncIterableIterator<T>
      : R extends Generator<infer T, unknown, unknown>
        ? AsyncIterableIterator<T>
        : R;

/**
 * The type that arrives of a function that returns `R`, where that is what it returns: written so that the compiler takes
 * it for `R` also in a function of yours that does not know `R` yet.
 */
export type Arrived<R> = R & Received<Awaited<R>>;

/** Accepts a task only if what arrives is of another type than what it returns: a generator, a thenable. */
export type IfConverted<R> = [R] extends [Received<Awaited<R>>]
  ? [Received<Awaited<R>>] extends [R]
    ? never
    : unknown
  : unknown;

/** Options of single tasks; given with `executor.with(options)`. */
export interface TaskOptions {
  /** Higher runs earlier; equal ones in order of submission. Default 0. */
  readonly priority?: number | undefined;
  /**
   * Milliseconds a task may run, counted from its start in the worker; then its signal is aborted and, after the grace,
   * its worker ended. A program that it has started by `node:child_process` lives on unless the task ends it when
   * `taskContext().signal` aborts.
   */
  readonly timeout?: number | undefined;
  /** Cancels the task; the Future then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Further tries after an error, a timeout or the worker's death, on another worker if there is one. Default 0.
   *
   * Each gets the arguments as they were given. If a try has used some of them up (it has begun to read a stream,
   * a port or the end of a pipe has moved into its worker), the task fails with InvalidStateError instead of another
   * try; `cause` is what the try failed with.
   */
  readonly retries?: number | undefined;
  /** Milliseconds before a retry, or a function of the attempt that failed (1, 2, …). Default 0. */
  readonly retryDelay?: number | ((attempt: number) => number) | undefined;
  /** Objects among the arguments that are moved instead of copied: ArrayBuffers, MessagePorts. The caller has them no more once `submit` has returned. */
  readonly transfer?: readonly unknown[] | undefined;
  /** Items sent to a worker at a time by `map`. Default: as many as make some milliseconds of work. */
  readonly chunkSize?: number | undefined;
  /** Results `map` may be ahead of its reader; the input is pulled no further. Default: without limit for arrays, else a window. */
  readonly buffer?: number | undefined;
  /**
   * Milliseconds that a whole `map` may take, counted from its call, as Python's `map(timeout=…)`; `timeout` is for
   * each of its tasks. What is there by then is still given; in the place of the first result that is not,
   * TimeoutError is thrown, and the rest is cancelled. Default: no limit.
   */
  readonly mapTimeout?: number | undefined;
  /** False: `map` yields results as they come. Default true. */
  readonly ordered?: boolean | undefined;
  /** Name of the task in messages, errors and statistics. Default: the function's. */
  readonly name?: string | undefined;
  /** Called with each progress report of a task. */
  readonly onProgress?: ((value: unknown) => void) | undefined;
  /** Any value that can travel; the task finds it as `taskContext().context`. */
  readonly context?: unknown;
}

/** The surface of every executor. */
export interface Executor extends AsyncDisposable {
  /**
   * Hands one call to a worker.
   *
   * The arguments are copied now, so later changes to them do not travel.
   * @returns a Future at once; mistakes in the function or arguments arrive as its rejection.
   * @throws InvalidStateError after shutdown, BrokenExecutorError when workers cannot start.
   */
  submit<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    ...args: A
  ): Future<Received<Awaited<R>>>;
  submit<A extends unknown[], R>(task: Task<A, R>, ...args: A): Future<Arrived<R>>;
  /**
   * Calls the function with the items of the iterables side by side, until the shortest ends.
   *
   * Work starts at once; results come in order. The first failing item's error is thrown at its place and
   * what has not started is cancelled; so it is when the iterator is closed early. Read it with `for await`,
   * or all at once: `await executor.map(square, numbers).toArray()`.
   */
  map<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    ...iterables: { [I in keyof A]: AnyIterable<A[I]> }
  ): MapIterator<Received<Awaited<R>>>;
  map<A extends unknown[], R>(
    task: Task<A, R>,
    ...iterables: { [I in keyof A]: AnyIterable<A[I]> }
  ): MapIterator<Arrived<R>>;
  /** Runs the function once in every worker, starting those that are missing. */
  runOnAll<A extends unknown[], R>(task: Task<A, R>, ...args: A): Promise<Awaited<R>[]>;
  /** The same executor with other options for its tasks; unnamed ones stay as they are. */
  with(options: TaskOptions): Executor;
  /** Waits until `submit` would find room below `maxQueue`. */
  waitForRoom(options?: WaitOptions): Promise<void>;
  /**
   * Takes no more tasks and ends the workers once the accepted ones are done.
   *
   * @param options - `wait` (default true): settle only when all workers have ended; `cancelFutures`: cancel what has not started.
   */
  shutdown(options?: {
    readonly wait?: boolean | undefined;
    readonly cancelFutures?: boolean | undefined;
  }): Promise<void>;
  /**
   * Cancels everything, running tasks included, and ends the workers.
   *
   * @param options - `grace`: milliseconds that running tasks and finalizers get. Default: the executor's when it has a finalizer, else 0.
   */
  terminate(options?: { readonly grace?: number | undefined }): Promise<void>;
  /**
   * Kills all workers at once, as Python's `kill_workers`: no grace, no finalizers. Whatever is undecided fails with
   * BrokenExecutorError, and no more tasks are taken.
   *
   * **Waiting**: until all workers have ended.
   */
  killWorkers(): Promise<void>;
  /**
   * Sends all workers SIGTERM, as Python's `terminate_workers`; one that is still there after the executor's `grace`
   * is killed. A thread is ended at once. Otherwise as `killWorkers`.
   */
  terminateWorkers(): Promise<void>;
  /** A snapshot of what the executor does. */
  stats(): ExecutorStats;
}

/** One worker in a snapshot. */
export interface WorkerStats {
  readonly id: number;
  readonly name: string;
  readonly kind: "process" | "thread" | "inline";
  readonly pid: number | undefined;
  readonly threadId: number | undefined;
  readonly state: "starting" | "idle" | "busy" | "draining" | "dead";
  /** Tasks handed to it that are not done. */
  readonly tasks: number;
  /** Tasks it has finished. */
  readonly completed: number;
  /** Bytes in use as last reported; only with `maxMemoryPerWorker`. */
  readonly memory: number | undefined;
}

/** A snapshot of what an executor has done and does. */
export interface ExecutorStats {
  readonly name: string;
  readonly kind: "process" | "thread" | "inline";
  readonly workers: readonly WorkerStats[];
  readonly maxWorkers: number;
  /** Tasks not handed to a worker yet. */
  readonly pending: number;
  /** Tasks handed to a worker and not done. */
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
  /** Workers that died without being asked to. */
  readonly crashed: number;
  /** Milliseconds the functions ran, summed over all tasks. */
  readonly busyTime: number;
}
