import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Manager, Process } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection } from "../connection/kit.ts";
import { BOUND, work } from "./kit.ts";

useNamespace("manager-sync");
const STATE = { code: "ERR_MANYCORE_INVALID_STATE" };
let manager: Manager;
beforeAll(async () => {
  manager = await Manager.start();
});
afterAll(() => manager.shutdown());

/** Waits until a call that was sent before is being served: calls of one client arrive in order. */
const served = (): Promise<number> => manager.objectCount();

describe("a lock of a manager", () => {
  test("excludes, in the order of the calls", async () => {
    const lock = await manager.lock();
    expect([await lock.acquire(), await lock.locked(), await lock.tryAcquire()]).toEqual([
      true,
      true,
      false,
    ]);
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (n) => {
      await lock.acquire(BOUND);
      order.push(n);
      await lock.release();
    });
    await served();
    await lock.release();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
    expect(await rejection(lock.release())).toMatchObject(STATE);
  });

  test("taken in a child that exits can be released here, once", async () => {
    const lock = await manager.lock();
    const child = await new Process({ target: work.acquire, args: [lock] }).start();
    expect(await child.result).toBe(true);
    await child.join();
    expect(await lock.locked()).toBe(true);
    await lock.release();
    expect(await rejection(lock.release())).toMatchObject(STATE);
  });

  test("is given to nobody who was killed while it waited", async () => {
    const [lock, there] = [await manager.lock(), await manager.queue<number>()];
    await lock.acquire();
    const child = await new Process({
      target: work.waitFor,
      args: [lock, "acquire", there],
    }).start();
    await there.get(BOUND);
    child.kill();
    await child.join();
    await lock.release();
    expect(await lock.acquire(BOUND)).toBe(true);
    await lock.release();
  });

  test("gives up after a timeout and when aborted, and those behind come next", async () => {
    const lock = await manager.lock();
    await lock.acquire();
    expect(await lock.acquire({ timeout: 1 })).toBe(false);
    const [gone, reason] = [new AbortController(), new Error("enough")];
    const first = rejection(lock.acquire({ signal: gone.signal }));
    const second = lock.acquire(BOUND);
    await served();
    gone.abort(reason);
    expect(await first).toBe(reason);
    await lock.release();
    expect(await second).toBe(true);
    expect(await rejection(lock.run(() => 0, { timeout: 1 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    await lock.release();
    expect(await lock.run(async () => lock.locked())).toBe(true);
    expect(await lock.locked()).toBe(false);
  });
});

describe("an rlock of a manager", () => {
  test("may be taken again by its holder, a thread or a flow", async () => {
    const lock = await manager.rlock();
    expect([await lock.acquire(), await lock.acquire()]).toEqual([true, true]);
    await lock.release();
    const child = await new Process({ target: work.acquire, args: [lock] }).start();
    await served();
    expect(await lock.locked()).toBe(true);
    await lock.release();
    expect(await child.result).toBe(true);
    await child.join();
    // The child is gone, and its hold with it.
    expect(await lock.acquire(BOUND)).toBe(true);
    await lock.release();
    expect(await rejection(lock.release())).toMatchObject(STATE);
  });

  test("tells flows of run() apart", async () => {
    const lock = await manager.rlock();
    const order: string[] = [];
    await Promise.all(
      ["a", "b"].map((name) =>
        lock.run(async () => {
          order.push(name);
          await lock.run(async () => order.push(`${name}${name}`));
          order.push(name);
        }),
      ),
    );
    expect(order).toEqual(["a", "aa", "a", "b", "bb", "b"]);
    await lock.run(async () => {
      expect(await lock.locked()).toBe(true);
    });
  });

  test("cannot be released by others", async () => {
    const lock = await manager.rlock();
    await lock.acquire();
    expect(await rejection(lock.run(async () => 1, { timeout: 0 }))).toMatchObject({
      code: "ERR_MANYCORE_TIMEOUT",
    });
    const there = await manager.queue<number>();
    const child = new Process({
      target: work.waitFor,
      args: [lock, "release", there],
      stdio: "ignore",
    });
    await child.start();
    expect(await rejection(child.result)).toMatchObject(STATE);
    await child.join();
    await lock.release();
  });
});

describe("semaphores of a manager", () => {
  test("count their permits", async () => {
    const semaphore = await manager.semaphore(2);
    expect([await semaphore.tryAcquire(), await semaphore.tryAcquire()]).toEqual([true, true]);
    expect([await semaphore.tryAcquire(), await semaphore.value()]).toEqual([false, 0]);
    const waiting = [semaphore.acquire(BOUND), semaphore.acquire(BOUND)];
    await served();
    await semaphore.release(3);
    expect(await Promise.all(waiting)).toEqual([true, true]);
    expect(await semaphore.value()).toBe(1);
    expect(await rejection(semaphore.release(0))).toBeInstanceOf(RangeError);
    expect(await rejection(manager.semaphore(-1))).toBeInstanceOf(RangeError);
  });

  test("do not exceed their bound", async () => {
    const bounded = await manager.boundedSemaphore(1);
    await bounded.acquire();
    await bounded.release();
    expect(await rejection(bounded.release())).toMatchObject(STATE);
  });
});

test("an event of a manager lets go all who wait, also when it is cleared at once", async () => {
  const event = await manager.event();
  expect([await event.isSet(), await event.wait({ timeout: 0 })]).toEqual([false, false]);
  expect(await event.wait({ timeout: 1 })).toBe(false);
  const [there2] = [await manager.queue<number>()];
  const child = await new Process({ target: work.waitFor, args: [event, "wait", there2] }).start();
  await there2.get(BOUND);
  const waiting = event.wait(BOUND);
  await Promise.all([served(), served()]);
  // The child says that it will wait before it does.
  await event.set();
  expect(await waiting).toBe(true);
  expect(await child.result).toBe(true);
  await child.join();
  const again = event.clear().then(() => event.wait(BOUND));
  await served();
  await Promise.all([event.set(), event.clear()]);
  expect(await again).toBe(true);
  expect(await event.isSet()).toBe(false);
});

describe("a condition of a manager", () => {
  test("wakes those who waited longest, across processes", async () => {
    const [condition, list] = [await manager.condition(), await manager.list<string>()];
    const children = await Promise.all(
      [1, 2, 3].map(() =>
        new Process({ target: work.useCondition, args: [condition, list] }).start(),
      ),
    );
    await condition.run(() =>
      condition.waitFor(async () => (await list.length()) === 3, { timeout: 1 }),
    );
    for (;;) {
      const all = await condition.run(async () => (await list.length()) === 3);
      if (all) break;
    }
    await condition.run(() => condition.notify());
    await condition.run(() => condition.notifyAll());
    for (const child of children) expect(await child.result).toBe(true);
    expect(await list.count("notified")).toBe(3);
    await Promise.all(children.map((child) => child.join()));
  });

  test("needs its lock, which may be one that was given", async () => {
    const lock = await manager.lock();
    const condition = await manager.condition(lock);
    expect(await rejection(condition.wait())).toMatchObject(STATE);
    expect(await rejection(condition.notify())).toMatchObject(STATE);
    await condition.acquire();
    expect(await lock.locked()).toBe(true);
    expect(await condition.wait({ timeout: 1 })).toBe(false);
    expect(await lock.locked()).toBe(true);
    await lock.release();
    expect(await rejection(manager.condition({} as never))).toBeInstanceOf(TypeError);
    const own = await manager.condition();
    expect(await rejection(own.wait())).toMatchObject(STATE);
    expect(await rejection(own.release())).toMatchObject(STATE);
  });

  test("has its lock back when a wait was given up", async () => {
    const condition = await manager.condition();
    const [gone, reason] = [new AbortController(), new Error("enough")];
    await condition.acquire();
    const waiting = rejection(condition.wait({ signal: gone.signal }));
    await served();
    gone.abort(reason);
    expect(await waiting).toBe(reason);
    await condition.release();
    expect(await condition.run(() => condition.waitFor(() => true))).toBe(true);
  });

  test("does not wake the dead", async () => {
    const [condition, list] = [await manager.condition(), await manager.list<string>()];
    const child = await new Process({ target: work.useCondition, args: [condition, list] }).start();
    while ((await list.length()) === 0) await served();
    await condition.acquire();
    const waiting = condition.wait(BOUND);
    await served();
    child.kill();
    await child.join();
    await condition.run(() => condition.notify());
    expect(await waiting).toBe(true);
    await condition.release();
  });
});

describe("a barrier of a manager", () => {
  test("lets all go when the last one has come, after its action", async () => {
    const { action } = await import("../fixtures/manager/work.mjs");
    const barrier = await manager.barrier(3, { action });
    const children = await Promise.all(
      [1, 2].map(() => new Process({ target: work.visit, args: [barrier] }).start()),
    );
    const places = [
      await barrier.wait(BOUND),
      ...(await Promise.all(children.map((child) => child.result))),
    ];
    expect(new Set(places)).toEqual(new Set([0, 1, 2]));
    await Promise.all(children.map((child) => child.join()));
    expect([await barrier.parties(), await barrier.waiting(), await barrier.broken()]).toEqual([
      3,
      0,
      false,
    ]);
  });

  const BROKEN = { code: "ERR_MANYCORE_BROKEN_BARRIER" };

  test("breaks by abort, timeout and reset, and can be used again", async () => {
    const barrier = await manager.barrier(2);
    const aborted = rejection(barrier.wait(BOUND));
    await served();
    await barrier.abort();
    expect(await aborted).toMatchObject(BROKEN);
    expect(await rejection(barrier.wait())).toMatchObject(BROKEN);
    expect(await barrier.broken()).toBe(true);
    await barrier.reset();
    expect(await rejection(barrier.wait({ timeout: 1 }))).toMatchObject(BROKEN);
    await barrier.reset();
    const reset = rejection(barrier.wait(BOUND));
    await served();
    await barrier.reset();
    expect(await reset).toMatchObject(BROKEN);
    expect(new Set(await Promise.all([barrier.wait(BOUND), barrier.wait(BOUND)]))).toEqual(
      new Set([0, 1]),
    );
    const limited = await manager.barrier(2, { timeout: 1 });
    expect(await rejection(limited.wait())).toMatchObject(BROKEN);
  });

  test("breaks when one of its parties is killed", async () => {
    const [barrier, arrived] = [await manager.barrier(3), await manager.queue<number>()];
    const child = await new Process({
      target: work.waitFor,
      args: [barrier, "wait", arrived],
    }).start();
    await arrived.get(BOUND);
    while ((await barrier.waiting()) === 0) await served();
    const waiting = rejection(barrier.wait(BOUND));
    await served();
    child.kill();
    const error = await waiting;
    expect(error).toMatchObject(BROKEN);
    expect(error.message).toContain("one of its parties died");
    await child.join();
  });
});
