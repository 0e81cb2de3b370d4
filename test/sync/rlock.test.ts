import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, RLock, Thread } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, holdFor } from "../fixtures/sync/primitives.mjs";

useNamespace("rlock");
endingRemotes();

describe("RLock", () => {
  test("is free when it was released as often as it was taken (88)", () => {
    const lock = new RLock();
    for (let i = 0; i < 3; i++) expect(lock.acquireSync()).toBe(true);
    expect(inspect(lock)).toBe("RLock { this thread, 3 times }");
    for (let i = 0; i < 3; i++) {
      expect(lock.locked).toBe(true);
      lock.release();
    }
    expect(lock.locked).toBe(false);
    expect(inspect(lock)).toBe("RLock { nobody }");
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("released without being held is an error, and changes nothing (97)", () => {
    const lock = new RLock();
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
    lock.acquireSync();
    lock.release();
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(lock.tryAcquire()).toBe(true);
    lock.release();
  });

  test("is seen as held by another thread and by another process (98)", async () => {
    using lock = new RLock({ name: "seen" });
    lock.acquireSync();
    lock.acquireSync();
    const thread = new Thread({ target: call, args: [lock, "tryAcquire"] });
    await thread.start();
    expect(await thread.result).toBe(false);
    const remote = await Remote.start();
    await remote.make("lock", "RLock", { name: "seen" });
    expect(await remote.get("lock", "locked")).toBe(true);
    const waiting = remote.start<boolean>("lock", "acquireSync");
    await untilWaiting("seen", 1);
    lock.release();
    lock.release();
    expect(await waiting.value).toBe(true);
    expect(inspect(lock)).toMatch(/^RLock \{ remote\.mjs \(pid \d+\) \}$/);
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("is taken again by the task that holds it, and by what it calls and starts", async () => {
    const lock = new RLock();
    const depths: string[] = [];
    await lock.run(async () => {
      await lock.run(async () => {
        await Promise.resolve();
        expect(await lock.acquire()).toBe(true);
        depths.push(inspect(lock));
        lock.release();
      });
      using guard = lock.holdSync();
      depths.push(inspect(lock));
      expect(guard.abandoned).toBe(false);
      await Promise.all([lock.run(() => {}), lock.run(() => {})]);
    });
    expect(depths).toEqual(["RLock { this thread, 3 times }", "RLock { this thread, 2 times }"]);
    expect(lock.locked).toBe(false);
  });

  test("after `await acquire()` the task holds it", async () => {
    const lock = new RLock();
    await (async () => {
      await lock.acquire();
      expect(await lock.acquire({ timeout: 0 })).toBe(true);
      expect(lock.tryAcquire()).toBe(true);
      for (let i = 0; i < 3; i++) lock.release();
    })();
    expect(lock.locked).toBe(false);
  });

  test("other tasks of the thread wait", async () => {
    const lock = new RLock();
    const order: string[] = [];
    const task = (name: string): Promise<void> =>
      lock.run(async () => {
        order.push(`${name} in`);
        await new Promise(setImmediate);
        await lock.run(() => void order.push(`${name} again`));
        order.push(`${name} out`);
      });
    await Promise.all([task("a"), task("b")]);
    expect(order).toEqual(["a in", "a again", "a out", "b in", "b again", "b out"]);
  });

  test("two acquires side by side are two tasks", async () => {
    const lock = new RLock();
    const first = lock.acquire();
    const second = lock.acquire({ timeout: 20 });
    expect(await first).toBe(true);
    expect(await second).toBe(false);
    lock.release();
    expect(lock.locked).toBe(false);
  });

  test("a synchronous call of another task of the thread fails at once instead of hanging", async () => {
    const lock = new RLock();
    const inside = new Event();
    const leave = new Event();
    const outside = new Promise<void>((resolve, reject) => {
      void inside.wait().then(() => {
        expect(thrown(() => lock.acquireSync()).code).toBe("ERR_MANYCORE_DEADLOCK");
        expect(lock.tryAcquire()).toBe(false);
        leave.set();
        resolve();
      }, reject);
    });
    await Promise.all([
      outside,
      lock.run(async () => {
        inside.set();
        await leave.wait();
      }),
    ]);
    expect(lock.locked).toBe(false);
  });

  test("what a task starts keeps it after the task has let go", async () => {
    const lock = new RLock();
    const go = new Event();
    let inner: Promise<string> | undefined;
    await lock.run(async () => {
      inner = lock.run(async () => {
        await go.wait();
        return inspect(lock);
      });
    });
    expect(lock.locked).toBe(true);
    go.set();
    expect(await inner).toBe("RLock { this thread }");
    expect(lock.locked).toBe(false);
  });

  test("waits that end without it leave it as it was", async () => {
    const lock = new RLock();
    const held = new Event();
    const thread = await new Thread({ target: holdFor, args: [lock, "acquireSync", held] }).start();
    await held.wait();
    expect(await lock.acquire({ timeout: 20 })).toBe(false);
    expect(lock.acquireSync({ timeout: 20 })).toBe(false);
    const gone = new AbortController();
    const aborted = lock.acquire({ signal: gone.signal });
    gone.abort(new Error("changed my mind"));
    expect((await rejection(aborted)).message).toBe("changed my mind");
    expect((await rejection(lock.hold({ timeout: 1 }))).code).toBe("ERR_MANYCORE_TIMEOUT");
    expect((await rejection(lock.run(() => {}, { timeout: 1 }))).code).toBe("ERR_MANYCORE_TIMEOUT");
    thread.terminate();
    await thread.join();
    expect(await lock.acquire()).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
  });

  test("a signal that is aborted rejects also where the lock would be taken again", async () => {
    const lock = new RLock();
    const signal = AbortSignal.abort(new Error("never"));
    lock.acquireSync();
    expect(thrown(() => lock.acquireSync({ signal })).message).toBe("never");
    expect((await rejection(lock.acquire({ signal }))).message).toBe("never");
    lock.release();
    expect(lock.locked).toBe(false);
  });

  test("a holder that is killed deep inside passes it on as abandoned, once", async () => {
    using lock = new RLock({ name: "deep" });
    using strict = new RLock({ name: "deep", onAbandoned: "throw" });
    const remote = await Remote.start();
    await remote.make("lock", "RLock", { name: "deep" });
    for (let i = 0; i < 3; i++) await remote.call("lock", "acquireSync");
    expect(inspect(lock)).toMatch(/3 times/);
    const waiting = strict.acquire();
    await remote.kill();
    expect((await rejection(waiting)).code).toBe("ERR_MANYCORE_ABANDONED");
    expect(lock.abandoned).toBe(true);
    expect(inspect(lock)).toBe("RLock { this thread }");
    lock.release();
    expect(lock.locked).toBe(false);
    expect(await strict.acquire()).toBe(true);
    expect(lock.abandoned).toBe(false);
    lock.release();
  });

  test("a guard outlives the handle it was taken through", () => {
    const lock = new RLock({ name: "outlives" });
    const guards = [lock.holdSync(), lock.holdSync()];
    lock.close();
    using other = new RLock({ name: "outlives" });
    for (const guard of guards) {
      expect(other.locked).toBe(true);
      guard.release();
    }
    expect(other.locked).toBe(false);
  });

  test("closed, it says so", () => {
    const lock = new RLock();
    lock.close();
    expect(inspect(lock)).toBe("RLock { closed }");
    expect(thrown(() => lock.locked).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });
});
