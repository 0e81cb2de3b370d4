import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, Lock, Thread } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { call, holdFor } from "../fixtures/sync/primitives.mjs";

useNamespace("lock");
endingRemotes();

describe("Lock", () => {
  test("is held or free, and released once (86)", async () => {
    const lock = new Lock();
    expect(await lock.acquire()).toBe(true);
    expect(lock.locked).toBe(true);
    expect(lock.tryAcquire()).toBe(false);
    expect(await lock.acquire({ timeout: 0 })).toBe(false);
    lock.release();
    expect(lock.locked).toBe(false);
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });

  test("is released only by the thread that took it", async () => {
    const lock = new Lock();
    const held = new Event();
    const thread = await new Thread({ target: holdFor, args: [lock, "acquireSync", held] }).start();
    await held.wait();
    expect(thrown(() => lock.release()).code).toBe("ERR_MANYCORE_INVALID_STATE");
    thread.terminate();
    await thread.join();
  });

  test("its text names the owner (89)", async () => {
    using lock = new Lock({ name: "text" });
    expect(inspect(lock)).toBe("Lock { nobody }");
    lock.acquireSync();
    expect(inspect(lock)).toBe("Lock { this thread }");
    const remote = await Remote.start();
    lock.release();
    await remote.make("lock", "Lock", { name: "text" });
    await remote.call("lock", "acquire");
    expect(inspect(lock)).toMatch(/^Lock \{ remote\.mjs \(pid \d+\) \}$/);
    const held = new Event();
    const other = new Lock();
    const thread = await new Thread({
      target: holdFor,
      args: [other, "acquireSync", held],
      name: "T",
    }).start();
    await held.wait();
    expect(inspect(other)).toMatch(/^Lock \{ .*\/T \(pid \d+\) \}$/);
    thread.terminate();
    await thread.join();
    lock.close();
    expect(inspect(lock)).toBe("Lock { closed }");
  });

  test("lets all who wait through, one after the other, after one release (91)", async () => {
    const lock = new Lock();
    lock.acquireSync();
    let inside = 0;
    let most = 0;
    const tasks = Array.from({ length: 5 }, () =>
      lock.run(async () => {
        most = Math.max(most, ++inside);
        await Promise.resolve();
        inside--;
      }),
    );
    lock.release();
    await Promise.all(tasks);
    expect(most).toBe(1);
    expect(lock.locked).toBe(false);
  });

  test("a bounded wait ends with false, on a free lock with true (92)", async () => {
    const lock = new Lock();
    lock.acquireSync();
    const begun = performance.now();
    expect(await lock.acquire({ timeout: 50 })).toBe(false);
    expect(performance.now() - begun).toBeGreaterThan(45);
    const sync = performance.now();
    expect(lock.acquireSync({ timeout: 50 })).toBe(false);
    expect(performance.now() - sync).toBeGreaterThan(45);
    lock.release();
    expect(await lock.acquire({ timeout: 50 })).toBe(true);
    lock.release();
  });

  test("a wait that ended without the lock leaves it as it was (94)", async () => {
    const lock = new Lock();
    lock.acquireSync();
    const gone = new AbortController();
    const aborted = lock.acquire({ signal: gone.signal });
    const timedOut = lock.acquire({ timeout: 20 });
    const patient = lock.acquire();
    gone.abort(new Error("changed my mind"));
    expect((await rejection(aborted)).message).toBe("changed my mind");
    expect(await timedOut).toBe(false);
    lock.release();
    expect(await patient).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
    expect(lock.acquireSync()).toBe(true);
    lock.release();
  });

  test("a signal that is aborted already rejects, and takes nothing", async () => {
    const lock = new Lock();
    const signal = AbortSignal.abort(new Error("never"));
    expect((await rejection(lock.acquire({ signal }))).message).toBe("never");
    expect(thrown(() => lock.acquireSync({ signal })).message).toBe("never");
    expect(lock.locked).toBe(false);
  });

  test("another acquire by its holder waits until somebody else releases (95)", async () => {
    const remote = await Remote.start();
    await remote.make("lock", "Lock", { name: "reacquire" });
    await remote.call("lock", "acquire");
    const again = remote.start<boolean>("lock", "acquire", { timeout: 60_000 });
    await again.begun;
    await untilWaiting("reacquire", 1);
    await remote.call("lock", "release");
    expect(await again.value).toBe(true);
  });

  test("waiting in a thread for what the thread holds is a deadlock at once", () => {
    const lock = new Lock({ name: "self" });
    lock.acquireSync();
    const error = thrown(() => lock.acquireSync());
    expect(error.code).toBe("ERR_MANYCORE_DEADLOCK");
    expect(error.message).toContain('Lock "self"');
    lock.release();
    lock.close();
  });

  test("a guard is released once, and a late one is a TimeoutError", async () => {
    const lock = new Lock();
    const guard = await lock.hold();
    expect((await rejection(lock.hold({ timeout: 10 }))).code).toBe("ERR_MANYCORE_TIMEOUT");
    expect(thrown(() => lock.holdSync({ timeout: 10 })).message).toContain("held by this thread");
    guard.release();
    guard.release();
    expect(lock.locked).toBe(false);
    lock.holdSync().release();
  });

  test("passes on as abandoned from a terminated thread", async () => {
    const lock = new Lock({ onAbandoned: "throw" });
    const held = new Event();
    const thread = await new Thread({ target: holdFor, args: [lock, "acquireSync", held] }).start();
    await held.wait();
    // Looked after from the start: it may fail before the thread has been joined.
    const waiting = rejection(lock.acquire());
    thread.terminate();
    await thread.join();
    expect((await waiting).code).toBe("ERR_MANYCORE_ABANDONED");
    expect(lock.abandoned).toBe(true);
    lock.release();
    expect(await lock.acquire()).toBe(true);
    lock.release();
  });

  test("passes on from a killed process to one that sleeps, which learns of it", async () => {
    using lock = new Lock({ name: "killed" });
    const [holder, waiter] = await Promise.all([Remote.start(), Remote.start()]);
    for (const remote of [holder, waiter]) await remote.make("lock", "Lock", { name: "killed" });
    await holder.call("lock", "acquire");
    const waiting = waiter.start<boolean>("lock", "acquireSync");
    await untilWaiting("killed", 1);
    await holder.kill();
    expect(await waiting.value).toBe(true);
    expect(await waiter.get("lock", "abandoned")).toBe(true);
    await waiter.call("lock", "release");
    expect(lock.tryAcquire()).toBe(true);
    expect(lock.abandoned).toBe(false);
    lock.release();
  });

  test("travels to a thread", async () => {
    const lock = new Lock();
    const thread = new Thread({ target: call, args: [lock, "tryAcquire"] });
    await thread.start();
    expect(await thread.result).toBe(true);
  });
});
