import * as manycore from "manycore";
import { describe, expect, test } from "vitest";
import * as work from "../fixtures/executor/work.js";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("caller-stack");

const timeout = 20;

/** Calls of each room that fail, and the class of the error; `theCaller` is the function that makes them. */
const ROWS: Readonly<Record<string, readonly [string, () => Promise<unknown>]>> = {
  ...Object.fromEntries(
    (["thread", "process"] as const).flatMap((kind) => {
      const make = (): manycore.Executor =>
        kind === "thread"
          ? new manycore.ThreadPoolExecutor({ maxWorkers: 1 })
          : new manycore.ProcessPoolExecutor({ maxWorkers: 1 });
      return [
        [
          `${kind}: a worker that dies`,
          [
            "WorkerCrashedError",
            async function theCaller() {
              await using executor = make();
              await executor.submit(work.exit, 3);
            },
          ],
        ],
        [
          `${kind}: a worker that dies under a map`,
          [
            "WorkerCrashedError",
            async function theCaller() {
              await using executor = make();
              await executor.map(work.exit, [3]).toArray();
            },
          ],
        ],
        [
          `${kind}: a task that takes too long`,
          [
            "TimeoutError",
            async function theCaller() {
              await using executor = make();
              await executor.with({ timeout }).submit(work.stubborn);
            },
          ],
        ],
        [
          `${kind}: a task that throws`,
          [
            "RangeError",
            async function theCaller() {
              await using executor = make();
              await executor.submit(work.fail, "no");
            },
          ],
        ],
      ] as const;
    }),
  ),
  "a task that is cancelled": [
    "CancelledError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const future = executor.submit(work.stubborn);
      queueMicrotask(() => future.cancel());
      await future;
    },
  ],
  "a task of an executor that is terminated": [
    "CancelledError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const future = executor.submit(work.stubborn);
      queueMicrotask(() => void executor.terminate());
      await future;
    },
  ],
  "a map of an executor that is terminated": [
    "CancelledError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const results = executor.map(
        work.exit,
        Array.from({ length: 100 }, () => 0),
      );
      queueMicrotask(() => void executor.terminate());
      await results.toArray();
    },
  ],
  "a task whose executor is shut down with cancelFutures": [
    "CancelledError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const future = executor.submit(work.stubborn);
      queueMicrotask(() => void executor.shutdown({ cancelFutures: true }));
      await future;
    },
  ],
  "a task whose worker is killed": [
    "BrokenExecutorError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const future = executor.submit(work.stubborn);
      queueMicrotask(() => void executor.killWorkers());
      await future;
    },
  ],
  "an executor that cannot start workers": [
    "BrokenExecutorError",
    async function theCaller() {
      await using executor = broken();
      await executor.submit(work.echo, 1);
    },
  ],
  "a map of an executor that cannot start workers": [
    "BrokenExecutorError",
    async function theCaller() {
      await using executor = broken();
      for await (const _ of executor.map(work.echo, [1]));
    },
  ],
  "an executor that could not start workers": [
    "BrokenExecutorError",
    async function theCaller() {
      await using executor = broken();
      await executor.submit(work.echo, 1).catch(() => {});
      await executor.submit(work.echo, 1);
    },
  ],
  "an item of a map that cannot travel, read from a stream": [
    "SerializationError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      const items = (async function* () {
        yield 1;
        yield Symbol("no");
      })();
      await executor.map(work.echo, items).toArray();
    },
  ],
  "an argument that cannot travel": [
    "SerializationError",
    async function theCaller() {
      await using executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      await executor.submit(work.echo, { deep: [{ er: Symbol("no") }] });
    },
  ],
  "an executor that was shut down": [
    "InvalidStateError",
    async function theCaller() {
      const executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
      await executor.shutdown();
      await executor.submit(work.echo, 1);
    },
  ],
  "pool.apply": [
    "WorkerCrashedError",
    async function theCaller() {
      await using pool = new manycore.Pool({ workers: 1 });
      await pool.apply(work.exit, [3]);
    },
  ],
  "pool.map of a closed pool": [
    "InvalidStateError",
    async function theCaller() {
      await using pool = new manycore.Pool({ workers: 1 });
      pool.close();
      await pool.map(work.echo, [1]);
    },
  ],
  "a wrong option": [
    "RangeError",
    async function theCaller() {
      await new manycore.Lock().acquire({ timeout: NaN });
    },
  ],
  "a closed lock": [
    "InvalidStateError",
    async function theCaller() {
      const lock = new manycore.Lock();
      lock.close();
      await lock.hold();
    },
  ],
  "rwLock.read": [
    "TimeoutError",
    async function theCaller() {
      const lock = new manycore.RWLock();
      lock.tryWrite();
      await lock.read({ timeout });
    },
  ],
  "rwLock.write": [
    "TimeoutError",
    async function theCaller() {
      const lock = new manycore.RWLock();
      lock.tryRead();
      await lock.write({ timeout });
    },
  ],
  "semaphore.holdSync": [
    "TimeoutError",
    async function theCaller() {
      new manycore.BoundedSemaphore(0).holdSync({ timeout });
    },
  ],
  "the end of a connection, awaited": [
    "EndOfStreamError",
    async function theCaller() {
      const [here, there] = manycore.pipe();
      queueMicrotask(() => there.close());
      await here.recv();
    },
  ],
  "the end of a connection, found": [
    "EndOfStreamError",
    async function theCaller() {
      const [here, there] = manycore.pipe();
      there.close();
      await here.recv().catch(() => {});
      await here.recvBytes();
    },
  ],
  "sending to one that has closed": [
    "EndOfStreamError",
    async function theCaller() {
      const [here, there] = manycore.pipe();
      there.close();
      await here.recv().catch(() => {});
      await here.send(1);
    },
  ],
  "connect, to nobody": [
    "Error",
    async function theCaller() {
      await manycore.connect("/nonexistent/socket");
    },
  ],
  "connect, with a wrong key": [
    "AuthenticationError",
    async function theCaller() {
      await using listener = await manycore.Listener.listen({ authKey: "a" });
      await manycore.connect(listener.address, { authKey: "b" });
    },
  ],
  "listener.accept": [
    "InvalidStateError",
    async function theCaller() {
      const listener = await manycore.Listener.listen();
      queueMicrotask(() => listener.close());
      await listener.accept();
    },
  ],
  "Listener.listen": [
    "Error",
    async function theCaller() {
      await using listener = await manycore.Listener.listen();
      await manycore.Listener.listen({ address: listener.address });
    },
  ],
  "Manager.connect": [
    "Error",
    async function theCaller() {
      await manycore.Manager.connect("/nonexistent/socket", { authKey: "a" });
    },
  ],
  "a manager's queue": [
    "QueueEmptyError",
    async function theCaller() {
      await using manager = await manycore.Manager.start();
      const queue = await manager.queue();
      await queue.get({ timeout });
    },
  ],
  "a manager that was shut down": [
    "EndOfStreamError",
    async function theCaller() {
      const manager = await manycore.Manager.start();
      const list = await manager.list();
      await manager.shutdown();
      await list.push(1);
    },
  ],
  "inline: a task that takes too long": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.InlineExecutor().with({ timeout }).submit(work.stubborn);
    },
  ],
  "future.result": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.Future().result({ timeout });
    },
  ],
  "future.exception": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.Future().exception({ timeout });
    },
  ],
  asCompleted: [
    "TimeoutError",
    async function theCaller() {
      for await (const _ of manycore.asCompleted([new manycore.Future()], { timeout }));
    },
  ],
  "lock.hold": [
    "TimeoutError",
    async function theCaller() {
      const lock = new manycore.Semaphore(0);
      await lock.hold({ timeout });
    },
  ],
  "queue.get": [
    "QueueEmptyError",
    async function theCaller() {
      await new manycore.Queue().get({ timeout });
    },
  ],
  "queue.getSync": [
    "QueueEmptyError",
    async function theCaller() {
      new manycore.Queue().getSync({ timeout });
    },
  ],
  "connection.recv": [
    "TimeoutError",
    async function theCaller() {
      const [here] = manycore.pipe();
      await here.recv({ timeout });
    },
  ],
  "barrier.wait": [
    "BrokenBarrierError",
    async function theCaller() {
      await new manycore.Barrier(2).wait({ timeout });
    },
  ],
};

/** Frames of this package that may stand above the caller's: the public function that was called. */
const MOST_ABOVE = 1;

function broken(): manycore.Executor {
  return new manycore.ProcessPoolExecutor({ maxWorkers: 1, execArgv: ["--no-such-flag"] });
}

describe("an error has the frame of the call that it comes from near its top", () => {
  test.each(Object.entries(ROWS))("%s", async (_, [name, theCaller]) => {
    const error = await theCaller().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.name).toBe(name);
    const lines = error?.stack?.split("\n").filter((line) => /^ +at /.test(line)) ?? [];
    // When a promise settles between two timers, Node has frames of its own there.
    const frames = lines.filter((line) => !/[( ]node:internal\//.test(line));
    const at = frames.findIndex((line) => line.includes("theCaller"));
    expect(at, error?.stack).toBeGreaterThanOrEqual(0);
    const ours = frames.slice(0, at).filter((line) => line.includes("/dist/"));
    expect(ours.length, error?.stack).toBeLessThanOrEqual(MOST_ABOVE);
  });
});
