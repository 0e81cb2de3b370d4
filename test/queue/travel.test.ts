import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  JoinableQueue,
  Process,
  ProcessPoolExecutor,
  Queue,
  SimpleQueue,
  Thread,
  ThreadPoolExecutor,
} from "manycore";
import * as work from "../fixtures/queue/work.mjs";
import { eventually, runProgram, startProgram, untilLine } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";

const folder = useNamespace("queue-travel");
const CHILD = new URL("../fixtures/queue/child.mjs", import.meta.url);
const KINDS = [
  ["a thread", Thread],
  ["a process", Process],
] as const;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each(KINDS)("%s", (_, Worker) => {
  const run = async (target: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown> =>
    (await new Worker({ target, args: args as never[] }).start()).result;

  test.each([
    ["put", work.produce],
    ["putSync", work.produceSync],
  ])("gives five items in order with %s, to every form of get", async (_form, produce) => {
    using queue = new Queue<{ i: number }>();
    const done = run(produce, queue, "child", 5);
    const seen = [await queue.get(), queue.getSync(), await queue.get({ timeout: 20_000 })];
    await done;
    seen.push(queue.getNowait(), await queue.get({ timeout: 0 }));
    expect(seen.map(({ i }) => i)).toEqual(numbers(5));
    expect(() => queue.getNowait()).toThrow("empty");
    await expect(queue.get({ timeout: 20 })).rejects.toThrow("within 20 ms");
  });

  test("and its parent both put: all arrives, each in its order", async () => {
    using queue = new Queue<{ label: string; i: number }>();
    await work.produce(queue, "parent", 10);
    await run(work.produce, queue, "child", 10);
    queue.shutdown();
    expect(await work.consume(queue)).toEqual({ parent: numbers(10), child: numbers(10) });
  });

  test("a simple queue is empty, is not, and is again", async () => {
    using queue = new SimpleQueue<{ i: number }>();
    expect(queue.empty).toBe(true);
    await run(work.produce, queue, "child", 2);
    expect(queue.empty).toBe(false);
    expect([(await queue.get()).i, (await queue.get()).i]).toEqual([0, 1]);
    expect(queue.empty).toBe(true);
  });

  test("sees size and limit, and a queue comes back as the same one", async () => {
    using queue = new Queue({ maxSize: 2, name: `seen by ${_}` });
    await queue.put(1);
    await queue.put(2);
    expect(await run(work.sizeOf, queue)).toEqual([2, false, true, 2, `seen by ${_}`]);
  });

  test("a queue travels in an item of another", async () => {
    using queue = new Queue<{ reply: Queue }>();
    using reply = new Queue<number>();
    const done = run(work.answer, queue);
    await queue.put({ reply });
    expect(typeof (await reply.get())).toBe("number");
    await done;
  });

  test.each([
    ["get", work.waitForItem],
    ["getSync", work.waitForItemSync],
  ])("that waits in %s is woken", async (_form, target) => {
    using queue = new Queue<number>();
    using gate = new Queue<string>();
    const got = run(target, queue, gate);
    expect(await gate.get()).toBe("waiting");
    await queue.put(42);
    expect(await got).toBe(42);
  });

  test("is released from its wait by a shutdown", async () => {
    using empty = new Queue<number>();
    using full = new Queue<number>({ maxSize: 1 });
    using gate = new Queue<string>();
    await full.put(1);
    const outcomes = [
      run(work.outcomeOfGet, empty, gate),
      run(work.outcomeOfPut, full, gate),
      run(work.outcomeOfGet, empty, gate),
    ];
    for (let i = 0; i < 3; i++) await gate.get();
    empty.shutdown();
    full.shutdown(true);
    expect(await Promise.all(outcomes)).toEqual(
      Array.from({ length: 3 }, () => "ERR_MANYCORE_QUEUE_SHUTDOWN"),
    );
  });

  test("join waits for the items that four of them work off", async () => {
    using queue = new JoinableQueue<number>();
    const workers = [1, 2, 3, 4].map(() => run(work.work, queue));
    for (const n of numbers(10)) await queue.put(n);
    expect(await queue.join()).toBe(true);
    expect(queue.unfinished).toBe(0);
    queue.shutdown();
    const counts = (await Promise.all(workers)) as number[];
    expect(counts.reduce((sum, count) => sum + count)).toBe(10);
  });

  test("answers through a second queue what comes through the first", async () => {
    using to = new Queue<number>();
    using from = new Queue<number>();
    const done = run(work.double, to, from, 200);
    for (let i = 0; i < 200; i++) {
      await to.put(i);
      expect(await from.get()).toBe(i * 2);
    }
    await done;
  });

  test("stores what it has not waited for before it ends", async () => {
    using queue = new Queue<{ i: number }>({ capacityBytes: 4096 });
    const worker = await new Worker({
      target: work.putAndReturn,
      args: [queue, 500, 100] as never,
    }).start();
    for (let i = 0; i < 500; i++) expect((await queue.get()).i).toBe(i);
    expect(await worker.join()).toBe(0);
  });

  test("stores it before process.exit, too", async () => {
    using queue = new Queue<{ i: number }>({ capacityBytes: 4096 });
    const worker = await new Worker({
      target: work.putAndExit,
      args: [queue, 500, 100] as never,
    }).start();
    for (let i = 0; i < 500; i++) expect((await queue.get()).i).toBe(i);
    expect(await worker.join()).toBe(7);
  });

  test.each([
    ["put", work.produce, ["x", 20_000]],
    ["putSync", work.produceSync, ["x", 20_000]],
    ["putNowait", work.putAndReturn, [20_000, 0]],
    ["putNowait before process.exit", work.putAndExit, [20_000, 0]],
  ] as const)("stores what waits behind thousands of items: %s", async (_form, target, args) => {
    using queue = new Queue<{ i: number }>({ capacityBytes: 131_072 });
    const worker = await new Worker({
      target: target as (...all: unknown[]) => unknown,
      args: [queue, ...args],
    }).start();
    // Far more than fit: the worker has to wait several times.
    for (let i = 0; i < 20_000; i++) {
      const { i: found } = i % 2 === 0 ? await queue.get() : queue.getSync();
      if (found !== i) expect(found).toBe(i);
    }
    expect(await worker.join()).toBe(target === work.putAndExit ? 7 : 0);
    expect(queue.empty).toBe(true);
  });

  test("ends without storing it when it is told to", async () => {
    using queue = new Queue<{ i: number }>({ capacityBytes: 4096 });
    const worker = await new Worker({
      target: work.putAndAbandon,
      args: [queue, 500, 100] as never,
    }).start();
    expect(await worker.join({ timeout: 30_000 })).toBe(0);
    expect(queue.size).toBeGreaterThan(10);
    expect(queue.size).toBeLessThan(500);
  });
});

test.runIf(process.platform === "linux")(
  "a thread that is terminated gives the queue's memory back",
  async () => {
    const segments = (): string[] => readdirSync(folder).filter((name) => name.startsWith("s."));
    using gate = new Queue<string>();
    const before = new Set(segments());
    const queue = new Queue<number>();
    const [file] = segments().filter((name) => !before.has(name));
    const mappings = (): number =>
      readFileSync("/proc/self/maps", "utf8").split(join(folder, file!, "ring")).length - 1;
    const thread = new Thread({ target: work.hold, args: [queue, gate] });
    await thread.start();
    expect(await gate.get()).toBe("true");
    expect(mappings()).toBe(2);
    thread.kill();
    await thread.join();
    queue.close();
    expect(segments()).not.toContain(file);
    await eventually("the thread's mapping is taken down", () => mappings() === 0);
  },
);

describe("many producers and consumers", () => {
  const mixes = [
    ["threads", Thread, Thread],
    ["processes", Process, Process],
    ["threads and processes", Thread, Process],
  ] as const;
  test.each(mixes)("%s: nothing is lost, nothing twice, order is kept", async (_, A, B) => {
    using queue = new Queue<{ label: string; i: number }>({ maxSize: 50, capacityBytes: 8192 });
    const start = (Kind: typeof Thread | typeof Process, target: unknown, ...args: unknown[]) =>
      new Kind({ target: target as () => unknown, args: args as [] }).start();
    const producers = await Promise.all([
      start(A, work.produce, queue, "a", 700, 10),
      start(B, work.produceSync, queue, "b", 700, 600),
    ]);
    const consumers = await Promise.all([
      start(B, work.consume, queue),
      start(A, work.consumeSync, queue),
    ]);
    const own = work.consume(queue);
    await work.produce(queue, "own", 700, 100);
    await Promise.all(producers.map(({ result }) => result));
    queue.shutdown();
    const seen = (await Promise.all([own, ...consumers.map(({ result }) => result)])) as Record<
      string,
      number[]
    >[];
    for (const label of ["a", "b", "own"]) {
      const parts = seen.map((part) => part[label] ?? []);
      for (const part of parts) expect(part).toEqual(part.toSorted((x, y) => x - y));
      expect(parts.flat().toSorted((x, y) => x - y)).toEqual(numbers(700));
    }
  });

  test.each([
    ["threads", ThreadPoolExecutor],
    ["processes", ProcessPoolExecutor],
  ] as const)("pools of %s take a queue in a task and give one back", async (_, Executor) => {
    await using pool = new Executor({ maxWorkers: 2 });
    const queue = new Queue<{ i: number }>();
    await Promise.all([
      pool.submit(work.produce as never, queue as never, "a" as never, 50 as never),
      pool.submit(work.produce as never, queue as never, "b" as never, 50 as never),
    ]);
    expect(queue.size).toBe(100);
    queue.close();
  });

  test("writers and readers all end when the queue is shut down half way through more messages than its ring holds", async () => {
    const queue = new Queue<{ label: string; i: number }>({ maxSize: 100 });
    const outcome = async (): Promise<number> => {
      let count = 0;
      for await (const _ of queue) if (++count % 10_000 === 0) queue.shutdown(true);
      return count;
    };
    const readers = Array.from({ length: 6 }, outcome);
    const writers = [0, 1, 2, 3].map((n) =>
      work.produce(queue, String(n), 16_384).catch((error: { code: string }) => error.code),
    );
    expect(new Set(await Promise.all(writers))).toEqual(new Set(["ERR_MANYCORE_QUEUE_SHUTDOWN"]));
    await Promise.all(readers);
    expect(queue.size).toBe(0);
    queue.close();
  });
});

describe("unrelated programs", () => {
  test("meet by name", async () => {
    using queue = new Queue<{ i: number }>({ name: "meeting" });
    const taker = startProgram(CHILD, ["Queue", "meeting", "drain"]);
    await untilLine(taker, /^ready$/);
    const giver = await runProgram(CHILD, ["Queue", "meeting", "put", "3"]);
    expect(giver.code).toBe(0);
    for (const i of [0, 1, 2]) await untilLine(taker, new RegExp(`^got ${i}$`));
    queue.shutdown();
    await untilLine(taker, /^end$/);
    expect((await taker.ended).code).toBe(0);
  });

  test("an idle queue does not keep a program open, a waiting get does", async () => {
    const idle = await runProgram(CHILD, ["Queue", "idle", "put", "0"]);
    expect(idle.code).toBe(0);
    using queue = new Queue<{ i: number }>({ name: "kept" });
    const waiting = startProgram(CHILD, ["Queue", "kept", "get", "1"]);
    await untilLine(waiting, /^ready$/);
    await queue.put({ i: 5 });
    expect((await waiting.ended).stdout).toContain("got 5");
  });

  test("leave nothing when they have ended", async () => {
    const ended = await runProgram(CHILD, ["Queue", "tidy", "put", "3", String(5 << 20)]);
    expect(ended.code).toBe(0);
    await eventually(
      "no segment of an ended program is left",
      () => readdirSync(folder).filter((file) => file.startsWith("s.")).length === 0,
    );
  });
});
