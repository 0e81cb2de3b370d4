import { expect, test } from "vitest";
import { CancelledError, SerializationError, TaskNotFoundError, TimeoutError } from "manycore";
import {
  collect,
  endingAfterEach,
  gate,
  type KindName,
  linesOf,
  type Make,
  rejection,
  scratch,
  thrown,
} from "../executor/kit.ts";
import { eventually } from "../helpers/leaks.ts";
import * as work from "../fixtures/executor/work.js";

/** Counts what is pulled from it, and whether it was closed. */
function counted(end = Infinity): Iterable<number> & { pulled: number; closed: boolean } {
  return {
    pulled: 0,
    closed: false,
    *[Symbol.iterator]() {
      try {
        while (this.pulled < end) yield this.pulled++;
      } finally {
        this.closed = true;
      }
    },
  };
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  for (const item of items) yield item;
}

export function testMap(kind: KindName, makeOne: Make): void {
  const make = endingAfterEach(makeOne);
  const path = scratch();

  test.each([1, 7, 100, 1000])("results come in order, in chunks of %i", async (chunkSize) => {
    const executor = make({ maxWorkers: 2 });
    const items = Array.from({ length: 500 }, (_, i) => i);
    const results = await collect(executor.with({ chunkSize }).map(work.square, items));
    expect(results).toEqual(items.map((x) => x * x));
  });

  test("without a chunk size ten thousand items are in order too", async () => {
    const executor = make({ maxWorkers: 2 });
    const items = Array.from({ length: 10_000 }, (_, i) => i);
    expect(await collect(executor.map(work.square, items))).toEqual(items.map((x) => x * x));
  });

  test("a list is read as its iterator would read it", async () => {
    const executor = make({ maxWorkers: 2 });
    const holed = Array.from({ length: 100 }, (_, i) => i);
    Reflect.deleteProperty(holed, "50");
    class Odd extends Array<number> {
      override *[Symbol.iterator](): ArrayIterator<number> {
        yield 7;
      }
    }
    const growing = [1];
    for (const chunkSize of [1, 40]) {
      const maps = executor.with({ chunkSize });
      const results = await collect(maps.map(work.echo<number | undefined>, holed));
      expect(results).toEqual(Array.from(holed, (item) => item));
      expect(await collect(maps.map(work.square, new Odd(3, 4, 5)))).toEqual([49]);
      growing.length = 1;
      const grown = executor.with({ chunkSize: 1, buffer: 1 }).map(work.square, growing);
      for (let i = 2; i < 6; i++) {
        growing.push(i);
        expect((await grown.next()).value).toBe((i - 1) ** 2);
      }
      await grown.return?.();
    }
  });

  test("several iterables go side by side until the shortest ends", async () => {
    const executor = make({ maxWorkers: 2 });
    const long = counted();
    expect(await collect(executor.map(work.add, [1, 2, 3], long))).toEqual([1, 3, 5]);
    expect(long.closed).toBe(true);
    const chunked = executor
      .with({ chunkSize: 2 })
      .map(work.add, new Set([1, 2, 3]), later([10, 20]));
    expect(await collect(chunked)).toEqual([11, 22]);
  });

  test("an empty input ends at once", async () => {
    const executor = make({ maxWorkers: 1 });
    expect(await collect(executor.map(work.square, []))).toEqual([]);
    expect(await collect(executor.with({ chunkSize: 9 }).map(work.square, later([])))).toEqual([]);
    expect(executor.stats().workers).toEqual([]);
  });

  test("work starts without being asked for a result", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const results = executor.map(work.append, [log, log], ["a", "b"]);
    await eventually("both items run", () => linesOf(log).length === 2);
    expect(await collect(results)).toEqual(["a", "b"]);
  });

  test("a generator is pulled only as far as `buffer` allows, and closed when the reader leaves", async () => {
    const executor = make({ maxWorkers: 2 });
    const input = counted();
    const results = executor.with({ buffer: 5 }).map(work.square, input);
    expect(input.pulled).toBeLessThanOrEqual(5);
    for (let i = 0; i < 50; i++) {
      expect(await results.next()).toEqual({ done: false, value: i * i });
      expect(input.pulled).toBeLessThanOrEqual(i + 6);
    }
    await results.return?.();
    expect(input.closed).toBe(true);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test("`buffer` also bounds chunks of an asynchronous input", async () => {
    const executor = make({ maxWorkers: 1 });
    let pulled = 0;
    async function* input(): AsyncGenerator<number, void, undefined> {
      for (;;) yield pulled++;
    }
    const results = executor.with({ buffer: 4, chunkSize: 10 }).map(work.square, input());
    for (let i = 0; i < 20; i++) {
      expect((await results.next()).value).toBe(i * i);
      expect(pulled).toBeLessThanOrEqual(i + 6);
    }
    await results.return?.();
  });

  test("an endless input without options is pulled in a window", async () => {
    const executor = make({ maxWorkers: 2 });
    const input = counted();
    const results = executor.map(work.square, input);
    let seen = 0;
    for await (const value of results) {
      expect(value).toBe(seen * seen);
      if (++seen === 300) break;
    }
    expect(input.pulled).toBeLessThan(300 + 3 * 2 * 2048);
    expect(input.closed).toBe(true);
  });

  test("an endless asynchronous input works as well", async () => {
    const executor = make({ maxWorkers: 2 });
    const input = counted();
    let seen = 0;
    for await (const value of executor.map(work.square, later(input))) {
      expect(value).toBe(seen * seen);
      if (++seen === 100) break;
    }
    expect(input.closed).toBe(true);
  });

  test("unordered: a slow item does not hold the others back", async () => {
    const executor = make({ maxWorkers: 2, ...(kind === "inline" ? { concurrency: 2 } : {}) });
    const slow = gate();
    const fast = async function* (): AsyncGenerator<number, void, undefined> {
      yield 1;
    };
    const results = executor
      .with({ ordered: false, chunkSize: 1 })
      .map(work.gated<string>, [slow.stream, fast(), fast()], ["slow", "a", "b"]);
    expect(new Set([(await results.next()).value, (await results.next()).value])).toEqual(
      new Set(["a", "b"]),
    );
    slow.open();
    expect((await results.next()).value).toBe("slow");
    expect((await results.next()).done).toBe(true);
  });

  test("an item's error comes at its place, after the values before it, and ends the iterator", async () => {
    for (const chunkSize of [1, 2, 10]) {
      const executor = make({ maxWorkers: 2 });
      const results = executor.with({ chunkSize }).map(work.failAt3, [0, 1, 2, 3, 4, 5]);
      expect((await results.next()).value).toBe(0);
      expect((await results.next()).value).toBe(1);
      expect((await results.next()).value).toBe(2);
      const error = await rejection(results.next());
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe("item 3");
      expect(error.stack).toMatch(/work\.js[\s\S]*executor-map\.ts/);
      expect((await results.next()).done).toBe(true);
    }
  });

  test("after an error what has not started never runs", async () => {
    const executor = make({ maxWorkers: 1 });
    const input = counted();
    const results = executor.with({ buffer: 20 }).map(work.failAt3, input);
    await expect(collect(results)).rejects.toThrow("item 3");
    const { pulled } = input;
    expect(input.closed).toBe(true);
    expect(await executor.submit(work.square, 2)).toBe(4);
    expect(input.pulled).toBe(pulled);
    expect(executor.stats().pending).toBe(0);
  });

  test("return() cancels what waits, and the iterator is at its end", async () => {
    const executor = make({ maxWorkers: 1 });
    const hold = gate();
    const blocked = executor.submit(work.gated, hold.stream, "first");
    const log = path();
    const texts = "abcdefghij";
    const results = executor.with({ chunkSize: 1, buffer: 10 }).map(
      work.append,
      Array.from(texts, () => log),
      texts,
    );
    await results.return?.();
    expect(await results.next()).toEqual({ done: true, value: undefined });
    hold.open();
    expect(await blocked).toBe("first");
    await executor.shutdown();
    expect(linesOf(log)).toEqual([]);
    expect(executor.stats()).toMatchObject({ cancelled: 10, completed: 1 });
  });

  test("mapTimeout: what is there in time is given, then comes a TimeoutError, and the rest is cancelled", async () => {
    const executor = make({ maxWorkers: 1, grace: 20 });
    await executor.submit(work.square, 1);
    const results = executor.with({ mapTimeout: 2000 }).map(work.stuckAt2, [0, 1, 2, 3]);
    // All that will be there is there before the first is read.
    await eventually("two are done", () => executor.stats().completed === 3);
    expect([(await results.next()).value, (await results.next()).value]).toEqual([0, 1]);
    const error = await rejection(results.next());
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(/map was not done within 2000 ms/);
    expect((await results.next()).done).toBe(true);
    await eventually("nothing is left", () => executor.stats().running === 0);
    expect(executor.stats().pending).toBe(0);
  });

  test("mapTimeout ends a map whose input does not come, and leaves alone one that is done", async () => {
    const executor = make({ maxWorkers: 1 });
    const input = (async function* (): AsyncGenerator<number, void, undefined> {
      yield 2;
      await new Promise(() => {});
    })();
    await executor.submit(work.square, 1);
    const hanging = executor.with({ mapTimeout: 2000 }).map(work.square, input);
    expect((await hanging.next()).value).toBe(4);
    expect(await rejection(hanging.next())).toBeInstanceOf(TimeoutError);
    const done = executor.with({ mapTimeout: 60_000 }).map(work.square, [1, 2]);
    expect(await collect(done)).toEqual([1, 4]);
  });

  test.each([NaN, "1" as never])("a mapTimeout of %s is refused", (mapTimeout) => {
    expect(() => make({ maxWorkers: 1 }).with({ mapTimeout })).toThrow(/mapTimeout/);
  });

  test("return() while next() waits ends that wait", async () => {
    const executor = make({ maxWorkers: 1 });
    const results = executor.map(work.untilAborted, [path()]);
    const waiting = results.next();
    await results.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test("an input that fails gives the results before it, then its own error", async () => {
    const executor = make({ maxWorkers: 2 });
    function* input(): Generator<number, void, undefined> {
      yield 1;
      yield 2;
      throw new RangeError("the input is broken");
    }
    for (const source of [input(), later(input())]) {
      const results = executor.map(work.square, source);
      expect((await results.next()).value).toBe(1);
      expect((await results.next()).value).toBe(4);
      const error = await rejection(results.next());
      expect(error.message).toBe("the input is broken");
      expect(error.stack).not.toContain('worker "');
      expect((await results.next()).done).toBe(true);
    }
    expect(await executor.submit(work.square, 3)).toBe(9);
  });

  test("an item that cannot travel fails at its place", async () => {
    const executor = make({ maxWorkers: 1 });
    const results = executor.map(work.echo, [1, () => {}, 3]);
    expect((await results.next()).value).toBe(1);
    expect(await rejection(results.next())).toBeInstanceOf(SerializationError);
  });

  test("a function that cannot be found fails at the first result", async () => {
    const executor = make({ maxWorkers: 1 });
    const hidden: (x: number) => unknown = work.hiddenFunction();
    const results = executor.map(hidden, [1, 2]);
    expect(await rejection(results.next())).toBeInstanceOf(TaskNotFoundError);
  });

  test("what is no iterable, and no iterable at all, is refused at the call", () => {
    const executor = make({ maxWorkers: 1 });
    expect(thrown(() => executor.map(work.square, 5 as never))).toBeInstanceOf(TypeError);
    expect(thrown(() => executor.map(work.context)).message).toContain("at least one iterable");
  });

  test.each([0, -1, 1.5, NaN])("chunkSize and buffer of %d are refused", (bad) => {
    const executor = make({ maxWorkers: 1 });
    expect(thrown(() => executor.with({ chunkSize: bad }))).toBeInstanceOf(RangeError);
    expect(thrown(() => executor.with({ buffer: bad })).message).toContain("`buffer`");
  });

  test("`maxQueue` does not bound a map: it feeds itself as there is room", async () => {
    const executor = make({ maxWorkers: 1, maxQueue: 1 });
    const items = Array.from({ length: 60 }, (_, i) => i);
    expect(await collect(executor.with({ chunkSize: 1 }).map(work.square, items))).toEqual(
      items.map((x) => x * x),
    );
  });

  test("several calls of next() at once give the results in turn", async () => {
    const executor = make({ maxWorkers: 2 });
    const results = executor.map(work.square, [1, 2, 3]);
    const steps = await Promise.all([
      results.next(),
      results.next(),
      results.next(),
      results.next(),
    ]);
    expect(steps.map((step) => step.value as unknown)).toEqual([1, 4, 9, undefined]);
    expect(steps[3]?.done).toBe(true);
  });

  test("terminate() ends a map over an endless input with a CancelledError", async () => {
    const executor = make({ maxWorkers: 1 });
    const input = counted();
    const results = executor.map(work.square, input);
    await results.next();
    await executor.terminate();
    const { pulled } = input;
    const error = await rejection(collect(results));
    expect(error).toBeInstanceOf(CancelledError);
    expect(input.pulled).toBe(pulled);
    expect(input.closed).toBe(true);
  });

  test("shutdown() lets a map finish that has begun", async () => {
    const executor = make({ maxWorkers: 1 });
    const items = Array.from({ length: 300 }, (_, i) => i);
    const results = executor.with({ chunkSize: 3 }).map(work.square, items);
    const ended = executor.shutdown();
    expect(await collect(results)).toEqual(items.map((x) => x * x));
    await ended;
    expect(thrown(() => executor.map(work.square, [1])).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("each result of a generator function is a stream of its own", async () => {
    const executor = make({ maxWorkers: 2 });
    const rows: number[][] = [];
    for await (const stream of executor.map(work.count, [1, 2, 3]))
      rows.push(await collect(stream));
    expect(rows).toEqual([[0], [0, 1], [0, 1, 2]]);
  });
}
