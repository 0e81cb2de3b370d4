import { describe, expect, test } from "vitest";
import {
  BoundedSemaphore,
  Event,
  Future,
  Lock,
  Process,
  RLock,
  Semaphore,
  Thread,
  waitAll,
  waitAllSync,
  waitAny,
  waitAnySync,
  WaitableTimer,
  type SyncWaitable,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endPeers, Peer } from "../helpers/peer.ts";
import { eventually } from "../helpers/processes.ts";

useNamespace("wait-any");
endPeers();

const NO_SLICES = { MANYCORE_SLICE_MS: "600000" };
const MEETINGS = new URL("../fixtures/sync/meetings.mjs", import.meta.url).href;

let made = 0;
const newName = (): string => `any ${++made}`;

/** Everything that can be waited for, able to be had or not. */
function objects(isFree: boolean): Record<string, SyncWaitable> {
  const lock = new Lock();
  const rlock = new RLock();
  const semaphore = new Semaphore(isFree ? 1 : 0);
  const bounded = new BoundedSemaphore(1);
  const manual = new Event({ signaled: isFree });
  const auto = new Event({ reset: "auto", signaled: isFree });
  const timer = new WaitableTimer({ reset: "auto" });
  if (isFree) timer.set(0);
  else bounded.tryAcquire();
  return { lock, rlock, semaphore, bounded, manual, auto, timer };
}

describe("waitAny", () => {
  test("takes the first that can be had, and nothing of the others", async () => {
    for (const [kind, object] of Object.entries(objects(true))) {
      const closed = new Event();
      const other = new Event({ reset: "auto", signaled: true });
      expect([kind, await waitAny([closed, object, other])]).toEqual([
        kind,
        { index: 1, abandoned: false },
      ]);
      expect(other.isSet).toBe(true);
      const isForMany = kind === "manual" || kind === "rlock";
      const again = waitAnySync([closed, object], { timeout: 0 });
      expect([kind, again]).toEqual([kind, isForMany ? { index: 1, abandoned: false } : undefined]);
    }
  });

  test("waits until one can be had", async () => {
    const lock = new Lock();
    const event = new Event({ reset: "auto" });
    const semaphore = new Semaphore(0);
    const timer = new WaitableTimer();
    lock.acquireSync();
    const ends: [() => void, number][] = [
      [() => lock.release(), 0],
      [() => event.set(), 1],
      [() => semaphore.release(), 2],
      [() => timer.set(5), 3],
    ];
    for (const [end, index] of ends) {
      const waiting = waitAny([lock, event, semaphore, timer]);
      end();
      expect(await waiting).toEqual({ index, abandoned: false });
    }
    expect(lock.locked).toBe(true);
    expect(event.isSet).toBe(false);
    expect(semaphore.value).toBe(0);
  });

  test("gives undefined when the time is up, and leaves no trace", async () => {
    const lock = new Lock();
    const event = new Event();
    lock.acquireSync();
    expect(await waitAny([lock, event], { timeout: 10 })).toBeUndefined();
    expect(waitAnySync([lock, event], { timeout: 10 })).toBeUndefined();
    expect(await waitAny([lock, event], { timeout: 0 })).toBeUndefined();
    lock.release();
    expect(lock.tryAcquire()).toBe(true);
    await expect(waitAny([event], { timeout: NaN })).rejects.toThrow(RangeError);
  });

  test("rejects with the reason of a signal, and leaves no trace", async () => {
    const lock = new Lock();
    lock.acquireSync();
    const gone = new AbortController();
    const waiting = waitAny([new Event(), lock], { signal: gone.signal });
    gone.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    lock.release();
    expect(lock.locked).toBe(false);
    await expect(waitAny([lock], { signal: gone.signal })).rejects.toBe("enough");
    expect(lock.locked).toBe(false);
  });

  test("says that the holder of a lock died", async () => {
    for (const isSync of [true, false]) {
      const name = newName();
      const lock = new Lock({ name });
      const holder = await Peer.process();
      await holder.run(({ Lock: Own }, state, own: string) => {
        state.lock = new Own({ name: own });
        state.lock.acquireSync();
      }, name);
      expect(waitAnySync([new Event(), lock], { timeout: 0 })).toBeUndefined();
      const waiting = isSync ? undefined : waitAny([new Event(), lock]);
      await holder.kill();
      const found = isSync ? waitAnySync([new Event(), lock]) : await waiting;
      expect(found).toEqual({ index: 1, abandoned: true });
      expect(lock.abandoned).toBe(true);
      lock.release();
      expect(await waitAny([lock])).toEqual({ index: 0, abandoned: false });
    }
  });

  test("counts the ends of processes, threads, Futures and promises", async () => {
    const event = new Event();
    const { giveBack } = (await import(MEETINGS)) as Record<string, (value: unknown) => unknown>;
    const child = await new Process({ target: giveBack!, args: [1] }).start();
    expect(await waitAny([event, child])).toEqual({ index: 1, abandoned: false });
    expect(child.exitCode).toBe(0);
    expect(await waitAny([event, child], { timeout: 0 })).toEqual({ index: 1, abandoned: false });
    const thread = await new Thread({ target: giveBack!, args: [1] }).start();
    expect(await waitAny([event, thread])).toEqual({ index: 1, abandoned: false });
    const future = new Future<number>();
    const waiting = waitAny([event, future]);
    future.setException(new Error("bad"));
    expect(await waiting).toEqual({ index: 1, abandoned: false });
    expect(await waitAny([event, Promise.resolve()])).toEqual({ index: 1, abandoned: false });
    expect(await waitAny([event, new Promise(() => {})], { timeout: 5 })).toBeUndefined();
    expect(() => waitAnySync([child as unknown as Lock])).toThrow(/use waitAny\(\)/);
  });

  test("takes an RLock once more for the code that holds it", async () => {
    const lock = new RLock();
    await lock.run(async () => {
      expect(await waitAny([lock])).toEqual({ index: 0, abandoned: false });
      expect(await waitAll([lock, new Lock()])).toBe(true);
      lock.release();
      lock.release();
      expect(lock.locked).toBe(true);
    });
    expect(lock.locked).toBe(false);
    expect(waitAnySync([lock])).toEqual({ index: 0, abandoned: false });
    expect(waitAnySync([lock])).toEqual({ index: 0, abandoned: false });
    lock.release();
    lock.release();
    expect(lock.locked).toBe(false);
  });

  test("refuses what cannot be waited for", async () => {
    await expect(waitAny([])).rejects.toThrow(/at least one object/);
    await expect(waitAny([3 as unknown as Lock])).rejects.toThrow(/Expected `objects\[0\]` to be/);
    await expect(waitAny([null as unknown as Lock])).rejects.toThrow(TypeError);
    const closed = new Lock();
    closed.close();
    await expect(waitAny([closed])).rejects.toThrow(/was closed/);
  });

  test("passes on what it was rung for and did not take, without a slice to help", async () => {
    const names = [newName(), newName()];
    const peers = await Promise.all([
      Peer.process(NO_SLICES),
      Peer.process(NO_SLICES),
      Peer.thread(NO_SLICES),
    ]);
    const counts = await Promise.all(
      peers.map((peer, own) =>
        peer.run(
          async ({ Lock: Own, waitAny: any, waitAnySync: anySync }, _, given) => {
            const locks = given.names.map((name: string) => new Own({ name }));
            const held: Lock[] = [];
            for (let i = 0; i < 400; i++) {
              // Some want either of them, some only one: who wakes for the wrong one must wake another.
              const wanted = i % 3 === 0 ? [locks[(i + given.own) % 2]!] : locks;
              const found = i % 2 === 0 ? anySync(wanted) : await any(wanted);
              const lock = wanted[found!.index]!;
              held.push(lock);
              if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
              lock.release();
            }
            return held.length;
          },
          { names, own },
        ),
      ),
    );
    expect(counts).toEqual([400, 400, 400]);
  });
});

describe("waitAll", () => {
  test("takes all of them", async () => {
    const all = objects(true);
    expect(await waitAll(Object.values(all))).toBe(true);
    for (const [kind, object] of Object.entries(all)) {
      const isForMany = kind === "manual" || kind === "rlock";
      const isFree = (await waitAny([object], { timeout: 0 })) !== undefined;
      expect([kind, isFree]).toEqual([kind, isForMany]);
    }
  });

  test("takes none while one is missing, whichever it is", async () => {
    const kinds = Object.keys(objects(true));
    for (const kind of kinds) {
      const missing = objects(false)[kind]!;
      let letGo = (): void => {};
      if (missing instanceof Lock || missing instanceof RLock) {
        void missing.run(() => new Promise<void>((resolve) => (letGo = resolve)));
      }
      const free = objects(true);
      const list = [missing, ...Object.values(free)];
      expect([kind, await waitAll(list.toReversed(), { timeout: 5 })]).toEqual([kind, false]);
      expect([kind, waitAllSync(list, { timeout: 5 })]).toEqual([kind, false]);
      letGo();
      // Nothing is missing of the others.
      expect([kind, waitAllSync(Object.values(free), { timeout: 0 })]).toEqual([kind, true]);
    }
  });

  test("holds nothing while it waits", async () => {
    const [a, b] = [new Lock(), new Lock()];
    a.acquireSync();
    const waiting = waitAll([b, a]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(b.tryAcquire()).toBe(true);
    a.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(a.locked).toBe(false);
    b.release();
    expect(await waiting).toBe(true);
    expect([a.locked, b.locked]).toEqual([true, true]);
  });

  test("rejects with the reason of a signal, and holds nothing then", async () => {
    const [a, b] = [new Lock(), new Lock()];
    b.acquireSync();
    const gone = new AbortController();
    const waiting = waitAll([a, b], { signal: gone.signal });
    gone.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    expect(a.locked).toBe(false);
    await expect(waitAll([a], { signal: gone.signal })).rejects.toBe("enough");
    expect(a.locked).toBe(false);
  });

  test("waits for the ends of processes and promises too", async () => {
    const lock = new Lock();
    let finish = (): void => {};
    const promise = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const waiting = waitAll([promise, lock]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(lock.locked).toBe(false);
    finish();
    expect(await waiting).toBe(true);
    expect(lock.locked).toBe(true);
  });

  test("refuses an object that is listed twice", async () => {
    const name = newName();
    const lock = new Lock({ name });
    const list = [lock, new Lock(), new Lock({ name })];
    await expect(waitAll(list)).rejects.toThrow(/number 0 and number 2/);
    expect(() => waitAllSync(list)).toThrow(TypeError);
    expect(lock.locked).toBe(false);
  });

  test("lets each lock go by itself, as far as the search for deadlocks goes", async () => {
    const [a, b, c] = [new Lock(), new Lock(), new RLock()];
    const first = (async () => {
      await waitAll([a, b, c]);
      a.release();
      expect(await c.acquire({ timeout: 5 })).toBe(true);
      await eventually("the other waits", () => a.locked);
      try {
        await a.acquire();
      } finally {
        // Whichever of the two is told, the other one goes on.
        b.release();
      }
    })();
    const second = a.run(() => b.acquire());
    const outcomes = await Promise.allSettled([first, second]);
    const failed = outcomes.filter((each) => each.status === "rejected");
    expect(failed.map((each) => (each.reason as { code: string }).code)).toEqual([
      "ERR_MANYCORE_DEADLOCK",
    ]);
  });

  test("lets philosophers eat, whatever order they reach for the forks in", async () => {
    const names = [newName(), newName(), newName()];
    const meals = 200;
    const philosophers = await Promise.all([
      Peer.process(NO_SLICES),
      Peer.process(NO_SLICES),
      Peer.thread(NO_SLICES),
    ]);
    const eaten = await Promise.all(
      philosophers.map((philosopher, own) =>
        philosopher.run(
          async ({ Lock: Own, waitAll: all, waitAllSync: allSync }, _, given) => {
            const left = new Own({ name: given.names[given.own]! });
            const right = new Own({ name: given.names[(given.own + 1) % 3]! });
            let count = 0;
            for (; count < given.meals; count++) {
              if (count % 2 === 0) allSync([left, right]);
              else await all([left, right]);
              if (count % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
              right.release();
              left.release();
            }
            return count;
          },
          { names, meals, own },
        ),
      ),
    );
    expect(eaten).toEqual([meals, meals, meals]);
  });
});
