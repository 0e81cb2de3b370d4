import { inspect } from "node:util";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Condition, Lock, Process, RLock, Thread } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endPeers, Peer } from "../helpers/peer.ts";
import { eventually } from "../helpers/processes.ts";

useNamespace("condition");
endPeers();

/** Generous: rings get through at once, and tests that need no slice have none. */
const NO_SLICES = { MANYCORE_SLICE_MS: "600000" };

const WORK = new URL("../fixtures/sync/meetings.mjs", import.meta.url).href;

let made = 0;
const newName = (): string => `condition ${++made}`;

function waitingAt(condition: Condition): number {
  return Number(/(\d+) waiting/.exec(inspect(condition))?.[1]);
}

function untilWaiting(condition: Condition, count: number): Promise<unknown> {
  return eventually(`${count} wait`, () => waitingAt(condition) === count);
}

/** Starts a wait of a peer, in its event loop or not. */
function waits(peer: Peer, name: string, isSync: boolean): Promise<boolean> {
  return peer.run(
    async ({ Condition: Own }, state, ...[own, sync]: [string, boolean]) => {
      const condition = (state[own] ??= new Own(undefined, { name: own }));
      if (!sync) return condition.run(() => condition.wait()) as Promise<boolean>;
      condition.acquireSync();
      const isNotified = condition.waitSync() as boolean;
      condition.release();
      return isNotified;
    },
    name,
    isSync,
  );
}

describe("a notification", () => {
  test("wakes exactly one of a process and a thread that wait, and nothing is left", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const woken: string[] = [];
    const inProcess = waits(await Peer.process(NO_SLICES), name, true).then((isNotified) =>
      woken.push(`process ${isNotified}`),
    );
    await untilWaiting(condition, 1);
    const inThread = waits(await Peer.thread(NO_SLICES), name, true).then((isNotified) =>
      woken.push(`thread ${isNotified}`),
    );
    await untilWaiting(condition, 2);
    await condition.run(() => condition.notify());
    await inProcess;
    expect(woken).toEqual(["process true"]);
    expect(waitingAt(condition)).toBe(1);
    await condition.run(() => condition.notify());
    await inThread;
    expect(woken).toEqual(["process true", "thread true"]);
    expect(waitingAt(condition)).toBe(0);
    expect(condition.locked).toBe(false);
  });

  test("of two wakes two of six, of four the rest, and with nobody waiting it does nothing", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const woken: number[] = [];
    const started: Promise<unknown>[] = [];
    const [first, second, thread] = await Promise.all([
      Peer.process(NO_SLICES),
      Peer.process(NO_SLICES),
      Peer.thread(NO_SLICES),
    ]);
    const starts = [
      () => waits(first, name, false),
      () => waits(first, name, false),
      () => condition.run(() => condition.wait()),
      () => waits(second, name, false),
      () => condition.run(() => condition.wait()),
      () => waits(thread, name, true),
    ];
    for (const [index, start] of starts.entries()) {
      started.push(start().then(() => woken.push(index)));
      await untilWaiting(condition, index + 1);
    }
    await condition.run(() => condition.notify(2));
    await eventually("two are woken", () => woken.length === 2);
    expect(woken.toSorted((a, b) => a - b)).toEqual([0, 1]);
    expect(waitingAt(condition)).toBe(4);
    await condition.run(() => condition.notify(4));
    await Promise.all(started);
    expect(woken.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    await condition.run(() => condition.notify(3));
    expect(await condition.run(() => condition.wait({ timeout: 20 }))).toBe(false);
  });

  test("wakes in whole groups, and only once the notifier has let go of the lock", async () => {
    const condition = new Condition();
    const woken: number[] = [];
    const started = [0, 1, 2, 3, 4].map((index) =>
      condition.run(async () => {
        await condition.wait();
        woken.push(index);
      }),
    );
    await untilWaiting(condition, 5);
    await condition.run(async () => {
      condition.notify(3);
      await new Promise((resolve) => setImmediate(resolve));
      expect(woken).toEqual([]);
    });
    await Promise.all(started.slice(0, 3));
    expect(woken).toEqual([0, 1, 2]);
    await condition.run(() => condition.notify(5));
    await Promise.all(started);
    expect(woken).toEqual([0, 1, 2, 3, 4]);
    await condition.run(() => condition.notifyAll());
    expect(woken).toHaveLength(5);
  });

  test("gets through when the notifier waits itself", async () => {
    const condition = new Condition();
    const first = condition.run(() => condition.wait());
    const second = condition.run(() => {
      condition.notify();
      return condition.wait();
    });
    expect(await first).toBe(true);
    await condition.run(() => condition.notify());
    expect(await second).toBe(true);
  });

  test("reaches more waiters than one cell has room for", async () => {
    const condition = new Condition();
    const order: number[] = [];
    const started = Array.from({ length: 200 }, (_, index) =>
      condition.run(async () => {
        const isNotified = await condition.wait();
        order.push(index);
        return isNotified;
      }),
    );
    await untilWaiting(condition, 200);
    await condition.run(() => condition.notify(150));
    await Promise.all(started.slice(0, 150));
    expect(waitingAt(condition)).toBe(50);
    await condition.run(() => condition.notifyAll());
    expect(new Set(await Promise.all(started))).toEqual(new Set([true]));
    expect(order.slice(0, 150).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 150 }, (_, i) => i),
    );
    expect(waitingAt(condition)).toBe(0);
  });

  test("needs the lock, and a number", async () => {
    const condition = new Condition();
    expect(() => condition.notify()).toThrow(/Hold the lock of a condition when you call notify/);
    await expect(condition.wait()).rejects.toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    expect(() => condition.waitSync()).toThrow(/waitSync\(\)/);
    await expect(condition.waitFor(() => true)).rejects.toThrow(/waitFor\(\)/);
    expect(() => condition.waitForSync(() => true)).toThrow(/waitForSync\(\)/);
    await condition.run(() => {
      expect(() => condition.notify(-1)).toThrow(RangeError);
      expect(() => condition.notify(NaN)).toThrow(RangeError);
    });
  });
});

describe("a wait", () => {
  test("gives false after its timeout, with the lock held, and true when notified", async () => {
    const condition = new Condition();
    await condition.run(async () => {
      const begun = performance.now();
      expect(await condition.wait({ timeout: 50 })).toBe(false);
      expect(performance.now() - begun).toBeGreaterThanOrEqual(49);
      expect(condition.locked).toBe(true);
    });
    using guard = condition.holdSync();
    expect(condition.waitSync({ timeout: 5 })).toBe(false);
    expect(condition.waitSync({ timeout: 0 })).toBe(false);
    expect(condition.locked).toBe(true);
    expect(guard.released).toBe(false);
    expect(waitingAt(condition)).toBe(0);
  });

  test("with a bad timeout fails with the lock held", async () => {
    const condition = new Condition();
    await condition.run(async () => {
      await expect(condition.wait({ timeout: NaN })).rejects.toThrow(RangeError);
      expect(() => condition.waitSync({ timeout: NaN })).toThrow(RangeError);
      expect(condition.locked).toBe(true);
    });
  });

  test("that is aborted rejects with the reason, with the lock held", async () => {
    const condition = new Condition();
    const gone = new AbortController();
    const waiting = condition.run(async () => {
      const error: unknown = await condition.wait({ signal: gone.signal }).catch((e: unknown) => e);
      return [error, condition.locked];
    });
    await untilWaiting(condition, 1);
    const reason = new Error("changed my mind");
    const held = await condition.hold();
    gone.abort(reason);
    held.release();
    expect(await waiting).toEqual([reason, true]);
    expect(condition.locked).toBe(false);
    expect(waitingAt(condition)).toBe(0);
    await condition.run(async () => {
      await expect(condition.wait({ signal: gone.signal })).rejects.toBe(reason);
    });
  });

  test("counts a notification that comes while it is given up", async () => {
    const condition = new Condition();
    const gone = new AbortController();
    const aborted = condition.run(() => condition.wait({ signal: gone.signal }));
    const timed = condition.run(() => condition.wait({ timeout: 20 }));
    await untilWaiting(condition, 2);
    await condition.run(async () => {
      gone.abort(new Error("too late"));
      // The time of the other is up too, and both want the lock back.
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(waitingAt(condition)).toBe(2);
      condition.notifyAll();
    });
    expect(await aborted).toBe(true);
    expect(await timed).toBe(true);
  });

  test("goes on when its handle is closed meanwhile", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const other = new Condition(undefined, { name });
    const waiting = condition.run(async () => condition.wait());
    await untilWaiting(other, 1);
    condition.close();
    condition.close();
    expect(inspect(condition)).toBe("Condition { closed }");
    await expect(condition.wait()).rejects.toThrow(/was closed/);
    await other.run(() => other.notify());
    expect(await waiting.catch((error: Error) => error.message)).toBe(true);
    other[Symbol.dispose]();
  });

  test("for a predicate asks again after each notification, within one timeout", async () => {
    const condition = new Condition();
    let n = 0;
    const waiting = condition.run(() => condition.waitFor(() => n === 3 && "three"));
    for (n = 1; n < 3; n++) await condition.run(() => condition.notify());
    await condition.run(() => condition.notifyAll());
    expect(await waiting).toBe("three");

    const begun = performance.now();
    const late = condition.run(() => condition.waitFor(async () => n === 9, { timeout: 100 }));
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await condition.run(() => condition.notify());
    }
    expect(await late).toBe(false);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(99);
    using guard = condition.holdSync();
    expect(condition.waitForSync(() => n === 3)).toBe(true);
    expect(condition.waitForSync(() => n === 4, { timeout: 10 })).toBe(false);
    expect(guard.released).toBe(false);
  });

  test("does not hide who holds what from the search for deadlocks", async () => {
    const condition = new Condition();
    const other = new Lock();
    const holder = condition.run(() =>
      other.run(async () => {
        await condition.wait();
        return "done";
      }),
    );
    await untilWaiting(condition, 1);
    const notifier = condition.run(async () => {
      condition.notify();
      // The one notified holds it and wants our lock.
      await other.acquire();
    });
    await expect(notifier).rejects.toMatchObject({ code: "ERR_MANYCORE_DEADLOCK" });
    expect(await holder).toBe("done");
  });
});

describe("the lock of a condition", () => {
  test("is re-entrant unless another is given; a wait lets go of all of it and has it again", async () => {
    const condition = new Condition();
    const waiting = condition.run(() =>
      condition.run(async () => {
        expect(await condition.wait()).toBe(true);
        return condition.run(() => condition.locked);
      }),
    );
    await untilWaiting(condition, 1);
    expect(condition.locked).toBe(false);
    await condition.run(() => condition.notify());
    expect(await waiting).toBe(true);
    expect(condition.locked).toBe(false);

    expect(condition.tryAcquire()).toBe(true);
    expect(condition.tryAcquire()).toBe(true);
    expect(condition.waitSync({ timeout: 5 })).toBe(false);
    // The task that took it synchronously may still take it in both ways.
    expect(await condition.acquire({ timeout: 5 })).toBe(true);
    condition.release();
    condition.release();
    expect(condition.locked).toBe(true);
    condition.release();
    expect(condition.locked).toBe(false);

    const plain = new Condition(new Lock());
    expect(plain.tryAcquire()).toBe(true);
    expect(plain.tryAcquire()).toBe(false);
    plain.release();
  });

  test("may be one that was there before, and several conditions may share it", async () => {
    const lock = new Lock();
    const empty = new Condition(lock);
    const full = new Condition(lock);
    const waiting = lock.run(async () => {
      const isFull = await full.wait();
      empty.notify();
      return isFull;
    });
    await untilWaiting(full, 1);
    expect(empty.tryAcquire()).toBe(true);
    expect(full.tryAcquire()).toBe(false);
    expect(await full.acquire({ timeout: 5 })).toBe(false);
    expect(full.acquireSync({ timeout: 5 })).toBe(false);
    full.notify();
    const back = empty.wait();
    expect(await back).toBe(true);
    empty.release();
    expect(await waiting).toBe(true);
    expect(full.abandoned).toBe(false);
    expect(() => new Condition({} as Lock)).toThrow(TypeError);
  });

  test("of a named condition is the same for all", async () => {
    const name = newName();
    const lock = new Lock();
    const condition = new Condition(lock, { name });
    expect(() => new Condition(undefined, { name })).toThrow(/belongs to another lock/);
    expect(new Condition(lock, { name }).name).toBe(name);
    condition.close();
  });
});

describe("a condition without a name", () => {
  test("travels to a process and to a thread, with its lock", async () => {
    const { notifyAll, waitOnce } = (await import(WORK)) as Record<
      string,
      (value: unknown) => unknown
    >;
    const condition = new Condition(new RLock());
    const child = await new Process({ target: waitOnce!, args: [condition] }).start();
    const thread = await new Thread({ target: waitOnce!, args: [condition] }).start();
    await untilWaiting(condition, 2);
    const other = await new Process({ target: notifyAll!, args: [condition] }).start();
    expect(await child.result).toBe(true);
    expect(await thread.result).toBe(true);
    await other.join();
    await Promise.all([child.join(), thread.join()]);
  });
});

describe("death", () => {
  test("of a waiter does not cost a notification", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const killed = [await Peer.process(), await Peer.thread()];
    for (const [index, peer] of killed.entries()) {
      void waits(peer, name, index === 0).catch(() => {});
      await untilWaiting(condition, index + 1);
    }
    const waiting = condition.run(() => condition.wait());
    await untilWaiting(condition, 3);
    for (const peer of killed) await peer.kill();
    await condition.run(() => condition.notify());
    expect(await waiting).toBe(true);
    expect(waitingAt(condition)).toBe(0);
  });

  test("of the notifier leaves those it notified notified, and the others waiting", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const woken: unknown[] = [];
    const started = [0, 1].map((index) =>
      condition.run(async () => {
        const isNotified = await condition.wait();
        woken.push([index, isNotified, condition.abandoned]);
      }),
    );
    await untilWaiting(condition, 2);
    const notifier = await Peer.process();
    await notifier.run(({ Condition: Own }, state, own: string) => {
      state.condition = new Own(undefined, { name: own });
      state.condition.acquireSync();
      state.condition.notify();
    }, name);
    await notifier.kill();
    await started[0];
    expect(woken).toEqual([[0, true, true]]);
    await condition.run(() => condition.notify());
    await started[1];
    expect(woken).toEqual([
      [0, true, true],
      [1, true, false],
    ]);
  });

  test("of a waiter at any point leaves a list that works", async () => {
    for (const point of ["condition:enrolled", "condition:waiting"]) {
      const name = newName();
      const condition = new Condition(undefined, { name });
      const waiting = condition.run(() => condition.wait());
      const dying = await Peer.process({ MANYCORE_FAULT: point });
      await expect(waits(dying, name, true)).rejects.toThrow(/has ended/);
      const later = condition.run(() => condition.wait());
      await eventually("all wait", () => waitingAt(condition) >= 2 && !condition.locked);
      // One for each that lives, and none for the dead one between them.
      await condition.run(() => condition.notify(2));
      expect([point, await waiting, await later]).toEqual([point, true, true]);
      expect(waitingAt(condition)).toBe(0);
    }
  });

  test("of the notifier at any point loses none that it notified", async () => {
    for (const point of ["condition:notified", "condition:let-go"]) {
      const name = newName();
      const condition = new Condition(undefined, { name });
      const waiting = condition.run(() => condition.wait());
      const other = condition.run(() => condition.wait());
      const dying = await Peer.process({ MANYCORE_FAULT: point });
      const notifying = dying.run(({ Condition: Own }, _, own: string) => {
        const shared = new Own(undefined, { name: own });
        shared.acquireSync();
        shared.notify();
        shared.release();
      }, name);
      await expect(notifying).rejects.toThrow(/has ended/);
      expect([point, await waiting]).toEqual([point, true]);
      await condition.run(() => condition.notify());
      expect([point, await other]).toEqual([point, true]);
    }
  });

  test("of many waiters leaves room for others", async () => {
    const name = newName();
    const condition = new Condition(undefined, { name });
    const peer = await Peer.process();
    void peer.run((_, state, own: string) => {
      state.own = new _.Condition(undefined, { name: own });
      for (let i = 0; i < 40; i++) void state.own.run(() => state.own.wait());
    }, name);
    await untilWaiting(condition, 40);
    await peer.kill();
    const started = Array.from({ length: 40 }, () => condition.run(() => condition.wait()));
    await eventually("all wait", () => waitingAt(condition) >= 40 && !condition.locked);
    await condition.run(() => condition.notifyAll());
    expect(new Set(await Promise.all(started))).toEqual(new Set([true]));
  });
});

describe("many processes", () => {
  test("take turns without a slice to help them", async () => {
    const name = newName();
    const folder = mkdtempSync(join(tmpdir(), "manycore-turns-"));
    const file = join(folder, "turn");
    writeFileSync(file, "0");
    const turns = 150;
    const peers = await Promise.all([
      Peer.process(NO_SLICES),
      Peer.process(NO_SLICES),
      Peer.thread(NO_SLICES),
    ]);
    try {
      await Promise.all(
        peers.map((peer, own) =>
          peer.run(
            async ({ Condition: Own, fs }, state, options) => {
              const condition = (state.own = new Own(undefined, { name: options.name }));
              const turn = (): number => Number(fs.readFileSync(options.file, "utf8"));
              const isMine = (): boolean => turn() % 3 === options.own;
              const next = (): void => {
                fs.writeFileSync(options.file, String(turn() + 1));
                condition.notifyAll();
              };
              for (let i = 0; i < options.turns; i++) {
                if (i % 2 === 0) {
                  await condition.run(async () => {
                    await condition.waitFor(isMine);
                    next();
                  });
                } else {
                  condition.acquireSync();
                  condition.waitForSync(isMine);
                  next();
                  condition.release();
                }
              }
            },
            { name, file, turns, own },
          ),
        ),
      );
      expect(readFileSync(file, "utf8")).toBe(String(turns * 3));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
