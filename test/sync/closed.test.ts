import { describe, expect, test } from "vitest";
import {
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RLock,
  RWLock,
  Semaphore,
  waitAll,
  waitAny,
  WaitableTimer,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection, thrown } from "../process/work.ts";

useNamespace("closed");

const CLOSED = "ERR_MANYCORE_INVALID_STATE";

describe.each([Lock, RLock])("A closed handle of a %o", (Class) => {
  test("cannot take what others have open", async () => {
    const closed = new Class({ name: `closed-${Class.name}` });
    closed.close();
    using open = new Class({ name: `closed-${Class.name}` });
    for (const use of [
      () => closed.tryAcquire(),
      () => closed.acquireSync(),
      () => closed.holdSync(),
      () => closed.locked,
      () => closed.abandoned,
      () => closed.release(),
    ]) {
      expect(thrown(use).code).toBe(CLOSED);
    }
    for (const use of [
      () => closed.acquire(),
      () => closed.hold(),
      () => closed.run(() => undefined),
    ]) {
      expect((await rejection(use())).code).toBe(CLOSED);
    }
    expect(open.locked).toBe(false);
  });

  test("keeps what its wait takes until that is released", async () => {
    const name = `waiting-${Class.name}`;
    using open = new Class({ name });
    const first = await open.hold();
    const waiting = new Class({ name });
    const held = waiting.hold();
    waiting.close();
    first.release();
    const guard = await held;
    expect(guard.abandoned).toBe(false);
    expect(open.locked).toBe(true);
    guard.release();
    expect(open.locked).toBe(false);
  });
});

/** A handle that waits, and what the other one does to end the wait. */
const WAITS: Readonly<
  Record<
    string,
    (name: string) => {
      wait: () => Promise<unknown>;
      end: () => unknown;
      handles: [Disposable, Disposable];
    }
  >
> = {
  Semaphore: (name) => {
    const [here, there] = [new Semaphore(0, { name }), new Semaphore(0, { name })];
    return { wait: () => here.acquire(), end: () => there.release(), handles: [here, there] };
  },
  BoundedSemaphore: (name) => {
    const [here, there] = [new BoundedSemaphore(1, { name }), new BoundedSemaphore(1, { name })];
    there.acquireSync();
    return { wait: () => here.acquire(), end: () => there.release(), handles: [here, there] };
  },
  Lock: (name) => {
    const [here, there] = [new Lock({ name }), new Lock({ name })];
    there.acquireSync();
    return { wait: () => here.acquire(), end: () => there.release(), handles: [here, there] };
  },
  "Lock in waitAny": (name) => {
    const [here, there] = [new Lock({ name }), new Lock({ name })];
    there.acquireSync();
    return { wait: () => waitAny([here]), end: () => there.release(), handles: [here, there] };
  },
  "Semaphore in waitAll": (name) => {
    const [here, there] = [new Semaphore(0, { name }), new Semaphore(0, { name })];
    return { wait: () => waitAll([here]), end: () => there.release(), handles: [here, there] };
  },
  "Event, manual": (name) => {
    const [here, there] = [new Event({ name }), new Event({ name })];
    return { wait: () => here.wait(), end: () => there.set(), handles: [here, there] };
  },
  "Event, automatic": (name) => {
    const options = { name, reset: "auto" } as const;
    const [here, there] = [new Event(options), new Event(options)];
    return { wait: () => here.wait(), end: () => there.set(), handles: [here, there] };
  },
  "Event, pulsed": (name) => {
    const options = { name, reset: "auto" } as const;
    const [here, there] = [new Event(options), new Event(options)];
    return { wait: () => here.wait(), end: () => there.pulse(), handles: [here, there] };
  },
  WaitableTimer: (name) => {
    const [here, there] = [new WaitableTimer({ name }), new WaitableTimer({ name })];
    return { wait: () => here.wait(), end: () => there.set(0), handles: [here, there] };
  },
  "Condition.waitFor": (name) => {
    const lock = new Lock();
    const [here, there] = [new Condition(lock, { name }), new Condition(lock, { name })];
    let count = 0;
    const step = () =>
      there.run(() => {
        count++;
        there.notify();
      });
    return {
      wait: () => here.run(() => here.waitFor(() => count === 2)),
      end: async () => {
        await step();
        await step();
      },
      handles: [here, there],
    };
  },
};

describe("A wait through a handle that is closed meanwhile", () => {
  test.each(Object.keys(WAITS))("goes on: %s", async (what) => {
    const { wait, end, handles } = WAITS[what]!(`closed-while ${what}`);
    using _there = handles[1];
    const waiting = wait();
    // It has begun, and is looked at again and again.
    using bystander = new Event();
    await bystander.wait({ timeout: 1 });
    handles[0][Symbol.dispose]();
    // Others of this thread are served.
    using other = new Semaphore(0);
    const served = other.acquire();
    other.release();
    expect(await served).toBe(true);
    await bystander.wait({ timeout: 250 });
    await end();
    expect(await waiting).toBeTruthy();
  });
});

describe.each([Semaphore, BoundedSemaphore])("A guard of a %o that was closed", (Class) => {
  test("gives its permit back", async () => {
    const name = `guard-${Class.name}`;
    using open = new Class(1, { name });
    const closed = new Class(1, { name });
    const guard = await closed.hold();
    closed.close();
    expect(open.tryAcquire()).toBe(false);
    guard.release();
    expect(open.tryAcquire()).toBe(true);
    open.release();
  });

  test("gives it back also when it was closed while it waited, or ran", async () => {
    const name = `waited-${Class.name}`;
    using open = new Class(1, { name });
    const closed = new Class(1, { name });
    const first = open.holdSync();
    const held = closed.run(() => "done");
    closed.close();
    first.release();
    expect(await held).toBe("done");
    expect(open.tryAcquire()).toBe(true);
    open.release();
  });

  test("keeps what it names until then", async () => {
    const closed = new Class(1, { name: `kept-${Class.name}` });
    const guard = closed.holdSync();
    closed.close();
    // A new one of that name is the same, as long as the guard lasts.
    const again = new Class(1, { name: `kept-${Class.name}` });
    expect(again.value).toBe(0);
    again.close();
    guard.release();
    using fresh = new Class(3, { name: `kept-${Class.name}` });
    expect(fresh.value).toBe(3);
  });
});

test("A closed RWLock can be neither read nor written", async () => {
  const closed = new RWLock({ name: "closed-rw" });
  closed.close();
  using open = new RWLock({ name: "closed-rw" });
  for (const use of [
    () => closed.tryRead(),
    () => closed.tryWrite(),
    () => closed.readSync(),
    () => closed.writeSync(),
    () => closed.writing,
    () => closed.readers,
  ]) {
    expect(thrown(use).code).toBe(CLOSED);
  }
  expect((await rejection(closed.read())).code).toBe(CLOSED);
  expect((await rejection(closed.write())).code).toBe(CLOSED);
  expect(open.writing).toBe(false);
});

test("A name with half of a surrogate pair is refused", () => {
  for (const name of ["\ud800", "a\udc00", "\ud801b"]) {
    expect(thrown(() => new Lock({ name })).message).toContain("surrogate");
  }
  using lock = new Lock({ name: "\ufeff\ufffd😀" });
  expect(lock.name).toBe("\ufeff\ufffd😀");
});
