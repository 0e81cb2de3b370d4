import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, Semaphore, Thread } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, holdUntil, tryTimes } from "../fixtures/sync/primitives.mjs";

useNamespace("semaphore");
endingRemotes();

describe("Semaphore", () => {
  test("with two permits two acquire, and two releases restore them (100)", async () => {
    const semaphore = new Semaphore(2);
    expect(semaphore.value).toBe(2);
    expect(await semaphore.acquire()).toBe(true);
    expect(semaphore.acquireSync()).toBe(true);
    expect(semaphore.tryAcquire()).toBe(false);
    expect(inspect(semaphore)).toBe("Semaphore { value: 0 }");
    semaphore.release();
    semaphore.release();
    expect(semaphore.value).toBe(2);
  });

  test("may be released above its first value (101)", () => {
    const semaphore = new Semaphore(2);
    semaphore.release();
    semaphore.release();
    expect(semaphore.value).toBe(4);
    expect(new Semaphore().value).toBe(1);
  });

  test("without permits a bounded wait ends with false (103)", async () => {
    const semaphore = new Semaphore(0);
    expect(semaphore.tryAcquire()).toBe(false);
    expect(semaphore.acquireSync({ timeout: 0 })).toBe(false);
    expect(await semaphore.acquire({ timeout: -5 })).toBe(false);
    const begun = performance.now();
    expect(await semaphore.acquire({ timeout: 40 })).toBe(false);
    expect(semaphore.acquireSync({ timeout: 40 })).toBe(false);
    expect(performance.now() - begun).toBeGreaterThan(75);
  });

  test.each([-1, 1.5, NaN, 2 ** 31, "2"])("a first value of %s is an error (104)", (value) => {
    expect(thrown(() => new Semaphore(value as number)).message).toContain("Expected `value`");
  });

  test("takes every number up to 2,147,483,647 and none beyond", () => {
    const semaphore = new Semaphore(2 ** 31 - 1);
    expect(semaphore.value).toBe(2 ** 31 - 1);
    expect(thrown(() => semaphore.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(semaphore.tryAcquire()).toBe(true);
    expect(semaphore.value).toBe(2 ** 31 - 2);
    semaphore.release();
    for (const count of [0, -1, 0.5, NaN]) {
      expect(thrown(() => semaphore.release(count))).toBeInstanceOf(RangeError);
    }
  });

  test("with a maximum a release beyond it is an error and adds nothing", () => {
    const semaphore = new Semaphore(1, { max: 2 });
    expect(thrown(() => semaphore.release(2)).code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(semaphore.value).toBe(1);
    semaphore.release();
    expect(semaphore.value).toBe(2);
    expect(thrown(() => new Semaphore(3, { max: 2 }))).toBeInstanceOf(RangeError);
  });

  test("release(n) lets n of those that wait through (106)", async () => {
    const semaphore = new Semaphore(0);
    let through = 0;
    const waiting = Array.from({ length: 6 }, () => semaphore.acquire().then(() => through++));
    semaphore.release(4);
    await Promise.all(waiting.slice(0, 4));
    expect(through).toBe(4);
    expect(semaphore.value).toBe(0);
    semaphore.release(2);
    await Promise.all(waiting);
    expect(semaphore.value).toBe(0);
  });

  test("release(n) lets n processes through that sleep", async () => {
    using semaphore = new Semaphore(0, { name: "processes" });
    const remotes = await Promise.all([Remote.start(), Remote.start(), Remote.start()]);
    for (const remote of remotes) await remote.make("s", "Semaphore", 0, { name: "processes" });
    const waits = remotes.map((remote) => remote.start<boolean>("s", "acquireSync"));
    await untilWaiting("processes", 3);
    semaphore.release(3);
    expect(await Promise.all(waits.map((wait) => wait.value))).toEqual([true, true, true]);
    expect(semaphore.value).toBe(0);
  });

  test("a permit is taken by a thread and given back by another", async () => {
    const semaphore = new Semaphore(1);
    await new Thread({ target: call, args: [semaphore, "acquire"] }).start().then((t) => t.join());
    expect(semaphore.value).toBe(0);
    const waiting = semaphore.acquire();
    await new Thread({ target: call, args: [semaphore, "release"] }).start().then((t) => t.join());
    expect(await waiting).toBe(true);
  });

  test("five threads that try twice for three permits get three (107)", async () => {
    const semaphore = new Semaphore(4);
    semaphore.acquireSync();
    const threads = await Promise.all(
      Array.from({ length: 5 }, () =>
        new Thread({ target: tryTimes, args: [semaphore, 2] }).start(),
      ),
    );
    const counts = await Promise.all(threads.map((thread) => thread.result));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(semaphore.value).toBe(0);
  });

  test("the waits of a thread are served in order", async () => {
    const semaphore = new Semaphore(0);
    const order: number[] = [];
    const waits = [0, 1, 2].map((i) => semaphore.acquire().then(() => order.push(i)));
    for (let i = 0; i < 3; i++) {
      semaphore.release();
      await waits[i];
    }
    expect(order).toEqual([0, 1, 2]);
  });

  test("waits that end without a permit pass on what came for them", async () => {
    const semaphore = new Semaphore(0);
    const gone = new AbortController();
    const aborted = semaphore.acquire({ signal: gone.signal });
    const patient = semaphore.acquire();
    gone.abort(new Error("changed my mind"));
    semaphore.release();
    expect((await rejection(aborted)).message).toBe("changed my mind");
    expect(await patient).toBe(true);
    expect(semaphore.value).toBe(0);
    const signal = AbortSignal.abort(new Error("never"));
    semaphore.release();
    expect((await rejection(semaphore.acquire({ signal }))).message).toBe("never");
    expect(semaphore.value).toBe(1);
  });

  test("guards and run give back, whatever happens", async () => {
    const semaphore = new Semaphore(1);
    {
      using guard = await semaphore.hold();
      expect(guard.released).toBe(false);
      expect((await rejection(semaphore.hold({ timeout: 5 }))).code).toBe("ERR_MANYCORE_TIMEOUT");
      expect(thrown(() => semaphore.holdSync({ timeout: 5 })).code).toBe("ERR_MANYCORE_TIMEOUT");
    }
    expect((await rejection(semaphore.run(() => Promise.reject(new Error("x"))))).message).toBe(
      "x",
    );
    expect(await semaphore.run(() => semaphore.value)).toBe(0);
    semaphore.holdSync().release();
    expect(semaphore.value).toBe(1);
  });

  test("a sleeper that is killed is passed over", async () => {
    using semaphore = new Semaphore(0, { name: "passed over" });
    const remotes = await Promise.all([Remote.start(), Remote.start()]);
    for (const remote of remotes) await remote.make("s", "Semaphore", 0, { name: "passed over" });
    const [first, second] = remotes.map((remote) => remote.start<boolean>("s", "acquireSync"));
    await untilWaiting("passed over", 2);
    await remotes[0].kill();
    await expect(first!.value).rejects.toThrow("ended");
    semaphore.release();
    expect(await second!.value).toBe(true);
    expect(semaphore.value).toBe(0);
  });

  test("the permit of a holder that is killed is lost", async () => {
    using semaphore = new Semaphore(1, { name: "lost" });
    const remote = await Remote.start();
    await remote.make("s", "Semaphore", 1, { name: "lost" });
    await remote.call("s", "acquire");
    await remote.kill();
    expect(await semaphore.acquire({ timeout: 250 })).toBe(false);
    semaphore.release();
    expect(semaphore.value).toBe(1);
  });

  test("a name in use opens the same semaphore; another kind is an error", () => {
    using first = new Semaphore(3, { name: "same" });
    using second = new Semaphore(7, { name: "same" });
    first.acquireSync();
    expect(second.value).toBe(2);
    const error = thrown(() => new Event({ name: "same" }));
    expect(error.code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(error.message).toContain("is a Semaphore here");
    const closed = new Semaphore();
    closed.close();
    expect(inspect(closed)).toBe("Semaphore { closed }");
    expect(thrown(() => closed.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("three threads share two permits", async () => {
    const semaphore = new Semaphore(2);
    const free = new Event();
    const helds = [new Event(), new Event(), new Event()];
    const threads = await Promise.all(
      helds.map((held) => new Thread({ target: holdUntil, args: [semaphore, held, free] }).start()),
    );
    await Promise.race([
      Promise.all([helds[0]!.wait(), helds[1]!.wait()]),
      Promise.all([helds[0]!.wait(), helds[2]!.wait()]),
      Promise.all([helds[1]!.wait(), helds[2]!.wait()]),
    ]);
    expect(semaphore.value).toBe(0);
    expect(helds.filter((held) => held.isSet)).toHaveLength(2);
    free.set();
    await Promise.all(threads.map((thread) => thread.join()));
    expect(semaphore.value).toBe(2);
    // The waits that lost the race go on otherwise.
    for (const held of helds) expect(held.isSet).toBe(true);
  });
});
