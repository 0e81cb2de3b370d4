import { describe, expectTypeOf, test } from "vitest";
import {
  asCompleted,
  type Executor,
  type Future,
  type MapIterator,
  Pool,
  type ProcessExecutorOptions,
  type Received,
  type TaskOptions,
  tasks,
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

  test("runOnAll and with", () => {
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

  test("a pool's calls", () => {
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

  test("initializers take their arguments", () => {
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
      // @ts-expect-error one of three words
      await wait(futures, { returnWhen: "SOME" });
      expectTypeOf(await executor.submit(square, 1)).toEqualTypeOf<number>();
      expectTypeOf(executor.submit(square, 1).exception()).toEqualTypeOf<Promise<unknown>>();
    });
  });
});
