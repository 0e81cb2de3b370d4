import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Event, type Guard, RWLock, Thread, WaitableTimer } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingRemotes, Remote, untilWaiting } from "../helpers/remote.ts";
import { rejection, thrown } from "../process/work.ts";
import { holdFor } from "../fixtures/sync/primitives.mjs";

useNamespace("rw-lock");
endingRemotes();

/** A reading or writing in a task of its own, until it is told to end. */
async function inTask(lock: RWLock, how: "read" | "write"): Promise<() => Promise<void>> {
  let end!: () => void;
  const told = new Promise<void>((resolve) => (end = resolve));
  let isIn!: () => void;
  const entered = new Promise<void>((resolve) => (isIn = resolve));
  const task = (async () => {
    await Promise.resolve();
    const guard = await lock[how]();
    isIn();
    await told;
    guard.release();
  })();
  await entered;
  return () => {
    end();
    return task;
  };
}

/** Starts a call in a task that is inside no other. */
const apart = <T>(call: () => Promise<T>): Promise<T> => Promise.resolve().then(call);

const remote = async (name: string): Promise<Remote> => {
  const started = await Remote.start();
  await started.make("l", "RWLock", { name });
  return started;
};

describe("RWLock", () => {
  test("many read, one writes", async () => {
    using lock = new RWLock({ name: "many" });
    const other = await remote("many");
    await other.guard("g", "l", "read").value;
    const mine = lock.readSync();
    expect(lock.readers).toBe(2);
    expect(inspect(lock)).toBe("RWLock { read by 2 }");
    expect(lock.tryWrite()).toBeUndefined();
    expect(lock.readers).toBe(2);
    mine.release();
    await other.call("g", "release");
    expect(inspect(lock)).toBe("RWLock { free }");
    const writer = lock.writeSync();
    expect(lock.writing).toBe(true);
    expect(inspect(lock)).toBe("RWLock { written by this thread }");
    expect(await other.guard("g", "l", "tryRead").value).toBeUndefined();
    expect(await other.guard("g", "l", "tryWrite").value).toBeUndefined();
    writer.release();
    expect(lock.writing).toBe(false);
    expect(await other.guard("g", "l", "tryWrite").value).toEqual({ abandoned: false });
    expect(lock.tryRead()).toBeUndefined();
    expect(inspect(lock)).toMatch(/^RWLock \{ written by remote\.mjs \(pid \d+\) \}$/);
  });

  test("a writer that waits goes in when the last reader leaves, and keeps new readers out", async () => {
    using lock = new RWLock({ name: "preference" });
    const [reader, writer, late] = await Promise.all([
      remote("preference"),
      remote("preference"),
      remote("preference"),
    ]);
    await reader.guard("g", "l", "readSync").value;
    const writing = writer.guard("g", "l", "writeSync");
    await untilWaiting("preference", 1);
    expect(lock.tryRead()).toBeUndefined();
    const reading = late.guard("g", "l", "readSync");
    const mine = lock.read();
    await untilWaiting("preference", 3);
    await reader.call("g", "release");
    await writing.value;
    expect(lock.writing).toBe(true);
    await writer.call("g", "release");
    await reading.value;
    (await mine).release();
    await late.call("g", "release");
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("tasks of one thread exclude each other", async () => {
    const lock = new RWLock();
    const seen: string[] = [];
    const write = (name: string): Promise<void> =>
      apart(async () => {
        using _ = await lock.write();
        seen.push(`${name} in`);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
      });
    const endReading = await inTask(lock, "read");
    const writes = [write("a"), write("b")];
    await new Promise(setImmediate);
    expect(seen).toEqual([]);
    await endReading();
    await Promise.all(writes);
    expect(seen).toEqual(["a in", "a out", "b in", "b out"]);
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("a reading inside a reading goes on while a writer waits", async () => {
    const lock = new RWLock();
    let writing: Promise<Guard> | undefined;
    const begin = new Event();
    const writer = begin.wait().then(() => void (writing = lock.write()));
    await apart(async () => {
      using outer = await lock.read();
      begin.set();
      await writer;
      expect(inspect(lock)).toBe("RWLock { read by 1 }");
      using inner = await lock.read();
      using sync = lock.readSync();
      expect([outer, inner, sync].map((guard) => guard.released)).toEqual([false, false, false]);
    });
    (await writing)!.release();
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("a reading inside a reading does not queue behind readers that wait for the writer", async () => {
    using lock = new RWLock({ name: "nested" });
    const [begin, queued] = [new Event(), new Event()];
    const writer = begin.wait().then(() => lock.write());
    const late = queued.wait().then(() => lock.read());
    await apart(async () => {
      using outer = await lock.read();
      begin.set();
      await untilWaiting("nested", 1);
      queued.set();
      // Long enough for the late one to have waited beyond what newcomers are let past.
      const aWhile = new WaitableTimer();
      aWhile.set(30);
      await aWhile.wait();
      using inner = await lock.read({ timeout: 10_000 });
      expect([outer.released, inner.released]).toEqual([false, false]);
    });
    (await writer).release();
    (await late).release();
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("writing inside a reading is refused", async () => {
    const lock = new RWLock();
    await apart(async () => {
      using guard = await lock.read();
      expect((await rejection(lock.write())).code).toBe("ERR_MANYCORE_DEADLOCK");
      expect(thrown(() => lock.writeSync()).code).toBe("ERR_MANYCORE_DEADLOCK");
      expect(lock.tryWrite()).toBeUndefined();
      expect(guard.released).toBe(false);
    });
    using guard = lock.readSync();
    expect(thrown(() => lock.writeSync()).message).toContain("Release the read guard first");
    guard.release();
    lock.writeSync().release();
  });

  test("reading inside a writing is a deadlock, not a hang", async () => {
    const lock = new RWLock();
    using guard = lock.writeSync();
    expect(thrown(() => lock.readSync()).code).toBe("ERR_MANYCORE_DEADLOCK");
    expect(lock.tryRead()).toBeUndefined();
    guard.release();
    await apart(async () => {
      using writing = await lock.write();
      expect((await rejection(lock.read())).code).toBe("ERR_MANYCORE_DEADLOCK");
      expect(writing.abandoned).toBe(false);
    });
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("waits that end let the others go on", async () => {
    using lock = new RWLock({ name: "ends" });
    const other = await remote("ends");
    await other.guard("g", "l", "read").value;
    const gone = new AbortController();
    const aborted = apart(() => lock.write({ signal: gone.signal }));
    const late = rejection(apart(() => lock.write({ timeout: 30 })));
    await untilWaiting("ends", 1);
    expect(lock.tryRead()).toBeUndefined();
    const reading = apart(() => lock.read());
    gone.abort(new Error("changed my mind"));
    expect((await rejection(aborted)).message).toBe("changed my mind");
    expect((await late).code).toBe("ERR_MANYCORE_TIMEOUT");
    (await reading).release();
    await other.call("g", "release");
    const writer = lock.writeSync();
    expect((await rejection(apart(() => lock.read({ timeout: 10 })))).message).toContain(
      "this thread has it",
    );
    const remoteError = await rejection(other.guard("g", "l", "writeSync", { timeout: 10 }).value);
    expect(remoteError.code).toBe("ERR_MANYCORE_TIMEOUT");
    writer.release();
    expect(inspect(lock)).toBe("RWLock { free }");
    const signal = AbortSignal.abort(new Error("never"));
    expect((await rejection(apart(() => lock.write({ signal })))).message).toBe("never");
    expect((await rejection(apart(() => lock.read({ signal })))).message).toBe("never");
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("a reader that is killed does not keep writers out", async () => {
    using lock = new RWLock({ name: "reader" });
    const [reader, writer] = await Promise.all([remote("reader"), remote("reader")]);
    await reader.guard("g", "l", "read").value;
    const sync = writer.guard("g", "l", "writeSync");
    await untilWaiting("reader", 1);
    await reader.kill();
    expect(await sync.value).toEqual({ abandoned: false });
    await writer.call("g", "release");
    const again = await remote("reader");
    await again.guard("g", "l", "read").value;
    const task = apart(() => lock.write());
    await untilWaiting("reader", 1);
    await again.kill();
    (await task).release();
    expect(inspect(lock)).toBe("RWLock { free }");
  });

  test("a thread that is terminated while it reads does not keep writers out", async () => {
    const lock = new RWLock();
    const held = new Event();
    const thread = await new Thread({ target: holdFor, args: [lock, "readSync", held] }).start();
    await held.wait();
    expect(lock.readers).toBe(1);
    const writing = apart(() => lock.write());
    thread.terminate();
    await thread.join();
    const guard = await writing;
    expect(guard.abandoned).toBe(false);
    guard.release();
  });

  test("a writer that is killed is reported until another has written", async () => {
    using lock = new RWLock({ name: "writer" });
    const [writer, reader] = await Promise.all([remote("writer"), remote("writer")]);
    await writer.guard("g", "l", "write").value;
    const waiting = reader.guard("g", "l", "readSync");
    await untilWaiting("writer", 1);
    await writer.kill();
    expect(await waiting.value).toEqual({ abandoned: true });
    const mine = lock.readSync();
    expect(mine.abandoned).toBe(true);
    mine.release();
    await reader.call("g", "release");
    const next = await apart(() => lock.write());
    expect(next.abandoned).toBe(true);
    next.release();
    using after = lock.readSync();
    expect(after.abandoned).toBe(false);
  });

  test("a thread that is terminated while it writes passes on to a writer", async () => {
    const lock = new RWLock();
    const held = new Event();
    const thread = await new Thread({ target: holdFor, args: [lock, "writeSync", held] }).start();
    await held.wait();
    const writing = apart(() => lock.write());
    thread.terminate();
    await thread.join();
    const guard = await writing;
    expect(guard.abandoned).toBe(true);
    guard.release();
    lock.readSync().release();
  });

  test("a writer that is killed while it waits for readers is no writer", async () => {
    using lock = new RWLock({ name: "waiting" });
    const writer = await remote("waiting");
    const reading = lock.readSync();
    writer.guard("g", "l", "writeSync");
    await untilWaiting("waiting", 1);
    expect(lock.writing).toBe(false);
    await writer.kill();
    const other = await remote("waiting");
    expect(await other.guard("g", "l", "readSync").value).toEqual({ abandoned: false });
    await other.call("g", "release");
    reading.release();
    using guard = lock.writeSync();
    expect(guard.abandoned).toBe(false);
  });

  test("two that write two locks in opposite order get a DeadlockError", async () => {
    using a = new RWLock({ name: "a" });
    const first = await remote("a");
    await first.make("b", "RWLock", { name: "b" });
    const second = await remote("a");
    await second.make("b", "RWLock", { name: "b" });
    await first.guard("ga", "l", "writeSync").value;
    await second.guard("gb", "b", "writeSync").value;
    const one = first.guard("gb", "b", "writeSync");
    await untilWaiting("b", 1);
    const error = await rejection(second.guard("ga", "l", "writeSync").value);
    expect(error.code).toBe("ERR_MANYCORE_DEADLOCK");
    expect(error.message).toContain('RWLock "b"');
    await second.call("gb", "release");
    expect(await one.value).toEqual({ abandoned: false });
    expect(a.writing).toBe(true);
  });

  test("a guard outlives the handle it was taken through", () => {
    const name = "outlives";
    for (const how of ["readSync", "writeSync"] as const) {
      const lock = new RWLock({ name });
      const guard = lock[how]();
      lock.close();
      using other = new RWLock({ name });
      expect(other.tryWrite()).toBeUndefined();
      guard.release();
      expect(inspect(other)).toBe("RWLock { free }");
    }
    expect(new RWLock({ name }).readers).toBe(0);
  });

  test("closed, it says so", () => {
    const lock = new RWLock();
    lock.close();
    expect(inspect(lock)).toBe("RWLock { closed }");
    expect(thrown(() => lock.readSync()).code).toBe("ERR_MANYCORE_INVALID_STATE");
    expect(thrown(() => lock.writeSync()).code).toBe("ERR_MANYCORE_INVALID_STATE");
  });
});
