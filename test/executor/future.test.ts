import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  asCompleted,
  CancelledError,
  Future,
  InvalidStateError,
  TimeoutError,
  wait,
} from "manycore";
import { runProgram } from "../helpers/leaks.ts";
import { collect, rejection, thrown } from "./kit.ts";

const PROGRAM = new URL("../fixtures/executor/future-program.mjs", import.meta.url);

function finished<T>(value: T): Future<T> {
  const future = new Future<T>();
  future.setResult(value);
  return future;
}

function failed(...errors: [unknown?]): Future<never> {
  const future = new Future<never>();
  future.setException(errors.length === 0 ? new RangeError("failed") : errors[0]);
  return future;
}

function cancelled(): Future<never> {
  const future = new Future<never>();
  future.cancel();
  return future;
}

describe("Future", () => {
  test("its states, from pending to one of three ends", () => {
    const future = new Future<number>();
    const seen = (): unknown[] => [future.state, future.running, future.done, future.cancelled];
    expect(seen()).toEqual(["pending", false, false, false]);
    expect(future.setRunning()).toBe(true);
    expect(seen()).toEqual(["running", true, false, false]);
    future.setResult(1);
    expect(seen()).toEqual(["finished", false, true, false]);
    expect(failed()).toMatchObject({ state: "failed", done: true, cancelled: false });
    expect(cancelled()).toMatchObject({ state: "cancelled", done: true, cancelled: true });
    expect(inspect(future)).toBe("<Future finished>");
  });

  test("awaiting it gives the result or throws the error; then, catch and finally are a promise's", async () => {
    expect(await finished(5)).toBe(5);
    const error = new RangeError("x");
    expect(await rejection(failed(error))).toBe(error);
    expect(await failed(error).catch((caught: unknown) => [caught])).toEqual([error]);
    let cleaned = 0;
    expect(await finished(1).finally(() => cleaned++)).toBe(1);
    expect(await rejection(failed(error).finally(() => cleaned++))).toBe(error);
    expect(cleaned).toBe(2);
    expect(await Promise.all([finished(1), finished(2)])).toEqual([1, 2]);
  });

  test.each([undefined, null, 0, "", false])(
    "an error that is %j is thrown all the same",
    async (value) => {
      const outcome = await failed(value).then(
        () => "value",
        (error: unknown) => ({ error }),
      );
      expect(outcome).toEqual({ error: value });
    },
  );

  test("a second outcome is refused and the first stays", async () => {
    for (const future of [finished(1), failed(), cancelled()]) {
      expect(thrown(() => future.setResult(2))).toBeInstanceOf(InvalidStateError);
      expect(thrown(() => future.setException(new Error("2")))).toBeInstanceOf(InvalidStateError);
    }
    const first = finished(1);
    thrown(() => first.setResult(2));
    expect(await first).toBe(1);
    expect(thrown(() => finished(1).setRunning())).toBeInstanceOf(InvalidStateError);
    expect(cancelled().setRunning()).toBe(false);
  });

  test("exception() gives the error, or undefined; a cancelled one throws", async () => {
    const error = new RangeError("x");
    expect(await failed(error).exception()).toBe(error);
    expect(await finished(1).exception()).toBeUndefined();
    expect(await rejection(cancelled().exception())).toBeInstanceOf(CancelledError);
  });

  test("result and exception with timeout 0: TimeoutError while it is open, the outcome when it is done", async () => {
    const open = new Future<number>();
    for (const running of [false, true]) {
      if (running) open.setRunning();
      const error = await rejection(open.result({ timeout: 0 }));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error.message).toContain("0 ms");
      expect(await rejection(open.exception({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    }
    expect(await finished(3).result({ timeout: 0 })).toBe(3);
    expect(await rejection(cancelled().result({ timeout: 0 }))).toBeInstanceOf(CancelledError);
    expect(await rejection(cancelled().exception({ timeout: 0 }))).toBeInstanceOf(CancelledError);
    open.setResult(7);
    expect(await open.result({ timeout: 0 })).toBe(7);
  });

  test("a wait that is aborted rejects with the signal's reason and leaves the Future open", async () => {
    const open = new Future<number>();
    const controller = new AbortController();
    const waiting = open.result({ signal: controller.signal });
    const reason = new Error("no time");
    controller.abort(reason);
    expect(await rejection(waiting)).toBe(reason);
    expect(open.done).toBe(false);
    expect(await rejection(open.result({ signal: controller.signal }))).toBe(reason);
  });

  test("cancel(): own pending ones yes, running ones no, unless their owner can stop them", async () => {
    const pending = new Future<number>();
    expect(pending.cancel("why")).toBe(true);
    expect((await rejection(pending)).cause).toBe("why");
    expect(pending.cancel()).toBe(true);
    const running = new Future<number>();
    running.setRunning();
    expect(running.cancel()).toBe(false);
    const asked: unknown[] = [];
    const owned = new Future<number>({ cancel: (reason) => asked.push(reason) > 0 });
    owned.setRunning();
    expect(owned.cancel("stop")).toBe(true);
    expect(asked).toEqual(["stop"]);
    const stubborn = new Future<number>({ cancel: () => false });
    expect(stubborn.cancel()).toBe(false);
    expect(stubborn.state).toBe("pending");
    expect(finished(1).cancel()).toBe(false);
  });

  test("a CancelledError set as the exception makes it cancelled", () => {
    expect(failed(new CancelledError("gone")).cancelled).toBe(true);
  });

  test("callbacks are called for result, error and cancel, once, in order, with the Future", async () => {
    const ends: ((future: Future<number>) => void)[] = [
      (future) => future.setResult(1),
      (future) => future.setException(new Error("x")),
      (future) => future.cancel(),
    ];
    for (const end of ends) {
      const future = new Future<number>();
      const calls: unknown[] = [];
      future.addDoneCallback((settled) => calls.push(1, settled));
      future.addDoneCallback((settled) => calls.push(2, settled));
      end(future);
      expect(calls).toEqual([]);
      future.addDoneCallback((settled) => calls.push("late", settled));
      await new Promise((resolve) => setImmediate(resolve));
      expect(calls).toEqual([1, future, 2, future, "late", future]);
    }
  });

  test("progress ends with the Future; late readers get the latest 256 reports", async () => {
    const future = new Future<void>();
    const early = collect(future.progress);
    for (let i = 0; i < 300; i++) future.setProgress(i);
    future.setResult();
    future.setProgress("too late");
    const all = Array.from({ length: 300 }, (_, i) => i);
    expect(await collect(future.progress)).toEqual(all.slice(-256));
    expect((await early).at(-1)).toBe(299);
    expect(await collect(finished(1).progress)).toEqual([]);
  });

  test.each([
    ["throwing-callback", "callbacks after one that throws run, and it is an uncaught exception"],
    ["unawaited", "one that failed and is not awaited is no unhandledRejection"],
    ["awaited-late", "nor is one that is awaited later"],
  ])("program %s: %s", async (name) => {
    const { stdout, stderr, code } = await runProgram(PROGRAM, [name]);
    expect({ stdout, stderr, code }).toEqual({ stdout: `${name}: ok\n`, stderr: "", code: 0 });
  });
});

describe("wait", () => {
  test("duplicates count once, and both sets are given", async () => {
    const one = finished(1);
    const { done, notDone } = await wait([one, one]);
    expect([...done]).toEqual([one]);
    expect(notDone.size).toBe(0);
  });

  test("nothing to wait for is done at once", async () => {
    expect(await wait([])).toEqual({ done: new Set(), notDone: new Set() });
  });

  test("ALL_COMPLETED waits for all, also behind one that failed or was cancelled before", async () => {
    for (const early of [failed(), cancelled(), finished(1)]) {
      const open = new Future<number>();
      let isBack = false;
      const waiting = wait<number>([early, open]).then((result) => {
        isBack = true;
        return result;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(isBack).toBe(false);
      open.setResult(1);
      expect((await waiting).done).toEqual(new Set([early, open]));
    }
  });

  test("FIRST_COMPLETED returns at the first of any end, also one that is there already", async () => {
    const open = new Future<number>();
    for (const early of [failed(), cancelled(), finished(1)]) {
      const { done, notDone } = await wait<number>([open, early], {
        returnWhen: "FIRST_COMPLETED",
      });
      expect([done, notDone]).toEqual([new Set([early]), new Set([open])]);
    }
    const other = new Future<number>();
    const waiting = wait([open, other], { returnWhen: "FIRST_COMPLETED" });
    other.cancel();
    expect((await waiting).done).toEqual(new Set([other]));
  });

  test("FIRST_EXCEPTION returns at the first failure, not at a success or a cancellation", async () => {
    const futures = Array.from({ length: 4 }, () => new Future<number>());
    const [success, abandoned, failure, open] = futures as [
      Future<number>,
      Future<number>,
      Future<number>,
      Future<number>,
    ];
    let isBack = false;
    const waiting = wait(futures, { returnWhen: "FIRST_EXCEPTION" }).then((result) => {
      isBack = true;
      return result;
    });
    success.setResult(1);
    abandoned.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isBack).toBe(false);
    failure.setException(new Error("x"));
    expect((await waiting).notDone).toEqual(new Set([open]));
    const again = await wait([open, failed()], { returnWhen: "FIRST_EXCEPTION" });
    expect(again.notDone).toEqual(new Set([open]));
    const none = await wait([finished(1), cancelled()], { returnWhen: "FIRST_EXCEPTION" });
    expect(none.notDone.size).toBe(0);
  });

  test("a timeout is no error: both sets come back", async () => {
    const [ready, open] = [finished(1), new Future<number>()];
    const { done, notDone } = await wait([ready, open], { timeout: 20 });
    expect([done, notDone]).toEqual([new Set([ready]), new Set([open])]);
    expect((await wait([ready, open], { timeout: 0 })).notDone).toEqual(new Set([open]));
  });

  test("an aborted wait rejects with the reason, a wrong returnWhen is refused", async () => {
    const signal = AbortSignal.abort(new Error("why"));
    expect(await rejection(wait([new Future()], { signal }))).toBe(signal.reason);
    const error = await rejection(wait([], { returnWhen: "SOME" as never }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain("FIRST_EXCEPTION");
  });
});

describe("asCompleted", () => {
  test("it yields the Futures: finished ones first, then as they end, each once", async () => {
    const futures = Array.from({ length: 3 }, () => new Future<number>());
    const [a, b, c] = futures as [Future<number>, Future<number>, Future<number>];
    const ready = finished(0);
    const iterator = asCompleted([a, b, ready, c, a]);
    expect((await iterator.next()).value).toBe(ready);
    const waiting = iterator.next();
    c.setException(new Error("x"));
    expect((await waiting).value).toBe(c);
    b.setResult(2);
    a.cancel();
    expect(await collect(iterator)).toEqual([b, a]);
  });

  test("an empty list ends at once", async () => {
    expect(await collect(asCompleted([]))).toEqual([]);
  });

  test("the timeout counts from the call and says how many are missing", async () => {
    const open = [new Future(), new Future()];
    const iterator = asCompleted([...open, finished(1)], { timeout: 20 });
    expect((await iterator.next()).value?.done).toBe(true);
    const error = await rejection(iterator.next());
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toContain("2 of 3");
  });

  test("several calls of next() at once each get one", async () => {
    const futures = [new Future<number>(), new Future<number>()] as const;
    const iterator = asCompleted(futures);
    const steps = [iterator.next(), iterator.next(), iterator.next()];
    futures[1].setResult(1);
    futures[0].setResult(0);
    const values = (await Promise.all(steps)).map((step) => step.value as unknown);
    expect(values).toEqual([futures[1], futures[0], undefined]);
  });

  test("return() ends it, also for a call that waits; an aborted signal rejects with its reason", async () => {
    const iterator = asCompleted([new Future()]);
    const waiting = iterator.next();
    await iterator.return?.();
    expect((await waiting).done).toBe(true);
    const controller = new AbortController();
    const aborted = asCompleted([new Future()], { signal: controller.signal }).next();
    controller.abort(new Error("why"));
    expect((await rejection(aborted)).message).toBe("why");
  });
});
