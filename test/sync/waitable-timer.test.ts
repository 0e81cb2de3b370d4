import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, Semaphore, Thread, WaitableTimer } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, countTicks } from "../fixtures/sync/primitives.mjs";

useNamespace("timer");
endingRemotes();

describe("WaitableTimer", () => {
  test("lets all through once it is due, until it is set again", async () => {
    const timer = new WaitableTimer();
    expect(timer.reset).toBe("manual");
    expect(timer.isDue).toBe(false);
    expect(inspect(timer)).toBe("WaitableTimer { not set }");
    expect(await timer.wait({ timeout: 5 })).toBe(false);
    const begun = performance.now();
    timer.set(50);
    expect(inspect(timer)).toMatch(/^WaitableTimer \{ due in 0\.[01] s \}$/);
    expect(await Promise.all([timer.wait(), timer.wait()])).toEqual([true, true]);
    expect(performance.now() - begun).toBeGreaterThan(49);
    expect(timer.waitSync()).toBe(true);
    expect(inspect(timer)).toBe("WaitableTimer { due }");
    timer.set(60_000);
    expect(timer.isDue).toBe(false);
    expect(timer.waitSync({ timeout: 5 })).toBe(false);
    const sync = performance.now();
    timer.set(40);
    expect(timer.waitSync()).toBe(true);
    expect(performance.now() - sync).toBeGreaterThan(39);
  });

  test("a bounded wait ends before it is due", async () => {
    const timer = new WaitableTimer();
    timer.set(60_000);
    expect(await timer.wait({ timeout: 20 })).toBe(false);
    expect(timer.waitSync({ timeout: 20 })).toBe(false);
    const gone = new AbortController();
    const aborted = timer.wait({ signal: gone.signal });
    gone.abort(new Error("changed my mind"));
    expect((await rejection(aborted)).message).toBe("changed my mind");
  });

  test("what is set wakes those that sleep: earlier, later, never", async () => {
    using timer = new WaitableTimer({ name: "reset" });
    const remote = await Remote.start();
    await remote.make("t", "WaitableTimer", { name: "reset" });
    timer.set(600_000);
    const sync = remote.start<boolean>("t", "waitSync");
    const task = timer.wait();
    await untilWaiting("reset", 2);
    timer.set(0);
    expect(await Promise.all([sync.value, task])).toEqual([true, true]);
    timer.set(600_000);
    timer.cancel();
    expect(inspect(timer)).toBe("WaitableTimer { not set }");
    const again = remote.start<boolean>("t", "wait");
    await untilWaiting("reset", 1);
    timer.set(20);
    expect(await again.value).toBe(true);
  });

  test("goes on when the one who set it is killed", async () => {
    using timer = new WaitableTimer({ name: "orphan" });
    const remote = await Remote.start();
    await remote.make("t", "WaitableTimer", { name: "orphan" });
    await remote.call("t", "set", 100);
    await remote.kill();
    expect(await timer.wait()).toBe(true);
  });

  test("with automatic reset each time is used once", async () => {
    const timer = new WaitableTimer({ reset: "auto" });
    timer.set(20);
    const waits = [timer.wait({ timeout: 400 }), timer.wait({ timeout: 400 })];
    expect((await Promise.all(waits)).filter((isDue) => isDue)).toEqual([true]);
    expect(timer.isDue).toBe(false);
    timer.set(0);
    expect(timer.isDue).toBe(true);
    expect(timer.waitSync()).toBe(true);
    expect(await timer.wait({ timeout: 0 })).toBe(false);
    expect(inspect(timer)).toBe("WaitableTimer { not set }");
  });

  test("with a period it falls due again and again, and does not drift", async () => {
    const timer = new WaitableTimer({ reset: "auto" });
    const begun = performance.now();
    timer.set(10, { period: 25 });
    for (let i = 0; i < 4; i++) {
      expect(i % 2 === 0 ? await timer.wait() : timer.waitSync()).toBe(true);
    }
    expect(performance.now() - begun).toBeGreaterThan(10 + 3 * 25 - 1);
    timer.cancel();
    await timer.wait({ timeout: 0 });
    expect(await timer.wait({ timeout: 60 })).toBe(false);
  });

  test("times that nobody came for do not add up", async () => {
    const timer = new WaitableTimer({ reset: "auto" });
    timer.set(0, { period: 1000 });
    expect(timer.waitSync()).toBe(true);
    expect(await timer.wait({ timeout: 0 })).toBe(false);
    timer.set(0, { period: 5 });
    const pause = new WaitableTimer();
    pause.set(40);
    await pause.wait();
    timer.cancel();
    expect(await timer.wait({ timeout: 0 })).toBe(true);
    expect(await timer.wait({ timeout: 0 })).toBe(false);
  });

  test("cancel leaves a time for which nobody has come", () => {
    for (const reset of ["manual", "auto"] as const) {
      const timer = new WaitableTimer({ reset });
      timer.set(0, { period: 60_000 });
      timer.cancel();
      expect(timer.isDue).toBe(true);
      expect(timer.waitSync()).toBe(true);
      expect(timer.isDue).toBe(reset === "manual");
    }
  });

  test("among several threads each time is used by one", async () => {
    const timer = new WaitableTimer({ reset: "auto" });
    const stop = new Event();
    const ticked = new Semaphore(0);
    const threads = await Promise.all(
      [0, 1, 2].map(() => new Thread({ target: countTicks, args: [timer, stop, ticked] }).start()),
    );
    const begun = performance.now();
    timer.set(0, { period: 10 });
    for (let i = 0; i < 20; i++) await ticked.acquire();
    stop.set();
    const counts = await Promise.all(threads.map((thread) => thread.result));
    const most = Math.floor((performance.now() - begun) / 10) + 1;
    const sum = counts.reduce((total, count) => total + count, 0);
    expect(sum).toBeGreaterThanOrEqual(20);
    expect(sum).toBeLessThanOrEqual(most);
    await Promise.all(threads.map((thread) => thread.join()));
  });

  test("travels, and a name must be opened with the same reset", async () => {
    using timer = new WaitableTimer({ name: "auto", reset: "auto" });
    const thread = await new Thread({ target: call, args: [timer, "set", 10] }).start();
    expect(await timer.wait()).toBe(true);
    await thread.join();
    expect(thrown(() => new WaitableTimer({ name: "auto" })).message).toContain(
      '{ reset: "auto" }',
    );
    expect(thrown(() => new WaitableTimer({ reset: "never" as "auto" }))).toBeInstanceOf(
      RangeError,
    );
    expect(new WaitableTimer({ name: "auto", reset: "auto" }).reset).toBe("auto");
  });

  test.each([NaN, Infinity, "5"])("%s is no time", (time) => {
    const timer = new WaitableTimer();
    expect(thrown(() => timer.set(time as number)).message).toContain("Expected `dueMs`");
    const wrong = { period: time as number };
    expect(thrown(() => timer.set(1, wrong)).message).toContain("Expected `period`");
    timer.close();
    expect(inspect(timer)).toBe("WaitableTimer { closed }");
    expect(thrown(() => timer.set(1)).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });
});
