import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { BoundedSemaphore, Event, Thread } from "manycore";
import { participant } from "../../dist/parking/index.js";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, holdFor } from "../fixtures/sync/primitives.mjs";

useNamespace("bounded");
endingRemotes();

/** KIND.extension */
const EXTENSION = 12;

const inThread = async (object: object, method: string, ...args: unknown[]): Promise<unknown> => {
  const thread = await new Thread({ target: call, args: [object, method, ...args] }).start();
  return thread.result;
};

describe("BoundedSemaphore", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 400])(
    "with a limit of %i exactly so many are acquired, and no more released (109)",
    async (limit) => {
      const semaphore = new BoundedSemaphore(limit);
      for (let i = 0; i < limit; i++) expect(semaphore.acquireSync()).toBe(true);
      expect(semaphore.tryAcquire()).toBe(false);
      expect(await semaphore.acquire({ timeout: 0 })).toBe(false);
      for (let i = 0; i < limit; i++) semaphore.release();
      expect(thrown(() => semaphore.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
      expect(semaphore.value).toBe(limit);
      expect(semaphore.max).toBe(limit);
    },
  );

  test("permits are given back by other threads (109)", async () => {
    const semaphore = new BoundedSemaphore(3);
    for (let i = 0; i < 3; i++) semaphore.acquireSync();
    await inThread(semaphore, "release");
    expect(semaphore.value).toBe(1);
    await inThread(semaphore, "release", 2);
    expect(semaphore.value).toBe(3);
    await expect(inThread(semaphore, "release")).rejects.toMatchObject({
      code: "ERR_MANYCORE_INVALID_STATE",
    });
  });

  test("releasing more than are taken gives none back", () => {
    const semaphore = new BoundedSemaphore(3);
    semaphore.acquireSync();
    const error = thrown(() => semaphore.release(2));
    expect(error.code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(error.message).toContain("1 of its 3 permits are taken");
    expect(semaphore.value).toBe(2);
    for (const count of [0, -1, 0.5]) {
      expect(thrown(() => semaphore.release(count))).toBeInstanceOf(RangeError);
    }
  });

  test.each([-1, 1.5, 65_537])("a limit of %s is an error", (limit) => {
    expect(thrown(() => new BoundedSemaphore(limit))).toBeInstanceOf(RangeError);
  });

  test("with a limit of 0 nobody gets one", async () => {
    const semaphore = new BoundedSemaphore(0);
    expect(semaphore.tryAcquire()).toBe(false);
    expect(await semaphore.acquire({ timeout: 5 })).toBe(false);
    expect(thrown(() => semaphore.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("release(n) lets n through", async () => {
    const semaphore = new BoundedSemaphore(3);
    for (let i = 0; i < 3; i++) semaphore.acquireSync();
    let through = 0;
    const waits = [0, 1, 2].map(() => semaphore.acquire().then(() => through++));
    semaphore.release(2);
    await Promise.all(waits.slice(0, 2));
    expect(through).toBe(2);
    semaphore.release();
    await Promise.all(waits);
    expect(semaphore.value).toBe(0);
  });

  test("the permits of a killed process come back and wake those that wait", async () => {
    using semaphore = new BoundedSemaphore(3, { name: "killed" });
    const [holder, waiter] = await Promise.all([Remote.start(), Remote.start()]);
    for (const remote of [holder, waiter]) {
      await remote.make("s", "BoundedSemaphore", 3, { name: "killed" });
    }
    for (let i = 0; i < 3; i++) await holder.call("s", "acquire");
    expect(semaphore.value).toBe(0);
    const sync = waiter.start<boolean>("s", "acquireSync");
    const task = semaphore.acquire();
    await untilWaiting("killed", 2);
    await holder.kill();
    expect(await Promise.all([sync.value, task])).toEqual([true, true]);
    expect(semaphore.value).toBe(1);
    await waiter.call("s", "release");
    semaphore.release();
    expect(semaphore.value).toBe(3);
    expect(thrown(() => semaphore.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("the permits of the dead are free without anyone having waited", async () => {
    using semaphore = new BoundedSemaphore(2, { name: "unnoticed" });
    const remote = await Remote.start();
    await remote.make("s", "BoundedSemaphore", 2, { name: "unnoticed" });
    await remote.call("s", "acquire");
    semaphore.acquireSync();
    await remote.kill();
    expect(inspect(semaphore)).toBe("BoundedSemaphore { value: 1 of 2 }");
    expect(semaphore.tryAcquire()).toBe(true);
    expect(semaphore.tryAcquire()).toBe(false);
    semaphore.release(2);
    expect(semaphore.value).toBe(2);
  });

  test("the permits of a terminated thread come back", async () => {
    const semaphore = new BoundedSemaphore(1);
    const held = new Event();
    const thread = await new Thread({
      target: holdFor,
      args: [semaphore, "acquireSync", held],
    }).start();
    await held.wait();
    expect(await semaphore.acquire({ timeout: 0 })).toBe(false);
    const waiting = semaphore.acquire();
    thread.terminate();
    await thread.join();
    expect(await waiting).toBe(true);
    semaphore.release();
  });

  test("the permits of a process that ended in good order come back", async () => {
    using semaphore = new BoundedSemaphore(1, { name: "left" });
    const remote = await Remote.start();
    await remote.make("s", "BoundedSemaphore", 1, { name: "left" });
    await remote.call("s", "acquire");
    const waiting = semaphore.acquire();
    await remote.kill("SIGTERM");
    expect(await waiting).toBe(true);
    semaphore.release();
  });

  test("guards, run, timeouts and aborts leave it as it was", async () => {
    const semaphore = new BoundedSemaphore(1);
    const gone = new AbortController();
    await semaphore.run(async () => {
      const aborted = semaphore.acquire({ signal: gone.signal });
      gone.abort(new Error("changed my mind"));
      expect((await rejection(aborted)).message).toBe("changed my mind");
      expect((await rejection(semaphore.hold({ timeout: 5 }))).code).toBe("ERR_MANYCORE_TIMEOUT");
      expect(thrown(() => semaphore.holdSync({ timeout: 5 })).message).toContain("all 1 are taken");
    });
    semaphore.holdSync().release();
    (await semaphore.hold()).release();
    expect(semaphore.value).toBe(1);
    semaphore.close();
    expect(inspect(semaphore)).toBe("BoundedSemaphore { closed }");
    expect(thrown(() => semaphore.tryAcquire()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("a large one gives its memory back when it is closed", async () => {
    const { arena } = participant();
    const cells = (): number => {
      let count = 0;
      for (let i = 0; i < arena.capacity; i++) if (arena.head(i).kind === EXTENSION) count++;
      return count;
    };
    const before = cells();
    const semaphore = new BoundedSemaphore(1000, { name: "large" });
    using same = new BoundedSemaphore(1, { name: "large" });
    expect(same.max).toBe(1000);
    for (let i = 0; i < 1000; i++) expect(same.tryAcquire()).toBe(true);
    expect(semaphore.tryAcquire()).toBe(false);
    semaphore.release(1000);
    expect(cells()).toBeGreaterThan(before);
    semaphore.close();
    expect(same.value).toBe(1000);
    same.close();
    expect(cells()).toBe(before);
  });
});
