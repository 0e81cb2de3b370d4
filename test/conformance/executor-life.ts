import { expect, test } from "vitest";
import {
  BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  QueueFullError,
  WorkerCrashedError,
} from "manycore";
import {
  collect,
  endingAfterEach,
  gate,
  type KindName,
  linesOf,
  type Make,
  rejection,
  scratch,
  started,
  thrown,
} from "../executor/kit.ts";
import { eventually, runProgram } from "../helpers/leaks.ts";
import * as work from "../fixtures/executor/work.js";

const PROGRAM = new URL("../fixtures/executor/program.mjs", import.meta.url);

export function testLife(kind: KindName, makeOne: Make): void {
  const make = endingAfterEach(makeOne);
  const path = scratch();
  const outside = kind !== "inline";

  test("nothing is started before the first task, and no more than there is work for", async () => {
    const executor = make({ maxWorkers: 3 });
    expect(executor.stats().workers).toEqual([]);
    await executor.submit(work.square, 1);
    expect(executor.stats().workers.length).toBe(1);
  });

  test("runOnAll runs once in every worker and starts those that are missing", async () => {
    const executor = make({ maxWorkers: 3 });
    const ids = await executor.runOnAll(work.workerOf);
    expect(ids.sort((a, b) => a - b)).toEqual(outside ? [1, 2, 3] : [1]);
    await executor.runOnAll(work.initialize, "on all");
    const seen = await Promise.all(
      Array.from({ length: 12 }, () => executor.submit(work.readInitialized)),
    );
    if (outside) expect(new Set(seen)).toEqual(new Set(["on all"]));
  });

  test.skipIf(!outside)(
    "runOnAll in workers that die is an error, and the executor goes on",
    async () => {
      const executor = make({ maxWorkers: 2 });
      await executor.runOnAll(work.workerOf);
      const dying = executor.with({ retries: 1 }).runOnAll(work.exit, 3);
      expect(await rejection(dying)).toBeInstanceOf(WorkerCrashedError);
      expect(await executor.submit(work.square, 3)).toBe(9);
    },
  );

  test.skipIf(!outside)(
    "the initializer runs once in every worker, before its first task",
    async () => {
      const executor = make({
        maxWorkers: 2,
        initializer: work.initialize,
        initializerArgs: [{ db: 1 }] as never[],
      });
      expect(await executor.runOnAll(work.readInitialized)).toEqual([{ db: 1 }, { db: 1 }]);
      expect(await executor.runOnAll(work.readInitialized)).toEqual([{ db: 1 }, { db: 1 }]);
    },
  );

  test("a failing initializer breaks the executor with its error as the cause", async () => {
    const executor = make({ maxWorkers: 2, initializer: work.failingInitializer });
    const futures = [executor.submit(work.square, 1), executor.submit(work.square, 2)];
    for (const future of futures) {
      const error = await rejection(future);
      expect(error).toBeInstanceOf(BrokenExecutorError);
      expect(error.cause).toBeInstanceOf(RangeError);
      expect(error.message).toContain("no database");
    }
    expect(thrown(() => executor.submit(work.square, 3))).toBeInstanceOf(BrokenExecutorError);
    expect(thrown(() => executor.map(work.square, [3]))).toBeInstanceOf(BrokenExecutorError);
    await executor.shutdown();
  });

  test.skipIf(!outside)(
    "the finalizer runs in every worker before it ends, also after an abort",
    async () => {
      for (const end of ["shutdown", "terminate"] as const) {
        const log = path();
        const executor = make({
          maxWorkers: 2,
          initializer: work.rememberPath,
          initializerArgs: [log] as never[],
          finalizer: work.finalize,
          grace: 10_000,
        });
        await executor.runOnAll(work.workerOf);
        const running = end === "terminate" ? executor.submit(work.untilAborted) : undefined;
        if (running !== undefined) await started(running);
        await executor[end]();
        expect(linesOf(log)).toEqual(["finalized true", "finalized true"]);
      }
    },
  );

  test.each<[object, string]>([
    [{ maxWorkers: 0 }, "maxWorkers"],
    [{ maxWorkers: -1 }, "maxWorkers"],
    [{ maxWorkers: Infinity }, "maxWorkers"],
    [{ minWorkers: 3, maxWorkers: 2 }, "minWorkers"],
    [{ idleTimeout: NaN }, "idleTimeout"],
    [{ concurrency: 0 }, "concurrency"],
    [{ maxTasksPerWorker: 0.5 }, "maxTasksPerWorker"],
    [{ maxTasksPerWorker: "3" }, "maxTasksPerWorker"],
    [{ maxQueue: -1 }, "maxQueue"],
    [{ grace: NaN }, "grace"],
    [{ initializer: 5 }, "initializer"],
    [{ initializer: null }, "initializer"],
    [{ finalizer: "f" }, "finalizer"],
  ])("options such as %o are refused by name", (options, name) => {
    if (!outside && name.endsWith("Workers")) return;
    const error = thrown(() => make(options));
    expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
    expect(error.message).toContain(`\`${name}\``);
  });

  // ---- the queue's bound

  test("maxQueue: the first ones are accepted, what is beyond fails with QueueFullError", async () => {
    const executor = make({ maxWorkers: 1, maxQueue: 2 });
    const hold = gate();
    const log = path();
    const first = executor.submit(work.gated, hold.stream, "first");
    await started(first);
    const futures = Array.from({ length: 1100 }, (_, i) =>
      executor.submit(work.append, log, String(i)),
    );
    const full = await rejection(futures[1099] as PromiseLike<unknown>);
    expect(full).toBeInstanceOf(QueueFullError);
    expect(full.message).toContain("waitForRoom()");
    hold.open();
    const outcomes = await Promise.allSettled(futures);
    const accepted = outcomes.filter(({ status }) => status === "fulfilled").length;
    // Two wait; the others are with the worker, handed out ahead of time, at most 1024.
    expect(accepted).toBeGreaterThanOrEqual(2);
    expect(accepted).toBeLessThanOrEqual(1024 + 2);
    expect(linesOf(log)).toEqual(Array.from({ length: accepted }, (_, i) => String(i)));
  });

  test("maxQueue holds in the first tick too, while the function is not located", async () => {
    const executor = make({ maxWorkers: 1, maxQueue: 3 });
    const futures = Array.from({ length: 10 }, (_, i) =>
      executor.submit(work.appendLater, path(), String(i)),
    );
    const outcomes = await Promise.allSettled(futures);
    const states = outcomes.map(({ status }) => status === "fulfilled");
    const accepted = states.filter(Boolean).length;
    expect(accepted).toBeGreaterThanOrEqual(3);
    expect(states.slice(0, accepted)).toEqual(Array.from({ length: accepted }, () => true));
  });

  test.each([0, 1, 3])(
    "a loop with waitForRoom() never finds a queue of %i full",
    async (maxQueue) => {
      const executor = make({ maxWorkers: 2, maxQueue });
      const futures = [];
      for (let i = 0; i < 100; i++) {
        await executor.waitForRoom();
        futures.push(executor.submit(work.later, i));
      }
      expect(await Promise.all(futures)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    },
  );

  test("waitForRoom() can be given up, and returns at once when there is room", async () => {
    const executor = make({ maxWorkers: 1, maxQueue: 1 });
    await executor.waitForRoom();
    const hold = gate();
    const running = executor.submit(work.gated, hold.stream, 1);
    await started(running);
    const waiting = [1, 2, 3].map((x) => executor.submit(work.echo, x));
    const controller = new AbortController();
    const room = executor.waitForRoom({ signal: controller.signal });
    controller.abort(new RangeError("no more"));
    expect((await rejection(room)).message).toBe("no more");
    hold.open();
    await Promise.allSettled([running, ...waiting]);
    await executor.waitForRoom();
  });

  // ---- concurrency

  test("concurrency: tasks run side by side and each keeps its own context", async () => {
    const executor = make({ maxWorkers: 1, concurrency: 3 });
    const gates = [gate(), gate(), gate()];
    const futures = gates.map(({ stream }, i) =>
      executor.with({ context: `c${i}` }).submit(work.attemptAfter, stream),
    );
    await Promise.all(futures.map(started));
    for (const each of [...gates].reverse()) each.open();
    expect(await Promise.all(futures)).toEqual([
      ["c0", "c0"],
      ["c1", "c1"],
      ["c2", "c2"],
    ]);
  });

  test("concurrency without a limit: ten thousand tasks at once all end", async () => {
    const executor = make({ maxWorkers: 1, concurrency: Infinity });
    const futures = Array.from({ length: 10_000 }, (_, i) => executor.submit(work.later, i));
    expect(await Promise.all(futures)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  test("two executors of one kind do not mix their tasks' contexts up", async () => {
    const gates = [gate(), gate()];
    const futures = gates.map(({ stream }, i) =>
      make({ maxWorkers: 1 }).with({ context: i }).submit(work.attemptAfter, stream),
    );
    await Promise.all(futures.map(started));
    gates[0]?.open();
    expect(await futures[0]).toEqual([0, 0]);
    gates[1]?.open();
    expect(await futures[1]).toEqual([1, 1]);
  });

  // ---- ends

  test("shutdown() waits for all that was accepted", async () => {
    const executor = make({ maxWorkers: 2 });
    const futures = Array.from({ length: 50 }, (_, i) => executor.submit(work.later, i));
    await executor.shutdown();
    expect(futures.every((future) => future.done)).toBe(true);
    expect(await Promise.all(futures)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(executor.stats().workers).toEqual([]);
    await executor.shutdown();
  });

  test("shutdown({ wait: false }) returns at once and the work completes", async () => {
    const executor = make({ maxWorkers: 1 });
    const hold = gate();
    const future = executor.submit(work.gated, hold.stream, "done");
    await executor.shutdown({ wait: false });
    expect(future.done).toBe(false);
    hold.open();
    expect(await future).toBe("done");
  });

  test("shutdown({ cancelFutures }) cancels what has not started and leaves nothing undecided", async () => {
    const executor = make({ maxWorkers: 1 });
    await executor.submit(work.echo, 0);
    const hold = gate();
    const running = executor.submit(work.gated, hold.stream, "ran");
    await started(running);
    const log = path();
    const waiting = Array.from({ length: 50 }, (_, i) =>
      executor.submit(work.append, log, String(i)),
    );
    const ended = executor.shutdown({ cancelFutures: true });
    hold.open();
    await ended;
    expect(await running).toBe("ran");
    for (const future of waiting) expect(await rejection(future)).toBeInstanceOf(CancelledError);
    expect(linesOf(log)).toEqual([]);
    expect(executor.stats()).toMatchObject({ cancelled: 50, completed: 2, pending: 0, running: 0 });
  });

  test("shutdown({ cancelFutures }) also ends a map that has more to feed", async () => {
    const executor = make({ maxWorkers: 1 });
    let pulled = 0;
    function* endless(): Generator<number, void, undefined> {
      for (;;) yield pulled++;
    }
    const results = executor.map(work.square, endless());
    await results.next();
    await executor.shutdown({ cancelFutures: true });
    const before = pulled;
    expect(await rejection(collect(results))).toBeInstanceOf(CancelledError);
    expect(pulled).toBe(before);
    expect(executor.stats().workers).toEqual([]);
  });

  test("submit, cancel, shutdown: no hang", async () => {
    const executor = make({ maxWorkers: 1 });
    expect(executor.submit(work.square, 1).cancel()).toBe(true);
    await executor.shutdown();
    await make().shutdown();
  });

  test("after shutdown submit, map and runOnAll are refused, through with() as well", async () => {
    const executor = make({ maxWorkers: 1 });
    await executor.submit(work.square, 1);
    await executor.shutdown();
    expect(thrown(() => executor.submit(work.square, 1))).toBeInstanceOf(InvalidStateError);
    expect(thrown(() => executor.with({ priority: 1 }).submit(work.square, 1))).toBeInstanceOf(
      InvalidStateError,
    );
    expect(thrown(() => executor.map(work.square, [1]))).toBeInstanceOf(InvalidStateError);
    expect(await rejection(executor.runOnAll(work.workerOf))).toBeInstanceOf(InvalidStateError);
  });

  test("terminate() rejects what runs and what waits, and ends the workers", async () => {
    const executor = make({ maxWorkers: 1 });
    const running = executor.submit(work.stubborn);
    await started(running);
    const waiting = executor.submit(work.square, 1);
    const ended = executor.terminate();
    for (const future of [running, waiting]) {
      expect(future.cancelled).toBe(true);
      expect(await rejection(future)).toBeInstanceOf(CancelledError);
    }
    await ended;
    expect(executor.stats()).toMatchObject({ workers: [], cancelled: 2, crashed: 0 });
    await executor.terminate();
  });

  test("terminate({ grace }) gives running tasks the time to hear of it", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const running = executor.submit(work.untilAborted, log);
    await started(running);
    await executor.terminate({ grace: 20_000 });
    expect(linesOf(log).length).toBe(1);
  });

  test.each(["killWorkers", "terminateWorkers"] as const)(
    "%s() fails what runs and what waits, and ends the workers without their finalizers",
    async (how) => {
      const log = path();
      const executor = make({
        maxWorkers: 1,
        initializer: work.rememberPath as never,
        initializerArgs: [log] as never[],
        finalizer: work.finalize,
      });
      const running = executor.submit(work.stubborn);
      await started(running);
      const waiting = executor.submit(work.square, 1);
      await executor[how]();
      for (const future of [running, waiting]) {
        expect((await rejection(future)).code).toBe("ERR_MANYCORE_BROKEN_EXECUTOR");
      }
      expect(executor.stats()).toMatchObject({ workers: [], pending: 0, running: 0 });
      if (kind !== "inline") expect(linesOf(log)).toEqual([]);
      expect(thrown(() => executor.submit(work.square, 1))).toBeInstanceOf(InvalidStateError);
      await executor[how]();
      await executor.shutdown();
    },
  );

  test("Symbol.asyncDispose waits for the work, as Python's with does", async () => {
    const executor = make({ maxWorkers: 1 });
    const future = executor.submit(work.later, 5);
    await executor[Symbol.asyncDispose]();
    expect(future.done).toBe(true);
    expect(thrown(() => executor.submit(work.square, 1))).toBeInstanceOf(InvalidStateError);
  });

  // ---- numbers

  test("stats() counts what happened and is fresh each time", async () => {
    const executor = make({ maxWorkers: 1, name: "numbers" });
    await executor.submit(work.compute, 20);
    await rejection(executor.submit(work.fail, "x"));
    await rejection(executor.submit(work.hiddenFunction()));
    const hold = gate();
    const running = executor.submit(work.gated, hold.stream, 1);
    await started(running);
    const waiting = Array.from({ length: 4 }, (_, i) => executor.submit(work.compute, i));
    waiting[3]?.cancel();
    const stats = executor.stats();
    expect(stats).toMatchObject({
      name: "numbers",
      kind,
      maxWorkers: 1,
      completed: 1,
      failed: 2,
      cancelled: 1,
      retried: 0,
      crashed: 0,
    });
    expect(stats.pending + stats.running).toBe(4);
    expect(stats.busyTime).toBeGreaterThanOrEqual(20);
    expect(stats.workers).toHaveLength(1);
    expect(stats.workers[0]).toMatchObject({ id: 1, name: "numbers-1", kind, state: "busy" });
    hold.open();
    await Promise.all([running, ...waiting.slice(0, 3)]);
    expect(stats.completed).toBe(1);
    expect(executor.stats()).toMatchObject({ completed: 5, pending: 0, running: 0 });
    expect(executor.stats().workers[0]?.state).toBe("idle");
  });

  test.skipIf(!outside)("workers are reused, and idle ones end after idleTimeout", async () => {
    const executor = make({ maxWorkers: 2, minWorkers: 1, idleTimeout: 30 });
    await executor.runOnAll(work.workerOf);
    await eventually("one worker is left", () => executor.stats().workers.length === 1);
    expect(await executor.submit(work.square, 3)).toBe(9);
    expect(executor.stats()).toMatchObject({ crashed: 0, completed: 3 });
  });

  test.skipIf(!outside)(
    "maxTasksPerWorker: the same worker for three tasks, another for the fourth",
    async () => {
      const executor = make({ maxWorkers: 1, maxTasksPerWorker: 3 });
      const ids: number[] = [];
      for (let i = 0; i < 7; i++) ids.push(await executor.submit(work.workerOf));
      expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3]);
      const many = await Promise.all(
        Array.from({ length: 30 }, () => executor.submit(work.workerOf)),
      );
      for (const id of new Set(many)) {
        expect(many.filter((other) => other === id).length).toBeLessThanOrEqual(3);
      }
      expect(executor.stats().crashed).toBe(0);
    },
  );

  test.skipIf(!outside)("a dead worker fails its one task and no other", async () => {
    const executor = make({ maxWorkers: 2 });
    await Promise.all(Array.from({ length: 200 }, () => executor.submit(work.dieAt, -1, 0)));
    const futures = Array.from({ length: 100 }, (_, i) => executor.submit(work.dieAt, 50, i));
    const outcomes = await Promise.allSettled(futures);
    const failed = outcomes.flatMap((outcome, i) => (outcome.status === "rejected" ? [i] : []));
    expect(failed).toEqual([50]);
    const error = await rejection<WorkerCrashedError>(futures[50] as PromiseLike<unknown>);
    expect(error).toMatchObject({
      code: "ERR_MANYCORE_WORKER_CRASHED",
      exitCode: 7,
      task: "dieAt",
    });
    expect(executor.stats()).toMatchObject({ crashed: 1, failed: 1, completed: 299 });
  });

  // ---- programs

  test.each<[string, string]>([
    ["idle", "an idle executor does not keep the program open"],
    ["pending", "pending work does"],
    ["terminated", "after terminate() nothing is left, whatever the grace of its tasks"],
    ["unawaited", "a failed Future nobody awaits is no unhandledRejection, but is published"],
    ["throwing-progress", "an onProgress that throws is an uncaught exception and costs no result"],
  ])("program %s: %s", async (name) => {
    const { stdout, stderr, code } = await runProgram(PROGRAM, [kind, name], { timeoutMs: 20_000 });
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toBe(`${name}: ok\n`);
  });
}
