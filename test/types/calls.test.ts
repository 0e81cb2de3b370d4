import { describe, expectTypeOf, test } from "vitest";
import {
  asCompleted,
  type Executor,
  type Future,
  InlineExecutor,
  Manager,
  type MapIterator,
  Pool,
  type ProcessExecutorOptions,
  ProcessPoolExecutor,
  type Received,
  type Task,
  type TaskOptions,
  tasks,
  ThreadPoolExecutor,
  wait,
} from "manycore";
import type * as work from "../fixtures/executor/work.js";

// The compiler does the testing: `npm run types` fails when a line below compiles that must not, or
// the other way round. Nothing here is run but the definitions.

declare const executor: Executor;
declare const pool: Pool;
declare const square: typeof work.square;
declare const add: typeof work.add;
declare const count: typeof work.count;
declare const countLater: typeof work.countLater;
declare const readable: typeof work.readable;
declare const later: (text: string) => Promise<number>;
declare const optional: (a: string, b?: number) => boolean;
declare const rest: (...numbers: number[]) => number;
declare const nothing: () => void;
declare const today: () => Date;

/** Holds code that is compiled and never run. */
function compiled(_code: () => unknown): void {}

describe("types of calls", () => {
  test("submit takes the function's arguments and gives its result", () => {
    compiled(() => {
      expectTypeOf(executor.submit(square, 7)).toEqualTypeOf<Future<number>>();
      expectTypeOf(executor.submit(later, "x")).toEqualTypeOf<Future<number>>();
      expectTypeOf(executor.submit(optional, "x")).toEqualTypeOf<Future<boolean>>();
      expectTypeOf(executor.submit(optional, "x", 1)).toEqualTypeOf<Future<boolean>>();
      expectTypeOf(executor.submit(rest, 1, 2, 3)).toEqualTypeOf<Future<number>>();
      expectTypeOf(executor.submit(nothing)).toEqualTypeOf<Future<void>>();
      // @ts-expect-error a string is no number
      executor.submit(square, "x");
      // @ts-expect-error an argument is missing
      executor.submit(square);
      // @ts-expect-error there is one too many
      executor.submit(square, 1, 2);
      // @ts-expect-error there is one too many
      executor.submit(nothing, 1);
      // @ts-expect-error the second is a string
      executor.submit(add, 1, "2");
      // @ts-expect-error no function
      executor.submit("square", 1);
    });
  });

  test("generators and streams arrive as what can be read", () => {
    compiled(() => {
      expectTypeOf(executor.submit(count, 1)).toEqualTypeOf<
        Future<AsyncIterableIterator<number>>
      >();
      expectTypeOf(executor.submit(countLater, 1)).toEqualTypeOf<
        Future<AsyncIterableIterator<number>>
      >();
      expectTypeOf(executor.submit(readable, 1)).toEqualTypeOf<Future<ReadableStream<number>>>();
      expectTypeOf<Received<Generator<"a" | "b">>>().toEqualTypeOf<
        AsyncIterableIterator<"a" | "b">
      >();
      expectTypeOf<Received<AsyncIterable<Date>>>().toEqualTypeOf<AsyncIterableIterator<Date>>();
      expectTypeOf<Received<number[]>>().toEqualTypeOf<number[]>();
      expectTypeOf<Received<Map<string, number>>>().toEqualTypeOf<Map<string, number>>();
      expectTypeOf<Received<string | Generator<number>>>().toEqualTypeOf<
        string | AsyncIterableIterator<number>
      >();
    });
  });

  test("map takes one iterable for each argument", () => {
    compiled(async () => {
      expectTypeOf(executor.map(square, [1, 2])).toEqualTypeOf<MapIterator<number>>();
      expectTypeOf(executor.map(square, new Set([1]))).toEqualTypeOf<MapIterator<number>>();
      expectTypeOf(executor.map(square, [1]).toArray()).toEqualTypeOf<Promise<number[]>>();
      executor.map(add, [1], countLater(2));
      for await (const value of executor.map(later, ["a"]))
        expectTypeOf(value).toEqualTypeOf<number>();
      // @ts-expect-error items are numbers
      executor.map(square, ["x"]);
      // @ts-expect-error the second iterable is missing
      executor.map(add, [1]);
      // @ts-expect-error an item is no iterable
      executor.map(square, 1);
    });
  });

  test("runOnAll and with keep the types of the function and of the executor", () => {
    compiled(() => {
      expectTypeOf(executor.runOnAll(square, 1)).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(executor.runOnAll(later, "x")).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(executor.with({ priority: 1 })).toEqualTypeOf<Executor>();
      // @ts-expect-error no such option
      executor.with({ prioritee: 1 });
      // @ts-expect-error milliseconds are a number
      const options: TaskOptions = { timeout: "1s" };
      return options;
    });
  });

  test("a pool's calls take the function's arguments and give its results", () => {
    compiled(() => {
      expectTypeOf(pool.apply(add, [1, 2])).toEqualTypeOf<Promise<number>>();
      expectTypeOf(pool.applyAsync(later, ["x"])).toEqualTypeOf<Future<number>>();
      expectTypeOf(pool.map(square, [1, 2])).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(pool.mapAsync(later, ["x"])).toEqualTypeOf<Future<number[]>>();
      expectTypeOf(pool.starmap(add, [[1, 2]])).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(pool.imap(square, [1])).toEqualTypeOf<MapIterator<number>>();
      expectTypeOf(pool.imap(count, [1])).toEqualTypeOf<MapIterator<number>>();
      expectTypeOf(pool.imapUnordered(countLater, [1])).toEqualTypeOf<MapIterator<number>>();
      void pool.map(optional, ["x"]);
      pool.applyAsync(square, [1], {
        callback: (value) => expectTypeOf(value).toEqualTypeOf<number>(),
      });
      // @ts-expect-error items are numbers
      void pool.map(square, ["x"]);
      // @ts-expect-error items are numbers
      pool.imap(square, ["x"]);
      // @ts-expect-error items are numbers
      pool.imapUnordered(square, new Set(["x"]));
      // @ts-expect-error the second of the pair is a number
      void pool.starmap(add, [[1, "2"]]);
      // @ts-expect-error the pair has two
      void pool.starmap(add, [[1]]);
      // @ts-expect-error an argument is missing
      void pool.apply(add, [1]);
      // @ts-expect-error there is one too many
      void pool.apply(square, [1, 2]);
      // @ts-expect-error the callback gets a number
      pool.applyAsync(square, [1], { callback: (value: string) => value });
      // @ts-expect-error no such kind
      return new Pool({ kind: "fork" });
    });
  });

  test("apply takes no arguments where the function needs none", () => {
    compiled(() => {
      expectTypeOf(pool.apply(nothing)).toEqualTypeOf<Promise<void>>();
      expectTypeOf(pool.apply(today)).toEqualTypeOf<Promise<Date>>();
      expectTypeOf(pool.apply(today, [])).toEqualTypeOf<Promise<Date>>();
      expectTypeOf(pool.applyAsync(today)).toEqualTypeOf<Future<Date>>();
      expectTypeOf(pool.apply(rest)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(pool.apply(count, [1])).toEqualTypeOf<Promise<AsyncIterableIterator<number>>>();
      // @ts-expect-error it needs one
      void pool.apply(square);
      // @ts-expect-error it needs one
      pool.applyAsync(optional);
      // @ts-expect-error it takes none
      void pool.apply(today, [1]);
    });
  });

  test("functions around the calls give what they are given, without knowing what that is", () => {
    compiled(() => {
      async function run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<R> {
        return executor.submit(fn, ...args);
      }
      function start<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<R> {
        return executor.submit(fn, ...args);
      }
      async function eventually<A extends unknown[], R>(
        fn: (...args: A) => R | Promise<R>,
        ...args: A
      ): Promise<Awaited<R>> {
        return await executor.submit(fn, ...args);
      }
      function each<T, R>(fn: (item: T) => R | Promise<R>, items: T[]): Promise<R[]> {
        return pool.map(fn, items);
      }
      async function* lazily<T, R>(fn: (item: T) => R, items: Iterable<T>): AsyncGenerator<R> {
        yield* pool.imap(fn, items);
        for await (const value of executor.map(fn, items)) yield value;
      }
      function collect<T, R>(fn: Task<[T], R>, items: T[]): Promise<R[]> {
        return executor.map(fn, items).toArray();
      }
      function inPool<A extends unknown[], R>(fn: Task<A, R>, args: A): Promise<R> {
        return pool.apply(fn, args);
      }
      function callLater<A extends unknown[], R>(fn: Task<A, R>, args: A): Future<R> {
        return pool.applyAsync(fn, args);
      }
      function every<A extends unknown[], R>(fn: Task<A, R>, all: A[]): Promise<R[]> {
        return pool.starmap(fn, all);
      }
      // As it had to be written before.
      async function honest<A extends unknown[], R>(
        fn: Task<A, R>,
        ...args: A
      ): Promise<Received<Awaited<R>>> {
        return executor.submit(fn, ...args);
      }
      expectTypeOf(run(add, 1, 2)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(start(square, 2)).toEqualTypeOf<Future<number>>();
      expectTypeOf(each(later, ["x"])).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(lazily(square, [1])).toEqualTypeOf<AsyncGenerator<number>>();
      return [eventually, collect, inPool, callLater, every, honest];
    });
  });

  test("references are typed by their module", () => {
    compiled(() => {
      const refs = tasks<typeof import("../fixtures/executor/work.js")>(new URL("x", "file:///"));
      expectTypeOf(pool.map(refs.square, [1])).toEqualTypeOf<Promise<number[]>>();
      expectTypeOf(executor.submit(refs.add, 1, 2)).toEqualTypeOf<Future<number>>();
      // @ts-expect-error items are numbers
      void pool.map(refs.square, ["x"]);
      // @ts-expect-error no such function
      return refs.cube;
    });
  });

  test("initializers take their arguments, which have to be given if they need any", () => {
    compiled(() => {
      void new ThreadPoolExecutor({ initializer: add, initializerArgs: [1, 2] });
      void new ProcessPoolExecutor({ initializer: nothing });
      void new InlineExecutor({ initializer: optional, initializerArgs: ["x"] });
      void new Pool({ initializer: later, initializerArgs: ["x"], workers: 2 });
      void new Pool({ initializer: rest });
      void new Pool({ initializer: count, initializerArgs: [1], kind: "thread" });
      void Manager.start({ initializer: later, initializerArgs: ["x"] });
      void Manager.serve({ initializer: nothing });
      const refs = tasks<typeof import("../fixtures/executor/work.js")>(new URL("x", "file:///"));
      void new Pool({ initializer: refs.add, initializerArgs: [1, 2] });
      const general: ProcessExecutorOptions = { maxWorkers: 2 };
      void new ProcessPoolExecutor(general);
      const made: Pool = new Pool({ initializer: add, initializerArgs: [1, 2] });
      const executors: ThreadPoolExecutor[] = [
        new ThreadPoolExecutor({ initializer: add, initializerArgs: [1, 2] }),
      ];
      const any: Executor = new ThreadPoolExecutor();
      // @ts-expect-error no arguments
      void new ThreadPoolExecutor({ initializer: add });
      // @ts-expect-error no arguments
      void new ProcessPoolExecutor({ initializer: add });
      // @ts-expect-error no arguments
      void new InlineExecutor({ initializer: later });
      // @ts-expect-error no arguments
      void new Pool({ initializer: add });
      // @ts-expect-error no arguments
      void new Pool({ initializer: refs.add });
      // @ts-expect-error no arguments
      void Manager.start({ initializer: later });
      // @ts-expect-error no arguments
      void Manager.serve({ initializer: later });
      // @ts-expect-error the second is a number
      void new Pool({ initializer: add, initializerArgs: [1, "2"] });
      // @ts-expect-error one is missing
      void new ThreadPoolExecutor({ initializer: add, initializerArgs: [1] });
      // @ts-expect-error a number is no string
      void Manager.start({ initializer: later, initializerArgs: [1] });
      // @ts-expect-error it takes none
      void new Pool({ initializer: nothing, initializerArgs: [1] });
      // @ts-expect-error no such option
      void new Pool({ maxWorker: 2 });
      expectTypeOf(made).toEqualTypeOf<Pool>();
      return [executors, any];
    });
  });

  test("arguments for an initializer that is known later", () => {
    compiled(() => {
      const good: ProcessExecutorOptions<[text: string]> = {
        initializer: later,
        initializerArgs: ["x"],
      };
      const bad: ProcessExecutorOptions<[text: string]> = {
        initializer: later,
        // @ts-expect-error a number is no string
        initializerArgs: [1],
      };
      expectTypeOf(good).toEqualTypeOf(bad);
    });
  });

  test("wait and asCompleted keep the Futures' type", () => {
    compiled(async () => {
      const futures = [executor.submit(square, 1)];
      expectTypeOf((await wait(futures)).done).toEqualTypeOf<Set<Future<number>>>();
      // What `for await` gives is a Future as well, but TypeScript types it as if it had been awaited.
      expectTypeOf(asCompleted(futures)).toEqualTypeOf<AsyncIterableIterator<Future<number>>>();
      const mixed = [executor.submit(square, 1), executor.submit(today)];
      expectTypeOf(asCompleted(mixed)).toEqualTypeOf<
        AsyncIterableIterator<Future<number> | Future<Date>>
      >();
      asCompleted([executor.submit(square, 1), executor.submit(today)]);
      for await (const done of asCompleted(mixed)) {
        expectTypeOf(done).toEqualTypeOf<number | Date>();
      }
      const { done } = await wait([executor.submit(square, 1), executor.submit(today)]);
      for (const future of done) expectTypeOf(await future).toEqualTypeOf<number | Date>();
      // @ts-expect-error no Future
      asCompleted([Promise.resolve(1)]);
      // @ts-expect-error no Future
      void wait([1]);
      // @ts-expect-error one of three words
      await wait(futures, { returnWhen: "SOME" });
      expectTypeOf(await executor.submit(square, 1)).toEqualTypeOf<number>();
      expectTypeOf(executor.submit(square, 1).exception()).toEqualTypeOf<Promise<unknown>>();
    });
  });
});
