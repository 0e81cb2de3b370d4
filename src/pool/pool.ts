import { InvalidStateError } from "../errors/index.ts";
import {
  type AnyIterable,
  type ExecutorStats,
  Future,
  type MapIterator,
  type ProcessExecutorOptions,
  ProcessPoolExecutor,
  type Received,
  type ThreadExecutorOptions,
  ThreadPoolExecutor,
} from "../executor/index.ts";
import { describeStats } from "../executor/bound-executor.ts";
import {
  checkBufferSize,
  checkChunkSize,
  DAEMON_WORKERS,
  EXECUTOR_CHECKS,
  EXECUTOR_SISTERS,
  WORKER_COUNTS,
  workerCount,
} from "../executor/options.ts";
import { checkEnv, checkExecArgv, checkResourceLimits } from "../process/start-checks.ts";
import { badArgument } from "../util/argument-error.ts";
import { array, checkFunction, oneOf } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { inspectAs } from "../util/inspectable.ts";
import { staysHere } from "../util/stays-here.ts";
import type { Task } from "../task/index.ts";

/** Options of a {@link Pool}: those of both executors, with Python's names for the most used. */
export interface PoolOptions<I extends unknown[] = unknown[]>
  extends
    Omit<ProcessExecutorOptions<I>, "maxWorkers">,
    Pick<ThreadExecutorOptions<I>, "resourceLimits"> {
  /** Number of workers. Default: the number of CPUs this process may use. */
  readonly workers?: number | undefined;
  /** Processes (default) or threads. */
  readonly kind?: "process" | "thread" | undefined;
}

/** How many items go to a worker at a time. */
export interface ChunkOptions {
  /** Default: as many as make some milliseconds of work. */
  readonly chunkSize?: number | undefined;
}

/** How far a lazy map runs ahead. */
export interface ImapOptions extends ChunkOptions {
  /** Items pulled from the input and not yet yielded, at the most. Default: what keeps the workers busy. */
  readonly buffer?: number | undefined;
}

/** What is called with an asynchronous call's outcome, before its Future is. */
export interface AsyncCallbacks<R> {
  readonly callback?: ((value: R) => void) | undefined;
  readonly errorCallback?: ((error: unknown) => void) | undefined;
}

const { maxWorkers: _, ...SHARED_CHECKS } = EXECUTOR_CHECKS;

const POOL: OptionTable<PoolOptions> = {
  of: "Pool",
  checks: {
    ...SHARED_CHECKS,
    workers: workerCount,
    kind: oneOf("process", "thread"),
    env: checkEnv,
    execArgv: checkExecArgv,
    resourceLimits: checkResourceLimits,
  },
  sisters: {
    ...EXECUTOR_SISTERS,
    ...(Object.fromEntries(WORKER_COUNTS.map((name) => [name, "workers"])) as Record<
      string,
      "workers"
    >),
  },
  bare: "workers",
};

const CALLBACKS = {
  of: "pool.applyAsync()",
  parameter: "callbacks",
  checks: { callback: checkFunction, errorCallback: checkFunction },
} as const satisfies OptionTable<AsyncCallbacks<never>>;

const MAP: OptionTable<ChunkOptions> = {
  of: "pool.map() and pool.starmap()",
  checks: { chunkSize: checkChunkSize },
  bare: "chunkSize",
};

const MAP_ASYNC: OptionTable<ChunkOptions & AsyncCallbacks<never>> = {
  of: "pool.mapAsync() and pool.starmapAsync()",
  checks: { chunkSize: checkChunkSize, ...CALLBACKS.checks },
  bare: "chunkSize",
};

const IMAP: OptionTable<ImapOptions> = {
  of: "pool.imap() and pool.imapUnordered()",
  checks: { chunkSize: checkChunkSize, buffer: checkBufferSize },
  bare: "chunkSize",
};

/** What a generator task yields, one by one; what any other returns. */
export type Yielded<R> = R extends AsyncIterable<infer T> | Generator<infer T, unknown, unknown>
  ? T
  : R;

/**
 * A pool of workers with the surface of Python's `multiprocessing.Pool`.
 *
 * Leaving an `await using` block terminates the pool, as leaving a `with` block does in Python; call
 * `close()` and `join()` to let work finish. Errors and dead workers never leave a call unanswered: see
 * {@link ProcessPoolExecutor}, on which it stands. As in Python its processes are daemons, so a task may not start a
 * {@link Process} or {@link Manager} (threads and executors it may); in a ProcessPoolExecutor it may.
 *
 * One that is dropped without having been closed is a mistake: when it is garbage collected while its workers
 * run, a `ResourceWarning` (code `MANYCORE_UNCLOSED`) says where it was made, and the workers end once they are done.
 *
 * @example
 * const pool = new Pool({ workers: 4 });
 * console.log(await pool.map(square, [1, 2, 3]));
 * await pool.terminate();
 */
export class Pool implements AsyncDisposable {
  static {
    staysHere(Pool, "is a Pool, which cannot travel: make one where it is used");
    inspectAs<Pool>(Pool, (pool) => `<Pool ${pool.#state} ${describeStats(pool.stats())}>`);
  }

  readonly #executor: ProcessPoolExecutor | ThreadPoolExecutor;
  #state: "open" | "closed" | "terminated" = "open";

  constructor(options: PoolOptions<never[]> = {}) {
    checkOptions(options, POOL);
    const { workers, kind = "process", resourceLimits, env, execArgv, ...rest } = options;
    checkKind(options, kind === "process" ? ["resourceLimits"] : ["env", "execArgv"]);
    const shared = { name: "PoolWorker", ...rest, maxWorkers: workers };
    const daemons = { [DAEMON_WORKERS]: true };
    this.#executor =
      kind === "process"
        ? new ProcessPoolExecutor({ ...shared, env, execArgv, ...daemons })
        : new ThreadPoolExecutor({ ...shared, resourceLimits });
  }

  /** Calls the function in a worker and waits for its result. */
  async apply<A extends unknown[], R>(
    task: Task<A, R>,
    args: NoInfer<A>,
  ): Promise<Received<Awaited<R>>> {
    return this.applyAsync(task, args).result();
  }

  /** Calls the function in a worker; one of the callbacks is called with the outcome. */
  applyAsync<A extends unknown[], R>(
    task: Task<A, R>,
    args: NoInfer<A>,
    callbacks: AsyncCallbacks<Received<Awaited<R>>> = {},
  ): Future<Received<Awaited<R>>> {
    array(args, "args");
    checkOptions(callbacks, CALLBACKS);
    return notify(this.#executor.submit(task, ...args), callbacks);
  }

  /**
   * Calls the function with every item and waits for all results, in order.
   *
   * @throws the first error; what has not started by then is cancelled.
   */
  async map<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options: ChunkOptions = {},
  ): Promise<Received<Awaited<R>>[]> {
    checkOptions(options, MAP);
    return this.#collect(task as never, items, false, options, this.map);
  }

  /** {@link Pool.map} as a Future. */
  mapAsync<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options: ChunkOptions & AsyncCallbacks<Received<Awaited<R>>[]> = {},
  ): Future<Received<Awaited<R>>[]> {
    checkOptions(options, MAP_ASYNC);
    return promised(this.#collect(task as never, items, false, options, this.mapAsync), options);
  }

  /** {@link Pool.map} for items that are lists of arguments. */
  async starmap<A extends unknown[], R>(
    task: Task<A, R>,
    items: AnyIterable<NoInfer<A>>,
    options: ChunkOptions = {},
  ): Promise<Received<Awaited<R>>[]> {
    checkOptions(options, MAP);
    return this.#collect(task as never, items, true, options, this.starmap);
  }

  /** {@link Pool.starmap} as a Future. */
  starmapAsync<A extends unknown[], R>(
    task: Task<A, R>,
    items: AnyIterable<NoInfer<A>>,
    options: ChunkOptions & AsyncCallbacks<Received<Awaited<R>>[]> = {},
  ): Future<Received<Awaited<R>>[]> {
    checkOptions(options, MAP_ASYNC);
    return promised(this.#collect(task as never, items, true, options, this.starmapAsync), options);
  }

  /**
   * Yields results in the order of the items while the input is pulled only as far as `buffer` allows.
   *
   * What a generator task yields is yielded one by one. An item's error is thrown in its place; asked
   * again, the iterator goes on with the next item. Closing it cancels the rest.
   */
  imap<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options: ImapOptions = {},
  ): MapIterator<Yielded<Awaited<R>>> {
    return this.#iterate(task, items, true, options, this.imap);
  }

  /** As {@link Pool.imap}, in the order in which results come. */
  imapUnordered<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options: ImapOptions = {},
  ): MapIterator<Yielded<Awaited<R>>> {
    return this.#iterate(task, items, false, options, this.imapUnordered);
  }

  /** Takes no more work; the workers end when they are done with what was accepted. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    void this.#executor.shutdown({ wait: false });
  }

  /** Cancels everything and ends the workers. Results that are not there reject with CancelledError. */
  async terminate(): Promise<void> {
    this.#state = "terminated";
    await this.#executor.terminate();
  }

  /**
   * Waits until the workers have ended.
   *
   * @throws InvalidStateError before `close()` or `terminate()`.
   */
  async join(): Promise<void> {
    if (this.#state === "open") {
      throw new InvalidStateError(
        "The pool is still open; call close() or terminate() before join().",
      );
    }
    await this.#executor.shutdown();
  }

  /** A snapshot of what the pool does. */
  stats(): ExecutorStats {
    return this.#executor.stats();
  }

  /** Terminates the pool. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate();
  }

  #collect<R>(
    task: Task<never, R>,
    items: AnyIterable<unknown>,
    spread: boolean,
    options: ChunkOptions,
    origin: (...args: never[]) => unknown,
  ): Promise<R[]> {
    const { chunkSize } = options;
    return this.#executor.mapToArray({ task, iterables: [items], spread, chunkSize, origin });
  }

  #iterate<R>(
    task: Task<never, unknown>,
    items: AnyIterable<unknown>,
    ordered: boolean,
    options: ImapOptions,
    origin: (...args: never[]) => unknown,
  ): MapIterator<R> {
    checkOptions(options, IMAP);
    return this.#executor.iterate({
      task,
      iterables: [items],
      ordered,
      resumable: true,
      flatten: true,
      spread: false,
      chunkSize: options.chunkSize ?? 1,
      buffer: options.buffer,
      origin,
    });
  }
}

/** Refuses options that the other kind of pool has: they would be of no effect. */
function checkKind(options: PoolOptions<never[]>, foreign: readonly (keyof PoolOptions)[]): void {
  for (const name of foreign) {
    if (options[name] === undefined) continue;
    const kind = name === "resourceLimits" ? "threads" : "processes";
    throw badArgument(
      `\`${name}\` is an option of pools of ${kind}: leave it out, or say \`kind: "${kind === "threads" ? "thread" : "process"}"\`.`,
    );
  }
}

function promised<R>(work: Promise<R>, callbacks: AsyncCallbacks<R>): Future<R> {
  const future = new Future<R>();
  future.setRunning();
  work.then(
    (value) => future.setResult(value),
    (error: unknown) => future.setException(error),
  );
  return notify(future, callbacks);
}

function notify<R>(future: Future<R>, callbacks: AsyncCallbacks<R>): Future<R> {
  const { callback, errorCallback } = callbacks;
  if (callback === undefined && errorCallback === undefined) return future;
  // First in the row, so it is called before whoever awaits the Future goes on.
  void future.then(
    (value) => callback?.(value),
    (error: unknown) => errorCallback?.(error),
  );
  return future;
}
