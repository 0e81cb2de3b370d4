import { inspect } from "node:util";
import * as manycore from "manycore";
import { describe, expect, test } from "vitest";
import * as work from "../fixtures/executor/work.js";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("inspect");

/** Something to print, what it prints, and how to close it and what it prints then. */
interface Row {
  readonly make: () => unknown;
  readonly open: RegExp;
  readonly close?: (made: never) => unknown;
  readonly closed?: RegExp;
}

function row<T>(
  make: () => T | PromiseLike<T>,
  open: RegExp,
  close?: (made: T) => unknown,
  closed = /closed/,
): Row {
  return close === undefined ? { make, open } : { make, open, close, closed };
}
const closing = <T extends { close(): unknown }>(
  make: () => T | PromiseLike<T>,
  open: RegExp,
): Row => row(make, open, (made) => made.close());

const ROWS: Readonly<Record<string, Row>> = {
  ThreadPoolExecutor: row(
    () => new manycore.ThreadPoolExecutor({ maxWorkers: 2 }),
    /^<ThreadPoolExecutor thread 0\/2 busy, 0 waiting>$/,
    (made) => made.shutdown(),
    /^<ThreadPoolExecutor shut down /,
  ),
  ProcessPoolExecutor: row(
    () => new manycore.ProcessPoolExecutor({ maxWorkers: 2 }),
    /^<ProcessPoolExecutor process 0\/2 busy, 0 waiting>$/,
    (made) => made.shutdown(),
    /^<ProcessPoolExecutor shut down /,
  ),
  "an executor with other options": row(
    () => new manycore.InlineExecutor().with({ timeout: 1_000 }),
    /^<InlineExecutor inline 0\/1 busy, 0 waiting>$/,
    (made) => made.shutdown(),
    /^<InlineExecutor shut down /,
  ),
  Pool: row(
    () => new manycore.Pool({ workers: 2, kind: "thread" }),
    /^<Pool open thread 0\/2 busy, 0 waiting>$/,
    (made) => made.terminate(),
    /^<Pool terminated /,
  ),
  Future: row(
    () => ({ future: new manycore.Future<number>() }),
    /<Future pending>/,
    ({ future }) => future.setResult(1),
    /<Future finished>/,
  ),
  "results of a map": row(
    () => new manycore.InlineExecutor().map(work.square, [1, 2, 3]),
    /^<MapIterator 0 of 3 results read: use "for await", or toArray\(\)>$/,
    (made) => made.toArray(),
    /^<MapIterator 3 of 3 results read/,
  ),
  asCompleted: row(
    () => manycore.asCompleted([new manycore.Future()]),
    /^<asCompleted 0 of 1 read: use "for await">$/,
  ),
  "reports of progress": row(
    () => new manycore.Future().progress,
    /^<Progress 0 reports: use "for await">$/,
  ),
  "a stream of results": row(
    () => new manycore.InlineExecutor().submit(work.count, 3),
    /^<Stream open, 0 items here: use "for await">$/,
    (made) => drain(made),
    /^<Stream ended/,
  ),
  Lock: closing(() => new manycore.Lock(), /^Lock \{ nobody \}$/),
  RLock: closing(() => new manycore.RLock(), /^RLock \{ nobody \}$/),
  Semaphore: closing(() => new manycore.Semaphore(2), /^Semaphore \{ value: 2 \}$/),
  BoundedSemaphore: closing(
    () => new manycore.BoundedSemaphore(2),
    /^BoundedSemaphore \{ value: 2/,
  ),
  RWLock: closing(() => new manycore.RWLock(), /^RWLock \{/),
  Event: closing(() => new manycore.Event(), /^Event \{ clear/),
  Condition: closing(() => new manycore.Condition(), /^Condition \{ 0 waiting/),
  Barrier: closing(() => new manycore.Barrier(2), /^Barrier \{ 0 of 2 wait \}$/),
  WaitableTimer: closing(() => new manycore.WaitableTimer(), /^WaitableTimer \{ not set/),
  Guard: row(
    () => new manycore.Lock().hold(),
    /^Guard \{ held \}$/,
    (made) => made.release(),
    /^Guard \{ released \}$/,
  ),
  Queue: closing(() => new manycore.Queue(), /^Queue \{ 0 items \}$/),
  JoinableQueue: closing(() => new manycore.JoinableQueue(), /^JoinableQueue \{ 0 items, 0 unf/),
  SimpleQueue: closing(() => new manycore.SimpleQueue(), /^SimpleQueue \{ 0 items \}$/),
  Connection: closing(() => manycore.pipe()[0], /^<Connection readable writable open>$/),
  Listener: closing(() => manycore.Listener.listen(), /^<Listener unix listening, 0 to accept>$/),
  Process: closing(
    () => new manycore.Process({ target: work.square, args: [1] }),
    /^<Process [\w-]+ new>$/,
  ),
  Thread: closing(
    () => new manycore.Thread({ target: work.square, args: [1] }),
    /^<Thread [\w-]+ new>$/,
  ),
  Manager: row(
    () => manycore.Manager.start(),
    /^<Manager at .*pid \d+>$/,
    (made) => made.shutdown(),
    /ended>$/,
  ),
  SharedMemoryManager: row(
    () => manycore.SharedMemoryManager.start(),
    /^<SharedMemoryManager at .*pid \d+>$/,
    (made) => made.shutdown(),
    /ended>$/,
  ),
  SharedValue: closing(() => new manycore.SharedValue("int32", 1), /^SharedValue \{ int32 1 \}$/),
  SharedArray: closing(() => new manycore.SharedArray("int32", 3), /^SharedArray \{ int32 × 3 \}$/),
  SharedMemory: closing(
    () => manycore.SharedMemory.create({ size: 10 }),
    /^SharedMemory \{ ".*", 10 bytes \}$/,
  ),
  ShareableList: closing(
    () => new manycore.ShareableList([1, "x"]),
    /^ShareableList \[ 1, 'x' \]$/,
  ),
  LogCollector: closing(() => manycore.LogCollector.start(), /^<LogCollector 0 children>$/),
};

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

describe("console.log names each object and says how it stands", () => {
  test.each(Object.entries(ROWS))("%s", async (_, { make, open, close, closed }) => {
    const made = await make();
    expect(inspect(made)).toMatch(open);
    await close?.(made as never);
    if (closed !== undefined) expect(inspect(made)).toMatch(closed);
    // Nested and in colours it must not fail either.
    expect(inspect({ a: [made] }, { colors: true, depth: 5 })).not.toBe("");
  });

  test("proxies, also when the manager is gone", async () => {
    const manager = await manycore.Manager.start();
    const proxies = [await manager.dict(), await manager.lock(), await manager.queue()];
    expect(proxies.map((proxy) => inspect(proxy))).toEqual([
      "<dict proxy, object 1>",
      "<lock proxy, object 2>",
      "<queue proxy, object 3>",
    ]);
    proxies[0]![Symbol.dispose]();
    await manager.shutdown();
    expect(inspect(proxies[0])).toBe("<dict proxy, object 1, released>");
    expect(inspect(proxies[1])).toBe("<lock proxy, object 2>");
  });
});

describe("toArray()", () => {
  const executor = new manycore.InlineExecutor();

  test("gives the results that were not read yet, in order", async () => {
    const results = executor.map(work.square, [1, 2, 3]);
    expect((await results.next()).value).toBe(1);
    expect(await results.toArray()).toEqual([4, 9]);
    expect(await results.toArray()).toEqual([]);
  });

  test("rejects with the first error, and closes the source", async () => {
    let isClosed = false;
    function* source(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        isClosed = true;
      }
    }
    await expect(executor.map(work.failAt3, source()).toArray()).rejects.toThrow("item 3");
    expect(isClosed).toBe(true);
  });
});
