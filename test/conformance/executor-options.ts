import { expect, test } from "vitest";
import { CancelledError, TimeoutError, WorkerCrashedError } from "manycore";
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
import { eventually } from "../helpers/leaks.ts";
import { runTraced } from "../fixtures/executor/traced.js";
import * as traced from "../fixtures/executor/traced.js";
import * as work from "../fixtures/executor/work.js";

export function testOptions(kind: KindName, makeOne: Make): void {
  const make = endingAfterEach(makeOne);
  const path = scratch();

  test("with() gives the same workers with other options, on top of those before", async () => {
    const executor = make({ maxWorkers: 1 });
    const first = executor.with({ context: "first", name: "named" });
    const second = first.with({ name: "renamed" });
    const pids = await Promise.all(
      [executor, first, second].map((each) => each.submit(work.context)),
    );
    expect(pids.map((seen) => seen.context)).toEqual([undefined, "first", "first"]);
    expect(new Set(pids.map((seen) => seen.worker.id)).size).toBe(1);
    await second.shutdown();
    expect(thrown(() => executor.submit(work.square, 1)).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test.each<[object, string]>([
    [{ timeout: NaN }, "timeout"],
    [{ retries: -1 }, "retries"],
    [{ retries: 0.5 }, "retries"],
    [{ retryDelay: NaN }, "retryDelay"],
    [{ priority: "high" }, "priority"],
  ])("options such as %j are refused by name", (options, name) => {
    expect(thrown(() => make().with(options as never)).message).toContain(`\`${name}\``);
  });

  // ---- priority

  test("higher priority runs earlier; equal ones in order", async () => {
    const executor = make({ maxWorkers: 1 });
    await executor.submit(work.append, path(), "warm");
    const hold = gate();
    const first = executor.submit(work.gated, hold.stream, 0);
    await started(first);
    const log = path();
    const futures = ["low 1", "low 2", "mid 1", "high", "mid 2", "low 3"].map((text) => {
      const priority = text.startsWith("high") ? 10 : text.startsWith("mid") ? 5 : 0;
      return executor.with({ priority }).submit(work.append, log, text);
    });
    hold.open();
    await Promise.all(futures);
    expect(linesOf(log)).toEqual(["high", "mid 1", "mid 2", "low 1", "low 2", "low 3"]);
  });

  test("a late task of high priority gets ahead of those handed out already", async () => {
    const executor = make({ maxWorkers: 1 });
    await Promise.all(Array.from({ length: 50 }, () => executor.submit(work.append, path(), "x")));
    const hold = gate();
    const first = executor.submit(work.gated, hold.stream, 0);
    await started(first);
    const log = path();
    const low = Array.from({ length: 20 }, (_, i) => executor.submit(work.append, log, `low ${i}`));
    // One way there and back: the low ones have been handed to the worker by now.
    await new Promise((resolve) => setImmediate(resolve));
    const high = executor.with({ priority: 1 }).submit(work.append, log, "high");
    hold.open();
    await Promise.all([...low, high]);
    expect(linesOf(log)[0]).toBe("high");
    expect(linesOf(log).slice(1)).toEqual(Array.from({ length: 20 }, (_, i) => `low ${i}`));
  });

  // ---- cancelling

  test("a signal that is aborted already rejects with its reason and nothing runs", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const signal = AbortSignal.abort(new RangeError("too late"));
    const future = executor.with({ signal }).submit(work.append, log, "ran");
    expect(await rejection(future)).toBe(signal.reason);
    await executor.shutdown();
    expect(linesOf(log)).toEqual([]);
  });

  test("a signal cancels what waits: it never runs and rejects with the reason itself", async () => {
    const executor = make({ maxWorkers: 1 });
    const hold = gate();
    const first = executor.submit(work.gated, hold.stream, "first");
    await started(first);
    const controller = new AbortController();
    const { signal } = controller;
    const log = path();
    const waiting = [1, 2, 3].map((i) =>
      executor.with({ signal }).submit(work.append, log, String(i)),
    );
    const other = executor.submit(work.append, log, "other");
    const reason = { why: "changed my mind" };
    controller.abort(reason);
    for (const future of waiting) expect(await rejection<unknown>(future)).toBe(reason);
    hold.open();
    expect(await first).toBe("first");
    await other;
    expect(linesOf(log)).toEqual(["other"]);
  });

  test("a signal cancels what runs: its own signal aborts with the reason, the worker lives on", async () => {
    const executor = make({ maxWorkers: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    const log = path();
    const future = executor.with({ signal }).submit(work.untilAborted, log);
    await started(future);
    const reason = new RangeError("enough");
    controller.abort(reason);
    expect(await rejection(future)).toBe(reason);
    await eventually("the task hears of it", () => linesOf(log).length === 1);
    expect(linesOf(log)).toEqual(["enough"]);
    expect(await executor.submit(work.square, 3)).toBe(9);
    expect(executor.stats().crashed).toBe(0);
  });

  test("cancel() of a task that waits: it never runs", async () => {
    const executor = make({ maxWorkers: 1 });
    const hold = gate();
    const first = executor.submit(work.gated, hold.stream, "first");
    const log = path();
    const futures = [1, 2, 3].map((i) => executor.submit(work.append, log, String(i)));
    expect(futures[1]?.cancel("no need")).toBe(true);
    expect(futures[1]).toMatchObject({ cancelled: true, done: true });
    expect(futures[1]?.cancel()).toBe(true);
    const error = await rejection(futures[1] as PromiseLike<unknown>);
    expect(error).toBeInstanceOf(CancelledError);
    expect(error.cause).toBe("no need");
    hold.open();
    await Promise.all([first, futures[0], futures[2]]);
    expect(linesOf(log)).toEqual(["1", "3"]);
  });

  test("cancel() of a task that runs settles at once and aborts its signal", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const future = executor.submit(work.untilAborted, log);
    await started(future);
    expect(future.cancel(new RangeError("stop it"))).toBe(true);
    expect(future).toMatchObject({ cancelled: true, done: true, running: false });
    expect(await rejection(future)).toBeInstanceOf(CancelledError);
    await eventually("the task hears of it", () => linesOf(log).length === 1);
    expect(linesOf(log)).toEqual(["stop it"]);
    expect(await executor.submit(work.square, 3)).toBe(9);
  });

  test.skipIf(kind === "inline")(
    "a task that ignores its signal loses its worker after the grace",
    async () => {
      const executor = make({ maxWorkers: 1, grace: 20 });
      const { id } = await executor.submit(work.where);
      const future = executor.submit(work.stubborn);
      await started(future);
      expect(future.cancel()).toBe(true);
      const waiting = executor.submit(work.where);
      expect((await waiting).id).not.toBe(id);
      expect(executor.stats().crashed).toBe(0);
    },
  );

  test("cancel() of a finished task says no", async () => {
    const executor = make({ maxWorkers: 1 });
    const future = executor.submit(work.square, 2);
    await future;
    expect(future.cancel()).toBe(false);
    expect(future.cancelled).toBe(false);
  });

  // ---- timeout and retries

  test("a timeout counts from the start, aborts the task's signal and rejects with its name", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    const future = executor.with({ timeout: 30, name: "slowpoke" }).submit(work.untilAborted, log);
    const error = await rejection(future);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toMatch(/"slowpoke".*30 ms/);
    await eventually("the task hears of it", () => linesOf(log).length === 1);
    expect(await executor.submit(work.square, 3)).toBe(9);
  });

  test("waiting for a worker does not count", async () => {
    const executor = make({ maxWorkers: 1 });
    await executor.submit(work.square, 1);
    const hold = gate();
    const first = executor.submit(work.gated, hold.stream, "first");
    const second = executor.with({ timeout: 500 }).submit(work.later, "second");
    await started(first);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(second.done).toBe(false);
    hold.open();
    expect(await second).toBe("second");
  });

  test("retries run it again, with the attempt's number, and the last error counts", async () => {
    const executor = make({ maxWorkers: 2 });
    expect(await executor.with({ retries: 2 }).submit(work.failBefore, 3)).toBe(3);
    const error = await rejection(executor.with({ retries: 2 }).submit(work.failBefore, 9));
    expect(error.message).toBe("attempt 3");
    expect(executor.stats()).toMatchObject({ retried: 4, completed: 1, failed: 1, pending: 0 });
  });

  test("retries follow a timeout as well", async () => {
    const executor = make({ maxWorkers: 1 });
    const retrying = executor.with({ retries: 1, timeout: 100 });
    expect(await retrying.submit(work.stallBefore, 2)).toBe(2);
  });

  test.skipIf(kind === "inline")("retries follow a dead worker as well", async () => {
    const executor = make({ maxWorkers: 1 });
    expect(await executor.with({ retries: 1 }).submit(work.dieBefore, 2)).toBe(2);
    expect(executor.stats()).toMatchObject({ crashed: 1, retried: 1, completed: 1 });
    expect(await rejection(executor.submit(work.dieBefore, 2))).toBeInstanceOf(WorkerCrashedError);
  });

  test("retryDelay is asked for each failed attempt, and waited for", async () => {
    const executor = make({ maxWorkers: 1 });
    const asked: number[] = [];
    const retryDelay = (attempt: number): number => {
      asked.push(attempt);
      return attempt * 40;
    };
    const begun = performance.now();
    expect(await executor.with({ retries: 2, retryDelay }).submit(work.failBefore, 3)).toBe(3);
    expect(asked).toEqual([1, 2]);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(119);
  });

  test("a retryDelay that throws fails the task with what it threw, and nothing else", async () => {
    const executor = make({ maxWorkers: 1 });
    const retryDelay = (): number => {
      throw new RangeError("no delay");
    };
    const futures = [
      executor.with({ retries: 2, retryDelay }).submit(work.failBefore, 3),
      executor.submit(work.square, 3),
    ];
    expect((await rejection(futures[0] as PromiseLike<unknown>)).message).toBe("no delay");
    expect(await futures[1]).toBe(9);
  });

  test("a task cancelled during its retry delay is gone from the numbers", async () => {
    const executor = make({ maxWorkers: 1 });
    const future = executor.with({ retries: 1, retryDelay: 60_000 }).submit(work.failBefore, 3);
    await eventually("the first try has failed", () => executor.stats().retried === 1);
    expect(executor.stats().pending).toBe(1);
    expect(future.cancel()).toBe(true);
    expect(executor.stats()).toMatchObject({ pending: 0, running: 0, cancelled: 1 });
  });

  test("a cancelled or unsendable task is not tried again", async () => {
    const executor = make({ maxWorkers: 1 });
    await rejection(executor.with({ retries: 5 }).submit(work.returnFunction));
    expect(executor.stats().retried).toBe(0);
  });

  // ---- progress and context

  test("progress reaches onProgress and every reader of future.progress, in order", async () => {
    const executor = make({ maxWorkers: 1 });
    const heard: unknown[] = [];
    const future = executor
      .with({ onProgress: (value) => heard.push(value) })
      .submit(work.report, 20);
    const expected = Array.from({ length: 20 }, (_, i) => ({ i }));
    const [one, other] = await Promise.all([collect(future.progress), collect(future.progress)]);
    expect(one).toEqual(expected);
    expect(other).toEqual(expected);
    expect(await future).toBe(20);
    expect(heard).toEqual(expected);
    expect(await collect(future.progress)).toEqual(expected);
  });

  test("a map reports progress through onProgress", async () => {
    const executor = make({ maxWorkers: 1 });
    const heard: unknown[] = [];
    await collect(
      executor.with({ onProgress: (value) => heard.push(value) }).map(work.report, [2, 1]),
    );
    expect(heard).toEqual([{ i: 0 }, { i: 1 }, { i: 0 }]);
  });

  test("the context is a copy of what was given, and undefined otherwise", async () => {
    const executor = make({ maxWorkers: 1 });
    const context = { user: "ada", roles: new Set(["admin"]) };
    const seen = await executor.with({ context }).submit(work.context);
    expect(seen).toMatchObject({ attempt: 1, aborted: false });
    expect(seen.context).toEqual(context);
    expect(seen.worker).toMatchObject({ kind, id: 1 });
    expect(seen.worker.name).toMatch(/-1$/);
    expect((await executor.submit(work.context)).context).toBeUndefined();
  });

  test("a trace travels with a task, when both sides trace", async () => {
    const executor = make({ maxWorkers: 1, initializer: traced.installTracing });
    const uninstall = traced.installTracing();
    try {
      const header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const [inside, mapped] = await runTraced(header, () =>
        Promise.all([
          executor.submit(traced.activeTrace),
          collect(executor.map(traced.traceOf, [1])),
        ]),
      );
      expect(inside).toBe(header);
      expect(mapped).toEqual([header]);
      expect(await executor.submit(traced.activeTrace)).toBeUndefined();
    } finally {
      uninstall();
    }
  });
}
