import { expect, test } from "vitest";
import { WorkerCrashedError } from "manycore";
import {
  collect,
  endingAfterEach,
  gate,
  type KindName,
  linesOf,
  type Make,
  rejection,
  scratch,
} from "../executor/kit.ts";
import { eventually } from "../helpers/leaks.ts";
import * as work from "../fixtures/executor/work.js";

/** How far a producer may be ahead of its reader: twice the window of the stream. */
const AHEAD = 32;

interface Counted extends AsyncIterable<number> {
  given: number;
  closed: boolean;
}

/** An asynchronous source that counts what was taken from it. */
function source(end = Infinity): Counted {
  return {
    given: 0,
    closed: false,
    async *[Symbol.asyncIterator]() {
      try {
        while (this.given < end) yield this.given++;
      } finally {
        this.closed = true;
      }
    },
  };
}

export function testStreams(kind: KindName, makeOne: Make): void {
  const make = endingAfterEach(makeOne);
  const path = scratch();
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

  test("generators, sync and async, arrive as streams", async () => {
    const executor = make({ maxWorkers: 1 });
    expect(await collect(await executor.submit(work.count, 100))).toEqual(range(100));
    expect(await collect(await executor.submit(work.countLater, 100))).toEqual(range(100));
    expect(await collect(await executor.submit(work.countLater, 0))).toEqual([]);
    await eventually("all have ended", () => executor.stats().running === 0);
    expect(executor.stats()).toMatchObject({ completed: 3, failed: 0 });
  });

  test("a ReadableStream arrives as one", async () => {
    const executor = make({ maxWorkers: 1 });
    const stream = await executor.submit(work.readable, 50);
    expect(stream).toBeInstanceOf(ReadableStream);
    const items: number[] = [];
    for await (const item of stream as unknown as AsyncIterable<number>) items.push(item);
    expect(items).toEqual(range(50));
  });

  test("streams as arguments are read item by item, in both forms", async () => {
    const executor = make({ maxWorkers: 1 });
    expect(await executor.submit(work.sum, source(100))).toBe(4950);
    let next = 0;
    const readable = new ReadableStream<number>({
      pull(controller) {
        if (next < 100) controller.enqueue(next++);
        else controller.close();
      },
    });
    expect(await executor.submit(work.sum, readable)).toBe(4950);
  });

  test("a task may read one stream and give another", async () => {
    const executor = make({ maxWorkers: 1 });
    const stream = await executor.submit(work.double, source(50));
    expect(await collect(stream)).toEqual(range(50).map((x) => x * 2));
  });

  test("the producer of a result is never more than a window ahead", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const stream = await executor.submit(work.endless, log);
    let seen = 0;
    for await (const item of stream) {
      expect(item).toBe(seen++);
      if (seen === 500) break;
    }
    await eventually("the producer is closed", () => linesOf(log).length === 1);
    const made = Number(/closed at (\d+)/.exec(linesOf(log)[0] as string)?.[1]);
    expect(made).toBeGreaterThanOrEqual(500);
    expect(made).toBeLessThanOrEqual(500 + AHEAD);
    expect(await executor.submit(work.square, 2)).toBe(4);
  });

  test("the producer of an argument is never more than a window ahead, and is closed when it is enough", async () => {
    const executor = make({ maxWorkers: 1 });
    const endless = source();
    expect(await executor.submit(work.take, endless, 100)).toEqual(range(100));
    expect(endless.given).toBeLessThanOrEqual(100 + AHEAD);
    await eventually("the source is closed", () => endless.closed);
  });

  test("an argument that the task never reads is never opened", async () => {
    const executor = make({ maxWorkers: 1 });
    const unread = source();
    expect(await executor.submit(work.add, 1, unread as never)).toContain("1");
    expect(unread.given).toBe(0);
  });

  test("a producer's error arrives after the items before it, on both ways", async () => {
    const executor = make({ maxWorkers: 1 });
    const stream = await executor.submit(work.failAfter, 3);
    const items: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const item of stream) items.push(item);
      })(),
    );
    expect(items).toEqual([0, 1, 2]);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("after 3");
    async function* broken(): AsyncGenerator<number, void, undefined> {
      yield 1;
      throw new TypeError("the source is broken");
    }
    expect((await rejection(executor.submit(work.sum, broken()))).message).toBe(
      "the source is broken",
    );
  });

  test("a stream that is closed before it was read gives its worker back", async () => {
    const executor = make({ maxWorkers: 1 });
    const stream = await executor.submit(work.endless, path());
    await stream.return?.();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const readable = await executor.submit(work.readable, 1e9);
    await readable.cancel();
    expect(await executor.submit(work.square, 2)).toBe(4);
    await executor.shutdown();
  });

  test("return() while next() waits ends that wait", async () => {
    const executor = make({ maxWorkers: 1, grace: 50 });
    const stream = await executor.submit(work.stuck);
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    const waiting = stream.next();
    await stream.return?.();
    expect((await waiting).done).toBe(true);
  });

  test("several calls of next() at once give the items in turn", async () => {
    const executor = make({ maxWorkers: 1 });
    const stream = await executor.submit(work.countLater, 3);
    const steps = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(steps.map((step) => step.value as unknown)).toEqual([0, 1, 2, undefined]);
  });

  test("a generator sees its own task's context while it is read", async () => {
    for (const concurrency of [1, 2]) {
      const executor = make({ maxWorkers: 1, concurrency });
      const stream = await executor.with({ context: "mine" }).submit(work.contextOfGenerator, 3);
      expect(await collect(stream)).toEqual([
        ["mine", 1],
        ["mine", 1],
        ["mine", 1],
      ]);
    }
  });

  test("a generator's progress is heard while it is read", async () => {
    const executor = make({ maxWorkers: 1 });
    const heard: unknown[] = [];
    const stream = await executor
      .with({ onProgress: (value) => heard.push(value) })
      .submit(work.reportingGenerator, 3);
    expect(await collect(stream)).toEqual([0, 1, 2]);
    await executor.shutdown();
    expect(heard).toEqual([0, 1, 2]);
  });

  test("an aborted signal ends a stream that is being read, with the reason", async () => {
    const executor = make({ maxWorkers: 1 });
    const controller = new AbortController();
    const log = path();
    const stream = await executor.with({ signal: controller.signal }).submit(work.endless, log);
    await stream.next();
    controller.abort(new RangeError("enough"));
    const error = await rejection(collect(stream));
    expect(error.message).toBe("enough");
    await eventually("the producer is closed", () => linesOf(log).length === 1);
    expect(await executor.submit(work.square, 2)).toBe(4);
    expect(executor.stats().crashed).toBe(0);
  });

  test.skipIf(kind === "inline")(
    "a worker that dies ends the streams of its task with the crash",
    async () => {
      const executor = make({ maxWorkers: 1 });
      const endless = source();
      const error = await rejection(executor.submit(work.dieWith, endless));
      expect(error).toBeInstanceOf(WorkerCrashedError);
      await eventually("the source is closed", () => endless.closed);
      expect(await executor.submit(work.square, 2)).toBe(4);
    },
  );

  test("a stream among other work does not hold other workers", async () => {
    const executor = make({ maxWorkers: 2, ...(kind === "inline" ? { concurrency: 2 } : {}) });
    const hold = gate();
    async function* slow(): AsyncGenerator<number, void, undefined> {
      yield* hold.stream;
    }
    const reading = executor.submit(work.sum, slow());
    expect(await collect(executor.map(work.square, [1, 2, 3]))).toEqual([1, 4, 9]);
    hold.open();
    expect(await reading).toBe(1);
  });
}
