import {
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RLock,
  Semaphore,
  waitAll,
  waitAny,
} from "manycore";
import { describe, expect, test } from "vitest";
import { thrown } from "../helpers/failures.ts";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("closed-release");

const CLOSED = "ERR_MANYCORE_INVALID_STATE";

function isRefused(call: () => unknown): void {
  expect(thrown(call).code).toBe(CLOSED);
}

describe.each([Lock, RLock])("A %o that is closed while it is held", (Class) => {
  test("stays held until the closed handle releases it, once", () => {
    const name = `held-${Class.name}`;
    using open = new Class({ name });
    const closed = new Class({ name });
    closed.acquireSync();
    closed.close();
    expect(open.locked).toBe(true);
    isRefused(() => closed.locked);
    isRefused(() => closed.tryAcquire());
    closed.release();
    expect(open.locked).toBe(false);
    isRefused(() => closed.release());
  });

  test("keeps its name until it is released, and frees it then", () => {
    const name = `name-${Class.name}`;
    const closed = new Class({ name });
    closed.acquireSync();
    closed.close();
    using other = new Class({ name });
    expect(other.locked).toBe(true);
    closed.release();
    other.close();
    using fresh = new Event({ name });
    expect(fresh.isSet).toBe(false);
  });

  test("does not release what another handle took afterwards", () => {
    const name = `another-${Class.name}`;
    using open = new Class({ name });
    const closed = new Class({ name });
    closed.acquireSync();
    closed.close();
    open.release();
    open.acquireSync();
    isRefused(() => closed.release());
    expect(open.locked).toBe(true);
    open.release();
  });

  test("releases what a wait took that had begun: by itself, as any, as all", async () => {
    const name = `late-${Class.name}`;
    using open = new Class({ name });
    for (const begin of [
      (lock: Lock | RLock) => lock.acquire(),
      (lock: Lock | RLock) => waitAny([lock]),
      (lock: Lock | RLock) => waitAll([lock]),
    ]) {
      const guard = await open.hold();
      const closed = new Class({ name });
      const taken = begin(closed);
      closed.close();
      guard.release();
      await taken;
      expect(open.locked).toBe(true);
      closed.release();
      expect(open.locked).toBe(false);
      isRefused(() => closed.release());
    }
  });
});

test("A closed RLock is released as often as it was taken", () => {
  using open = new RLock({ name: "depth" });
  const closed = new RLock({ name: "depth" });
  closed.acquireSync();
  closed.acquireSync();
  closed.close();
  closed.release();
  expect(open.locked).toBe(true);
  closed.release();
  expect(open.locked).toBe(false);
  isRefused(() => closed.release());
});

describe("A closed BoundedSemaphore", () => {
  test("gives back the permits its thread had, and no more", () => {
    using open = new BoundedSemaphore(3, { name: "bounded" });
    const closed = new BoundedSemaphore(3, { name: "bounded" });
    closed.acquireSync();
    closed.acquireSync();
    closed.close();
    open.acquireSync();
    isRefused(() => closed.release(3));
    expect(open.value).toBe(0);
    closed.release(2);
    expect(open.value).toBe(2);
    isRefused(() => closed.release());
    expect(open.value).toBe(2);
    open.release();
  });

  test("stays while its thread has a permit, and ends with it", () => {
    const closed = new BoundedSemaphore(2, { name: "alone" });
    closed.acquireSync();
    closed.close();
    using open = new BoundedSemaphore(5, { name: "alone" });
    expect([open.value, open.max]).toEqual([1, 2]);
    open.close();
    closed.release();
    using fresh = new BoundedSemaphore(5, { name: "alone" });
    expect([fresh.value, fresh.max]).toEqual([5, 5]);
  });

  test("gives back what a wait took that had begun", async () => {
    using open = new BoundedSemaphore(1, { name: "late" });
    open.acquireSync();
    const closed = new BoundedSemaphore(1, { name: "late" });
    const taken = closed.acquire();
    closed.close();
    open.release();
    expect(await taken).toBe(true);
    expect(open.value).toBe(0);
    closed.release();
    expect(open.value).toBe(1);
  });
});

test("The permits of a closed Semaphore belong to nobody: its guard releases, the handle does not", async () => {
  using open = new Semaphore(2, { name: "counted" });
  const closed = new Semaphore(2, { name: "counted" });
  const guard = await closed.hold();
  closed.acquireSync();
  closed.close();
  isRefused(() => closed.release());
  guard.release();
  expect(open.value).toBe(1);
});

describe("A closed Condition", () => {
  test("still releases its lock", () => {
    using lock = new Lock();
    const closed = new Condition(lock);
    closed.acquireSync();
    closed.close();
    isRefused(() => closed.notify());
    closed.release();
    expect(lock.locked).toBe(false);
    isRefused(() => closed.release());
  });

  test("ends a wait that had begun with the lock held, and its lock may be closed too", async () => {
    using openLock = new Lock({ name: "condition.lock" });
    using open = new Condition(openLock, { name: "condition" });
    const lock = new Lock({ name: "condition.lock" });
    const closed = new Condition(lock, { name: "condition" });
    await closed.acquire();
    const waiting = closed.wait();
    closed.close();
    lock.close();
    await open.run(() => open.notify());
    expect(await waiting).toBe(true);
    expect(openLock.locked).toBe(true);
    closed.release();
    expect(openLock.locked).toBe(false);
    isRefused(() => lock.release());
  });
});
