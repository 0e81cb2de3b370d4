import { InvalidStateError } from "../errors/index.ts";
import {
  type AnyIterable,
  type Arrived,
  type Executor,
  type ExecutorStats,
  type Future,
  type IfConverted,
  type InitializerArgs,
  type MapIterator,
  ProcessPoolExecutor,
  type Received,
  ThreadPoolExecutor,
} from "../executor/index.ts";
import { collectMap, describeStats, iterateMap } from "../executor/bound-executor.ts";
import { DAEMON_WORKERS } from "../executor/options.ts";
import type { Task } from "../task/index.ts";
import { wrongType } from "../util/argument-error.ts";
import { inspectAs } from "../util/inspectable.ts";
import { checkOptions } from "../util/option-table.ts";
import { staysHere } from "../util/stays-here.ts";
import { notify, promised } from "./callbacks.ts";
import {
  type AsyncCallbacks,
  CALLBACKS,
  checkKind,
  type ChunkOptions,
  IMAP,
  type ImapOptions,
  MAP,
  MAP_ASYNC,
  POOL,
  type PoolOptions,
  type Yielded,
} from "./options.ts";

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
export class Pool<I extends unknown[] = []> implements AsyncDisposable {
  static {
    staysHere(Pool, "is a Pool, which cannot travel: make one where it is used");
    inspectAs<Pool>(Pool, (pool) => `<Pool ${pool.#state} ${describeStats(pool.stats())}>`);
  }

  readonly #executor: Executor;
  #state: "open" | "closed" | "terminated" = "open";

  constructor(options?: PoolOptions<I> & InitializerArgs<I>);
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

  /** Calls the function in a worker and waits for its result. @param args - may be left out when it takes none. */
  apply<R>(task: Task<[], R> & IfConverted<R>): Promise<Received<Awaited<R>>>;
  apply<R>(task: Task<[], R>): Promise<Arrived<R>>;
  apply<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    args: NoInfer<A>,
  ): Promise<Received<Awaited<R>>>;
  apply<A extends unknown[], R>(task: Task<A, R>, args: NoInfer<A>): Promise<Arrived<R>>;
  async apply(task: Task<unknown[], unknown>, args: unknown[] = []): Promise<unknown> {
    return this.applyAsync(task, args).result();
  }

  /**
   * Calls the function in a worker; one of the callbacks is called with the outcome.
   * @param args - may be left out when the function takes none.
   */
  applyAsync<R>(task: Task<[], R> & IfConverted<R>): Future<Received<Awaited<R>>>;
  applyAsync<R>(task: Task<[], R>): Future<Arrived<R>>;
  applyAsync<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    args: NoInfer<A>,
    callbacks?: AsyncCallbacks<Received<Awaited<R>>>,
  ): Future<Received<Awaited<R>>>;
  applyAsync<A extends unknown[], R>(
    task: Task<A, R>,
    args: NoInfer<A>,
    callbacks?: AsyncCallbacks<Arrived<R>>,
  ): Future<Arrived<R>>;
  applyAsync(
    task: Task<unknown[], unknown>,
    args: unknown[] = [],
    callbacks: AsyncCallbacks<unknown> = {},
  ): Future<unknown> {
    if (!Array.isArray(args)) throw wrongType("args", "an array", args, "write [argument, …]");
    checkOptions(callbacks, CALLBACKS);
    return notify(this.#executor.submit(task, ...args), callbacks);
  }

  /**
   * Calls the function with every item and waits for all results, in order.
   *
   * @throws the first error; what has not started by then is cancelled.
   */
  map<T, R>(
    task: Task<[item: T], R> & IfConverted<R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ChunkOptions,
  ): Promise<Received<Awaited<R>>[]>;
  map<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ChunkOptions,
  ): Promise<Arrived<R>[]>;
  async map(
    task: Task<[item: never], unknown>,
    items: AnyIterable<unknown>,
    options: ChunkOptions = {},
  ): Promise<unknown[]> {
    checkOptions(options, MAP);
    return this.#collect(task, items, false, options, this.map);
  }

  /** {@link Pool.map} as a Future. */
  mapAsync<T, R>(
    task: Task<[item: T], R> & IfConverted<R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ChunkOptions & AsyncCallbacks<Received<Awaited<R>>[]>,
  ): Future<Received<Awaited<R>>[]>;
  mapAsync<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ChunkOptions & AsyncCallbacks<Arrived<R>[]>,
  ): Future<Arrived<R>[]>;
  mapAsync(
    task: Task<[item: never], unknown>,
    items: AnyIterable<unknown>,
    options: ChunkOptions & AsyncCallbacks<unknown[]> = {},
  ): Future<unknown[]> {
    checkOptions(options, MAP_ASYNC);
    return promised(this.#collect(task, items, false, options, this.mapAsync), options);
  }

  /** {@link Pool.map} for items that are lists of arguments. */
  starmap<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    items: AnyIterable<NoInfer<A>>,
    options?: ChunkOptions,
  ): Promise<Received<Awaited<R>>[]>;
  starmap<A extends unknown[], R>(
    task: Task<A, R>,
    items: AnyIterable<NoInfer<A>>,
    options?: ChunkOptions,
  ): Promise<Arrived<R>[]>;
  async starmap(
    task: Task<never, unknown>,
    items: AnyIterable<unknown>,
    options: ChunkOptions = {},
  ): Promise<unknown[]> {
    checkOptions(options, MAP);
    return this.#collect(task, items, true, options, this.starmap);
  }

  /** {@link Pool.starmap} as a Future. */
  starmapAsync<A extends unknown[], R>(
    task: Task<A, R> & IfConverted<R>,
    items: AnyIterable<NoInfer<A>>,
    options?: ChunkOptions & AsyncCallbacks<Received<Awaited<R>>[]>,
  ): Future<Received<Awaited<R>>[]>;
  starmapAsync<A extends unknown[], R>(
    task: Task<A, R>,
    items: AnyIterable<NoInfer<A>>,
    options?: ChunkOptions & AsyncCallbacks<Arrived<R>[]>,
  ): Future<Arrived<R>[]>;
  starmapAsync(
    task: Task<never, unknown>,
    items: AnyIterable<unknown>,
    options: ChunkOptions & AsyncCallbacks<unknown[]> = {},
  ): Future<unknown[]> {
    checkOptions(options, MAP_ASYNC);
    return promised(this.#collect(task, items, true, options, this.starmapAsync), options);
  }

  /**
   * Yields results in the order of the items while the input is pulled only as far as `buffer` allows.
   *
   * What a generator task yields is yielded one by one. An item's error is thrown in its place; asked
   * again, the iterator goes on with the next item. Closing it cancels the rest.
   */
  imap<T, R>(
    task: Task<[item: T], R> & IfConverted<R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ImapOptions,
  ): MapIterator<Yielded<Awaited<R>>>;
  imap<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ImapOptions,
  ): MapIterator<R & Yielded<Awaited<R>>>;
  imap(
    task: Task<[item: never], unknown>,
    items: AnyIterable<unknown>,
    options: ImapOptions = {},
  ): MapIterator<unknown> {
    return this.#iterate(task, items, true, options, this.imap);
  }

  /** As {@link Pool.imap}, in the order in which results come. */
  imapUnordered<T, R>(
    task: Task<[item: T], R> & IfConverted<R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ImapOptions,
  ): MapIterator<Yielded<Awaited<R>>>;
  imapUnordered<T, R>(
    task: Task<[item: T], R>,
    items: AnyIterable<NoInfer<T>>,
    options?: ImapOptions,
  ): MapIterator<R & Yielded<Awaited<R>>>;
  imapUnordered(
    task: Task<[item: never], unknown>,
    items: AnyIterable<unknown>,
    options: ImapOptions = {},
  ): MapIterator<unknown> {
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

  #collect(
    task: Task<never, unknown>,
    items: AnyIterable<unknown>,
    spread: boolean,
    options: ChunkOptions,
    origin: (...args: never[]) => unknown,
  ): Promise<unknown[]> {
    const { chunkSize } = options;
    return collectMap(this.#executor, {
      task,
      iterables: [items],
      spread,
      chunkSize,
      origin,
    });
  }

  #iterate(
    task: Task<never, unknown>,
    items: AnyIterable<unknown>,
    ordered: boolean,
    options: ImapOptions,
    origin: (...args: never[]) => unknown,
  ): MapIterator<unknown> {
    checkOptions(options, IMAP);
    return iterateMap(this.#executor, {
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
