import { setTimeout as delay } from "node:timers/promises";
import { InvalidStateError, Timer } from "manycore";
import { describe, expect, test } from "vitest";
import { eventually } from "../helpers/processes.ts";
import { fn } from "../process/work.ts";

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));
/** Longer than any test. */
const NEVER_MS = 3_600_000;

describe("Timer", () => {
  test("a Timer calls its function with its arguments, not before the interval is over", async () => {
    const begun = performance.now();
    const timer = new Timer(300, fn("echo"), ["a", { b: 1 }]);
    expect(timer.interval).toBe(300);
    await timer.start();
    expect(await timer.result).toEqual(["a", { b: 1 }]);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(299);
    expect(await timer.join()).toBe(0);
  });

  test("a Timer calls its function although its starter is blocked", async () => {
    const shared = words();
    const timer = await new Timer(50, fn("note"), [shared, 7]).start();
    expect(Atomics.wait(shared, 0, 0, 30_000)).not.toBe("timed-out");
    expect(shared[0]).toBe(7);
    expect(await timer.join()).toBe(0);
  });

  test("a Timer is alive while it waits, and ends without a call when it is cancelled", async () => {
    const shared = words();
    const timer = await new Timer(NEVER_MS, fn("note"), [shared, 7]).start();
    await eventually("it waits", () => timer.state === "blocked");
    expect(timer.isAlive).toBe(true);
    expect(timer.cancel()).toBe(true);
    expect(await timer.result).toBeUndefined();
    expect(await timer.join()).toBe(0);
    expect(shared[0]).toBe(0);
    expect(timer.cancel()).toBe(true);
  });

  test("an endless interval can be cancelled", async () => {
    const timer = await new Timer(Infinity, fn("nothing")).start();
    timer.cancel();
    expect(await timer.join()).toBe(0);
  });

  test("a Timer cancelled before its start ends at once", async () => {
    const shared = words();
    const timer = new Timer(0, fn("note"), [shared, 7]);
    expect(timer.cancel()).toBe(true);
    await timer.start();
    expect(await timer.join()).toBe(0);
    expect(shared[0]).toBe(0);
  });

  test("cancel() has no effect on a function that runs", async () => {
    const shared = words();
    const timer = await new Timer(0, fn("noteAndWait"), [shared]).start();
    Atomics.wait(shared, 0, 0, 30_000);
    expect(timer.cancel()).toBe(false);
    Atomics.store(shared, 1, 1);
    expect(await timer.result).toBe("whole");
    await timer.join();
  });

  test("of cancel() and the call exactly one happens", async () => {
    for (let round = 0; round < 10; round++) {
      const shared = words();
      const timer = await new Timer(5, fn("note"), [shared, 7]).start();
      await delay(round / 4);
      const cancelled = timer.cancel();
      await timer.join();
      expect(shared[0]).toBe(cancelled ? 0 : 7);
    }
  });

  test("a Timer is a Thread with a name, that can be ended", async () => {
    const timer = await new Timer(NEVER_MS, fn("nothing"), [], { name: "later" }).start();
    expect(timer.name).toBe("later");
    timer.terminate();
    expect(await timer.join()).toBe(-15);
  });

  test("the error that its function throws rejects the result", async () => {
    const timer = await new Timer(1, fn("fail"), ["from a timer"]).start();
    const error = await timer.result.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).stack).toContain("at fail");
    expect(await timer.join()).toBe(1);
  });

  test("a Timer can be started only once", async () => {
    const timer = await new Timer(1, fn("nothing")).start();
    await expect(timer.start()).rejects.toThrow(InvalidStateError);
    await timer.join();
  });

  test.each([
    [NaN, fn("nothing"), [], "interval"],
    ["1" as never, fn("nothing"), [], "interval"],
    [1, "nothing" as never, [], "fn"],
    [1, fn("nothing"), "a" as never, "args"],
  ] as const)("refuses %j, %s, %j", (interval, target, args, name) => {
    expect(() => new Timer(interval, target, args as never)).toThrow(`Expected \`${name}\``);
  });

  test("a function that cannot be found again is an error of the start", async () => {
    const timer = new Timer(1, () => words());
    await expect(timer.start()).rejects.toMatchObject({ code: "ERR_MANYCORE_TASK_NOT_FOUND" });
  });
});
