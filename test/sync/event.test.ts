import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, Process, Semaphore, Thread } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, waitTwice } from "../fixtures/sync/primitives.mjs";

useNamespace("event");
endingRemotes();

const remotes = (count: number, name: string, options: object = {}): Promise<Remote[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const remote = await Remote.start();
      await remote.make("e", "Event", { name, ...options });
      return remote;
    }),
  );

describe("Event", () => {
  test("is clear at first, lets through once it is set, and can be cleared (121)", async () => {
    const event = new Event();
    expect(event.isSet).toBe(false);
    expect(event.reset).toBe("manual");
    expect(await event.wait({ timeout: 0 })).toBe(false);
    const begun = performance.now();
    expect(await event.wait({ timeout: 40 })).toBe(false);
    expect(event.waitSync({ timeout: 40 })).toBe(false);
    expect(performance.now() - begun).toBeGreaterThan(75);
    event.set();
    expect(event.isSet).toBe(true);
    expect(await event.wait()).toBe(true);
    expect(event.waitSync()).toBe(true);
    expect(inspect(event)).toBe("Event { set, manual reset }");
    event.clear();
    expect(event.isSet).toBe(false);
    expect(await event.wait({ timeout: 0 })).toBe(false);
    expect(inspect(event)).toBe("Event { clear, manual reset }");
  });

  test.each([
    ["thread", Thread],
    ["process", Process],
  ] as const)("a set from a child %s wakes (121)", async (_, Kind) => {
    const event = new Event();
    const child = new Kind({ target: call, args: [event, "set"] });
    await child.start();
    expect(await event.wait()).toBe(true);
    await child.join();
  });

  test("five that wait are let through by one set, and stay through (122)", async () => {
    const event = new Event();
    const entered = new Semaphore(0);
    const threads = await Promise.all(
      [0, 1, 2].map(() => new Thread({ target: waitTwice, args: [event, entered] }).start()),
    );
    const tasks = [waitTwice(event, entered), waitTwice(event, entered)];
    for (let i = 0; i < 5; i++) await entered.acquire();
    event.set();
    const results = [...threads.map((thread) => thread.result), ...tasks];
    expect(await Promise.all(results)).toEqual(results.map(() => [true, true]));
    await Promise.all(threads.map((thread) => thread.join()));
  });

  test("set and clear may be repeated (124)", async () => {
    const event = new Event({ signaled: true });
    expect(event.isSet).toBe(true);
    event.set();
    event.set();
    expect(event.isSet).toBe(true);
    event.clear();
    event.clear();
    expect(event.isSet).toBe(false);
  });

  test("all who wait are let through by a set that is cleared at once", async () => {
    using event = new Event({ name: "set and clear" });
    const others = await remotes(2, "set and clear");
    for (let round = 0; round < 5; round++) {
      const waits = [
        others[0]!.start<boolean>("e", "waitSync"),
        others[1]!.start<boolean>("e", "wait"),
      ];
      const task = event.wait();
      await untilWaiting("set and clear", 3);
      event.set();
      event.clear();
      expect(await Promise.all([task, ...waits.map((wait) => wait.value)])).toEqual([
        true,
        true,
        true,
      ]);
    }
    expect(event.isSet).toBe(false);
  });

  test("pulse lets those through that wait, and leaves it clear", async () => {
    using event = new Event({ name: "pulse" });
    const [other] = await remotes(1, "pulse");
    event.pulse();
    expect(await event.wait({ timeout: 0 })).toBe(false);
    const sync = other!.start<boolean>("e", "waitSync");
    const task = event.wait();
    await untilWaiting("pulse", 2);
    event.pulse();
    expect(await Promise.all([sync.value, task])).toEqual([true, true]);
    event.set();
    event.pulse();
    expect(event.isSet).toBe(false);
  });

  test("waits that end leave nothing behind", async () => {
    const event = new Event();
    const gone = new AbortController();
    const aborted = event.wait({ signal: gone.signal });
    const patient = event.wait();
    gone.abort(new Error("changed my mind"));
    expect((await rejection(aborted)).message).toBe("changed my mind");
    event.set();
    expect(await patient).toBe(true);
    const signal = AbortSignal.abort(new Error("never"));
    expect((await rejection(event.wait({ signal }))).message).toBe("never");
  });

  test("a name in use must be opened with the same reset", () => {
    using manual = new Event({ name: "manual" });
    using auto = new Event({ name: "auto", reset: "auto", signaled: true });
    using again = new Event({ name: "auto", reset: "auto" });
    expect(again.isSet).toBe(true);
    expect(again.reset).toBe("auto");
    expect(manual.reset).toBe("manual");
    const error = thrown(() => new Event({ name: "manual", reset: "auto" }));
    expect(error.code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(error.message).toContain('{ reset: "manual" }');
    expect(thrown(() => new Event({ name: "auto" })).message).toContain('{ reset: "auto" }');
    expect(thrown(() => new Event({ reset: "never" as "auto" }))).toBeInstanceOf(RangeError);
    expect(auto.isSet).toBe(true);
  });

  test("closed, it says so", () => {
    const event = new Event();
    event.close();
    expect(inspect(event)).toBe("Event { closed }");
    expect(thrown(() => event.set()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });
});

describe("Event with automatic reset", () => {
  test("each set lets one through; setting it twice is once", async () => {
    const event = new Event({ reset: "auto" });
    event.set();
    event.set();
    expect(inspect(event)).toBe("Event { set, auto reset }");
    expect(event.waitSync()).toBe(true);
    expect(event.isSet).toBe(false);
    expect(await event.wait({ timeout: 0 })).toBe(false);
    let through = 0;
    const waits = [0, 1, 2].map(() => event.wait().then(() => ++through));
    for (let i = 0; i < 3; i++) {
      event.set();
      await waits[i];
      expect(through).toBe(i + 1);
      expect(event.isSet).toBe(false);
    }
  });

  test("each set lets one of several processes through", async () => {
    using event = new Event({ name: "each", reset: "auto" });
    const others = await remotes(3, "each", { reset: "auto" });
    const waits = others.map((other) => other.start<boolean>("e", "waitSync"));
    const through = new Set<number>();
    waits.forEach((wait, i) => void wait.value.then(() => through.add(i)));
    for (let left = 3; left > 0; left--) {
      await untilWaiting("each", left);
      event.set();
    }
    await Promise.all(waits.map((wait) => wait.value));
    expect(through.size).toBe(3);
    expect(event.isSet).toBe(false);
  });

  test("a set for one that is killed is left for another", async () => {
    using event = new Event({ name: "left", reset: "auto" });
    const others = await remotes(2, "left", { reset: "auto" });
    const waits = others.map((other) => other.start<boolean>("e", "waitSync"));
    await untilWaiting("left", 2);
    others[0]!.stop();
    event.set();
    await others[0]!.kill();
    expect(await waits[1]!.value).toBe(true);
    expect(event.isSet).toBe(false);
  });

  test("pulse lets exactly one through, and nobody who comes later", async () => {
    using event = new Event({ name: "pulse one", reset: "auto" });
    event.pulse();
    expect(await event.wait({ timeout: 0 })).toBe(false);
    const others = await remotes(2, "pulse one", { reset: "auto" });
    const waits = others.map((other) => other.start<boolean>("e", "waitSync", { timeout: 60_000 }));
    await untilWaiting("pulse one", 2);
    event.pulse();
    const first = await Promise.race(waits.map((wait, i) => wait.value.then(() => i)));
    await untilWaiting("pulse one", 1);
    expect(event.isSet).toBe(false);
    expect(await event.wait({ timeout: 0 })).toBe(false);
    event.pulse();
    expect(await waits[1 - first]!.value).toBe(true);
  });

  test("a pulse is for the task that has waited longest, not for one that comes after it", async () => {
    const event = new Event({ reset: "auto" });
    const order: string[] = [];
    const old = event.wait().then(() => order.push("old"));
    event.pulse();
    const late = event.wait({ timeout: 150 }).then((isSet) => order.push(`late ${isSet}`));
    await Promise.all([old, late]);
    expect(order).toEqual(["old", "late false"]);
  });

  test("a pulse for a wait that has just ended goes to another", async () => {
    const event = new Event({ reset: "auto" });
    const gone = new AbortController();
    const first = event.wait({ signal: gone.signal });
    const second = event.wait();
    event.pulse();
    gone.abort(new Error("changed my mind"));
    // The first one may have been let through on its way out; then another pulse is for the second.
    const isFirst = await first.catch(() => false);
    if (isFirst) event.pulse();
    expect(await second).toBe(true);
  });

  test("a pulse after a set that nobody has used yet lets two through", async () => {
    using event = new Event({ name: "two", reset: "auto" });
    const others = await remotes(2, "two", { reset: "auto" });
    const waits = others.map((other) => other.start<boolean>("e", "waitSync", { timeout: 60_000 }));
    await untilWaiting("two", 2);
    for (const other of others) other.stop();
    event.set();
    event.pulse();
    for (const other of others) other.resume();
    expect(await Promise.all(waits.map((wait) => wait.value))).toEqual([true, true]);
    expect(event.isSet).toBe(false);
  });
});
