import { inspect, isDeepStrictEqual } from "node:util";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { JoinableQueue, Queue, SerializationError, SimpleQueue } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("queue");

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (error: { code?: string }) => error.code ?? error,
  );

function codeFrom(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return (error as { code?: string }).code ?? error;
  }
  return "returned";
}

const EMPTY = "ERR_MANYCORE_QUEUE_EMPTY";
const FULL = "ERR_MANYCORE_QUEUE_FULL";
const SHUT = "ERR_MANYCORE_QUEUE_SHUTDOWN";

/** What the three have in common. */
type AnyQueue = new <T>() => SimpleQueue<T>;

describe.each<[string, AnyQueue]>([
  ["Queue", Queue],
  ["JoinableQueue", JoinableQueue],
  ["SimpleQueue", SimpleQueue],
])("%s", (_, Class) => {
  test("gives items in the order in which they were put, by every form", async () => {
    using queue = new Class<number>();
    await queue.put(111);
    queue.putSync(333);
    queue.putNowait(222);
    await queue.put(444);
    expect(queue.empty).toBe(false);
    expect(await queue.get()).toBe(111);
    expect(queue.getSync()).toBe(333);
    expect(queue.getNowait()).toBe(222);
    expect(await queue.get({ timeout: 0 })).toBe(444);
    expect(queue.empty).toBe(true);
  });

  test("is empty at once without waiting, and after the time with it", async () => {
    using queue = new Class();
    expect(codeFrom(() => queue.getNowait())).toBe(EMPTY);
    expect(await codeOf(queue.get({ timeout: 0 }))).toBe(EMPTY);
    for (const wait of [
      () => codeOf(queue.get({ timeout: 200 })),
      () => codeFrom(() => queue.getSync({ timeout: 200 })),
    ]) {
      const begun = performance.now();
      expect(await wait()).toBe(EMPTY);
      expect(performance.now() - begun).toBeGreaterThan(100);
    }
  });

  test("copies what is put", async () => {
    using queue = new Class<{ n: number }>();
    const item = { n: 1 };
    const put = queue.put(item);
    item.n = 2;
    await put;
    expect(await queue.get()).toEqual({ n: 1 });
  });

  test("refuses what cannot travel, with the path, and tells a hook of it", async () => {
    const seen: unknown[] = [];
    class Watched extends Class<unknown> {
      protected override onPutError(error: SerializationError, value: unknown): void {
        seen.push(error.path, value);
      }
    }
    using queue = new Watched();
    const item = { on: { end: () => 1 } };
    await expect(queue.put(item)).rejects.toMatchObject({ path: "item.on.end" });
    expect(() => queue.putSync(item)).toThrow(SerializationError);
    expect(seen).toEqual(["item.on.end", item, "item.on.end", item]);
    expect(queue.empty).toBe(true);
  });

  test("is closed after close()", async () => {
    const queue = new Class();
    await queue.put(1);
    queue.close();
    queue.close();
    await expect(queue.put(2)).rejects.toThrow("was closed");
    await expect(queue.get()).rejects.toThrow("was closed");
    expect(() => queue.putNowait(2)).toThrow("was closed");
    expect(() => queue.getNowait()).toThrow("was closed");
    expect(() => queue.empty).toThrow("was closed");
    expect(inspect(queue)).toContain("closed");
  });

  test("can be put into from within a put", async () => {
    using queue = new Class<unknown>();
    await queue.put({
      get inner() {
        queue.putNowait("inner");
        return 1;
      },
    });
    expect(queue.getNowait()).toBe("inner");
    expect(queue.getNowait()).toEqual({ inner: 1 });
  });

  test("wakes a waiting get, each for one item, in order", async () => {
    using queue = new Class<number>();
    const first = queue.get();
    const second = queue.get();
    await turn();
    await turn();
    await queue.put(1);
    expect(await first).toBe(1);
    queue.putSync(2);
    expect(await second).toBe(2);
  });

  test("an aborted or late get takes nothing", async () => {
    using queue = new Class<number>();
    const gone = new AbortController();
    const waiting = queue.get({ signal: gone.signal });
    const late = codeOf(queue.get({ timeout: 5 }));
    const third = queue.get();
    await turn();
    await turn();
    gone.abort(new Error("changed my mind"));
    await expect(waiting).rejects.toThrow("changed my mind");
    expect(await late).toBe(EMPTY);
    await queue.put(7);
    expect(await third).toBe(7);
    await expect(queue.get({ signal: gone.signal })).rejects.toThrow("changed my mind");
    expect(() => queue.getSync({ signal: gone.signal })).toThrow("changed my mind");
    await expect(queue.put(1, { signal: gone.signal })).rejects.toThrow("changed my mind");
    expect(queue.empty).toBe(true);
  });

  test("refuses a timeout that is no number of milliseconds", async () => {
    using queue = new Class<number>();
    await expect(queue.get({ timeout: Number.NaN })).rejects.toThrow(RangeError);
    await expect(queue.put(1, { timeout: Number.NaN })).rejects.toThrow(RangeError);
    expect(() => queue.getSync({ timeout: "1" as never })).toThrow(TypeError);
    expect(queue.empty).toBe(true);
    await queue.put(1, { timeout: -1 });
    expect(await queue.get({ timeout: -1 })).toBe(1);
  });

  test("does not starve timers when there is always an item", async () => {
    using queue = new Class<number>();
    const timer = new AbortController();
    setTimeout(() => timer.abort(), 1);
    const begun = performance.now();
    while (!timer.signal.aborted && performance.now() - begun < 20_000) {
      await queue.put(1);
      await queue.get();
    }
    expect(timer.signal.aborted).toBe(true);
  });
});

describe("values", () => {
  const memory = new Uint8Array(100_000).fill(9);
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a bigint", 12345678901234567890n],
    ["a map", new Map([["a", { b: [1, 2] }]])],
    ["a long string", "ü".repeat(100_000)],
    ["small bytes", new Uint8Array([1, 2, 3])],
    ["a Buffer", Buffer.from("text")],
    ["a part of a buffer", memory.subarray(3, 8)],
    ["no bytes", new Uint8Array(0)],
    ["2 KiB", new Uint8Array(2048).fill(2)],
    ["bytes that travel beside", memory],
    ["several of them", { a: memory, b: [memory.slice(1), new Float64Array(20_000).fill(0.5)] }],
    ["bytes longer than half the ring", new Uint8Array(3 << 20).fill(3)],
    ["bytes longer than the ring", { x: new Uint8Array(9 << 20).fill(4), y: memory }],
    ["a string longer than the ring", "y".repeat(5 << 20)],
    ["an error", new RangeError("no")],
  ])("%s arrives", async (_, value) => {
    using queue = new Queue();
    await queue.put(value);
    await queue.put("after");
    expect(queue.size).toBe(2);
    // Vitest needs minutes to compare megabytes.
    expect(isDeepStrictEqual(await queue.get(), value)).toBe(true);
    expect(queue.getNowait()).toBe("after");
  });

  test("memory that arrives is the taker's own", async () => {
    using queue = new Queue<Uint8Array>();
    await queue.put(memory);
    await queue.put(memory);
    const first = await queue.get();
    const second = await queue.get();
    first.fill(1);
    expect(second[5]).toBe(9);
    expect(first.buffer.byteLength).toBe(first.byteLength);
  });

  test("every length survives the end of the ring", async () => {
    using queue = new Queue<string>({ capacityBytes: 4096 });
    for (let i = 0; i < 3000; i++) {
      const item = String(i % 10).repeat(i);
      await queue.put(item);
      if (i % 3 === 0) await queue.put("");
      expect(await queue.get()).toBe(item);
      if (i % 3 === 0) expect(await queue.get()).toBe("");
    }
  });
});

describe("a limit of items", () => {
  test("is kept exactly", async () => {
    using queue = new Queue<number>({ maxSize: 2 });
    expect(queue.maxSize).toBe(2);
    await queue.put(1);
    expect(queue.full).toBe(false);
    queue.putNowait(2);
    expect(queue.full).toBe(true);
    expect(queue.size).toBe(2);
    expect(codeFrom(() => queue.putNowait(3))).toBe(FULL);
    expect(codeFrom(() => queue.putSync(3, { timeout: 20 }))).toBe(FULL);
    expect(await codeOf(queue.put(3, { timeout: 20 }))).toBe(FULL);
    expect(queue.size).toBe(2);
    expect(await queue.get()).toBe(1);
    queue.putNowait(3);
    expect([queue.getNowait(), queue.getNowait()]).toEqual([2, 3]);
  });

  test("lets waiting puts on in the order in which they were made", async () => {
    using queue = new Queue<number>({ maxSize: 1 });
    const puts = [1, 2, 3, 4, 5].map((n) => queue.put(n));
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) seen.push(await queue.get());
    await Promise.all(puts);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test("a put that is given up is not put, and the next one is", async () => {
    using queue = new Queue<number>({ maxSize: 1 });
    await queue.put(0);
    const gone = new AbortController();
    const aborted = queue.put(1, { signal: gone.signal });
    const late = codeOf(queue.put(2, { timeout: 5 }));
    const third = queue.put(3);
    gone.abort(new Error("no"));
    await expect(aborted).rejects.toThrow("no");
    expect(await late).toBe(FULL);
    expect(await queue.get()).toBe(0);
    await third;
    expect(await queue.get()).toBe(3);
    expect(queue.empty).toBe(true);
  });

  test("a put given up in the turn in which room comes is put or not, never both", async () => {
    using queue = new Queue<number>({ maxSize: 1 });
    for (let i = 0; i < 200; i++) {
      await queue.put(-1);
      const gone = new AbortController();
      const put = codeOf(queue.put(i, { signal: gone.signal }));
      if (i % 2 === 0) gone.abort("no");
      expect(queue.getNowait()).toBe(-1);
      if (i % 2 === 1) gone.abort("no");
      const isPut = (await put) === "fulfilled";
      expect(queue.size).toBe(isPut ? 1 : 0);
      if (isPut) expect(queue.getNowait()).toBe(i);
    }
  });

  test("a putSync puts what tasks of its thread wait with first", async () => {
    using queue = new Queue<number>({ maxSize: 3 });
    for (const n of [0, 1, 2]) queue.putNowait(n);
    const waiting = queue.put(3);
    expect(codeFrom(() => queue.putNowait(4))).toBe(FULL);
    expect([queue.getNowait(), queue.getNowait()]).toEqual([0, 1]);
    queue.putSync(4);
    await waiting;
    expect([queue.getNowait(), queue.getNowait(), queue.getNowait()]).toEqual([2, 3, 4]);
  });

  test("can be lowered below what is there, and raised", async () => {
    using queue = new Queue<number>({ maxSize: 3 });
    for (const n of [1, 2, 3]) await queue.put(n);
    queue.maxSize = 1;
    expect(queue.getNowait()).toBe(1);
    expect(codeFrom(() => queue.putNowait(4))).toBe(FULL);
    expect(queue.getNowait()).toBe(2);
    expect(codeFrom(() => queue.putNowait(4))).toBe(FULL);
    const waiting = queue.put(4);
    await turn();
    queue.maxSize = Infinity;
    await waiting;
    expect(queue.size).toBe(2);
    expect(queue.full).toBe(false);
  });

  test("does not lift the limit of bytes", async () => {
    using queue = new Queue<string>({ maxSize: 1000, capacityBytes: 4096 });
    const item = "x".repeat(1000);
    for (let i = 0; i < 3; i++) queue.putNowait(item);
    expect(() => {
      for (let i = 0; i < 3; i++) queue.putNowait(item);
    }).toThrow("capacityBytes");
    const waiting = queue.put(item);
    expect(await queue.get()).toBe(item);
    await waiting;
  });

  test.each([0, -1, undefined, Infinity])("%s is no limit", (maxSize) => {
    using queue = new Queue({ maxSize });
    expect(queue.maxSize).toBe(Infinity);
    expect(queue.full).toBe(false);
  });

  test.each([1.5, Number.NaN, "3", 2 ** 40])("%s is refused", (maxSize) => {
    expect(() => new Queue({ maxSize: maxSize as number })).toThrow(/Expected `maxSize` to be/);
    expect(() => new Queue({ capacityBytes: -1 })).toThrow(RangeError);
  });
});

describe("a queue without a limit", () => {
  test("what is kept is what was put, also where memory is used again", async () => {
    using queue = new Queue<{ i: number; bytes: Uint8Array }>({ capacityBytes: 1 << 20 });
    const bytes = new Uint8Array(200_000);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        const length = 100_000 + i * 5000;
        queue.putNowait({ i, bytes: bytes.subarray(0, length).fill(round * 20 + i) });
      }
      bytes.fill(255);
      for (let i = 0; i < 20; i++) {
        const item = await queue.get();
        expect([item.i, item.bytes.length]).toEqual([i, 100_000 + i * 5000]);
        expect(item.bytes.every((byte) => byte === round * 20 + i)).toBe(true);
      }
    }
  });

  test("keeps what its memory cannot hold, in order", async () => {
    using queue = new Queue<number | string>({ capacityBytes: 4096 });
    for (let i = 0; i < 2000; i++) queue.putNowait(i);
    await queue.put("x".repeat(100_000));
    queue.putSync("last");
    expect(queue.size).toBe(2002);
    for (let i = 0; i < 2000; i++) expect(i % 2 ? queue.getNowait() : await queue.get()).toBe(i);
    expect(queue.getSync()).toHaveLength(100_000);
    expect(await queue.get()).toBe("last");
    expect(queue.empty).toBe(true);
    expect(await queue.joinFeeder()).toBe(true);
  });

  test("says when everything is in shared memory", async () => {
    using queue = new Queue<string>({ capacityBytes: 4096 });
    for (let i = 0; i < 6; i++) queue.putNowait("x".repeat(1000));
    expect(await queue.joinFeeder({ timeout: 5 })).toBe(false);
    expect(queue.joinFeederSync({ timeout: 5 })).toBe(false);
    const joined = queue.joinFeeder();
    for (let i = 0; i < 3; i++) await queue.get();
    expect(await joined).toBe(true);
    expect(queue.joinFeederSync()).toBe(true);
    for (let i = 0; i < 3; i++) await queue.get();
  });

  test("stores what is left after its handle was closed", async () => {
    const queue = new Queue<number>({ capacityBytes: 4096, name: "left" });
    using other = new Queue<number>({ name: "left" });
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    queue.close();
    for (let i = 0; i < 1000; i++) expect(await other.get()).toBe(i);
  });
});

describe("a shutdown", () => {
  test("lets what is there be taken, then ends", async () => {
    using queue = new Queue<number>();
    await queue.put(1);
    await queue.put(2);
    queue.shutdown();
    queue.shutdown();
    expect(queue.isShutdown).toBe(true);
    expect(await codeOf(queue.put(3))).toBe(SHUT);
    expect(codeFrom(() => queue.putSync(3))).toBe(SHUT);
    expect(codeFrom(() => queue.putNowait(3))).toBe(SHUT);
    const seen: number[] = [];
    for await (const item of queue) seen.push(item);
    expect(seen).toEqual([1, 2]);
    expect(await codeOf(queue.get())).toBe(SHUT);
    expect(codeFrom(() => queue.getNowait())).toBe(SHUT);
    expect(codeFrom(() => queue.getSync())).toBe(SHUT);
    expect(inspect(queue)).toBe("Queue { 0 items, shut down }");
  });

  test("drops what is there when it is immediate", async () => {
    using queue = new Queue<number>();
    await queue.put(1);
    queue.shutdown();
    queue.shutdown(true);
    expect(queue.size).toBe(0);
    expect(await codeOf(queue.get())).toBe(SHUT);
  });

  test("ends waiting gets and puts", async () => {
    using empty = new Queue<number>();
    using full = new Queue<number>({ maxSize: 1 });
    await full.put(1);
    const waits = [empty.get(), empty.get(), full.put(2), full.put(3)].map(codeOf);
    await turn();
    await turn();
    empty.shutdown();
    full.shutdown();
    expect(await Promise.all(waits)).toEqual([SHUT, SHUT, SHUT, SHUT]);
    expect(await full.get()).toBe(1);
    expect(await codeOf(full.get())).toBe(SHUT);
  });

  test("lets what this thread keeps be stored and taken", async () => {
    using queue = new Queue<number>({ capacityBytes: 4096 });
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    queue.shutdown();
    let count = 0;
    for await (const item of queue) expect(item).toBe(count++);
    expect(count).toBe(1000);
  });

  test("drops what this thread keeps when it is immediate", async () => {
    using queue = new Queue<number>({ capacityBytes: 4096 });
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    queue.shutdown(true);
    expect(queue.size).toBe(0);
    expect(await queue.joinFeeder()).toBe(true);
  });

  test("is not what leaving a loop does: the queue stays as it is", async () => {
    using queue = new Queue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);
    for await (const item of queue) if (item === 2) break;
    expect(await queue.get()).toBe(3);
  });
});

describe("JoinableQueue", () => {
  test("join() waits for a taskDone() for each item, again and again", async () => {
    using queue = new JoinableQueue<number>();
    expect(await queue.join()).toBe(true);
    for (let round = 0; round < 2; round++) {
      await queue.put(1);
      await queue.put(2);
      expect(queue.unfinished).toBe(2);
      let isJoined = false;
      const joined = queue.join().then((value) => {
        isJoined = true;
        return value;
      });
      await queue.get();
      queue.taskDone();
      expect(await queue.join({ timeout: 5 })).toBe(false);
      expect(queue.joinSync({ timeout: 5 })).toBe(false);
      await queue.get();
      expect(isJoined).toBe(false);
      queue.taskDone();
      expect(await joined).toBe(true);
      expect(queue.joinSync()).toBe(true);
    }
  });

  test("refuses a taskDone() more than there were items", async () => {
    using queue = new JoinableQueue<number>();
    expect(() => queue.taskDone()).toThrow("more often");
    await queue.put(1);
    await queue.get();
    queue.taskDone();
    expect(() => queue.taskDone()).toThrow("more often");
  });

  test("an immediate shutdown counts what it drops as done, not what was taken", async () => {
    using queue = new JoinableQueue<number>();
    for (const n of [1, 2, 3]) await queue.put(n);
    await queue.get();
    queue.shutdown(true);
    expect(queue.unfinished).toBe(1);
    expect(await queue.join({ timeout: 5 })).toBe(false);
    queue.taskDone();
    expect(await queue.join()).toBe(true);
    expect(() => queue.taskDone()).toThrow("more often");
  });

  test("an immediate shutdown ends a join when nothing was taken", async () => {
    using queue = new JoinableQueue<number>();
    await queue.put(1);
    const joined = queue.join();
    await turn();
    queue.shutdown(true);
    expect(await joined).toBe(true);
  });

  test("join counts what this thread keeps", async () => {
    using queue = new JoinableQueue<number>({ capacityBytes: 4096 });
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    expect(queue.unfinished).toBe(1000);
    const joined = queue.join();
    for (let i = 0; i < 1000; i++) {
      await queue.get();
      queue.taskDone();
    }
    expect(await joined).toBe(true);
  });

  test("an aborted join rejects", async () => {
    using queue = new JoinableQueue<number>();
    await queue.put(1);
    const gone = new AbortController();
    const joined = queue.join({ signal: gone.signal });
    await turn();
    gone.abort("enough");
    await expect(joined).rejects.toBe("enough");
  });
});

describe("names", () => {
  test("the same name is the same queue", async () => {
    using first = new Queue<number>({ name: "a queue", maxSize: 3 });
    using second = new Queue<number>({ name: "a queue" });
    await first.put(1);
    expect(await second.get()).toBe(1);
    expect(second.maxSize).toBe(3);
    expect(second.name).toBe("a queue");
  });

  test("another limit, another class and another kind are refused", () => {
    using _first = new Queue({ name: "mine", maxSize: 3 });
    expect(() => new Queue({ name: "mine", maxSize: 4 })).toThrow("limit 3");
    expect(() => new SimpleQueue({ name: "mine" })).toThrow("is a Queue here");
    expect(() => new JoinableQueue({ name: "mine" })).toThrow("is a Queue here");
  });

  test("a name is free when the last handle is closed", async () => {
    const first = new Queue({ name: "passing", maxSize: 3 });
    await first.put(1);
    first.close();
    using second = new Queue({ name: "passing", maxSize: 4 });
    expect(second.size).toBe(0);
  });

  test("a wait that has begun outlasts its handle", async () => {
    const first = new Queue<number>({ name: "outlasting" });
    const got = first.get();
    await turn();
    await turn();
    first.close();
    using second = new Queue<number>({ name: "outlasting" });
    await second.put(5);
    expect(await got).toBe(5);
  });
});
