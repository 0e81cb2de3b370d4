import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Manager, Process } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection } from "../connection/kit.ts";
import { failing, longestFirst, square } from "../fixtures/manager/work.mjs";
import { BOUND, collect, work } from "./kit.ts";

useNamespace("manager-queue");
const EMPTY = { code: "ERR_MANYCORE_QUEUE_EMPTY" };
const FULL = { code: "ERR_MANYCORE_QUEUE_FULL" };
const SHUT = { code: "ERR_MANYCORE_QUEUE_SHUTDOWN" };
let manager: Manager;
beforeAll(async () => {
  manager = await Manager.start();
});
afterAll(() => manager.shutdown());
const served = (): Promise<number> => manager.objectCount();

describe("a queue", () => {
  test("gives items in order, and waits at both ends", async () => {
    const queue = await manager.queue<number>({ maxSize: 2 });
    expect(await rejection(queue.getNowait())).toMatchObject(EMPTY);
    expect(await rejection(queue.get({ timeout: 1 }))).toMatchObject(EMPTY);
    await queue.put(1);
    await queue.put(2);
    expect([await queue.full(), await queue.empty(), await queue.size()]).toEqual([true, false, 2]);
    expect(await rejection(queue.putNowait(3))).toMatchObject(FULL);
    expect(await rejection(queue.put(3, { timeout: 1 }))).toMatchObject(FULL);
    const putting = [queue.put(3, BOUND), queue.put(4, BOUND)];
    await served();
    expect([
      await queue.get(),
      await queue.get(),
      await queue.get(BOUND),
      await queue.get(BOUND),
    ]).toEqual([1, 2, 3, 4]);
    await Promise.all(putting);
    const getting = [queue.get(BOUND), queue.get(BOUND)];
    await served();
    await queue.put(5);
    await queue.put(6);
    expect(await Promise.all(getting)).toEqual([5, 6]);
  });

  test("keeps order through thousands of items", async () => {
    const queue = await manager.queue<number>();
    const items = Array.from({ length: 5000 }, (_, i) => i);
    await Promise.all(items.map((item) => queue.put(item)));
    expect(await Promise.all(items.map(() => queue.get()))).toEqual(items);
  });

  test("loses nothing to those who give up", async () => {
    const queue = await manager.queue<number>();
    for (let i = 0; i < 200; i++) {
      const gone = new AbortController();
      const getting = queue.get({ signal: gone.signal }).then(
        (item) => item,
        () => undefined,
      );
      const putting = queue.put(i);
      gone.abort();
      await putting;
      const got = await getting;
      expect(got ?? (await queue.get(BOUND))).toBe(i);
    }
  });

  test("gives nothing to those who were killed while they waited", async () => {
    const [queue, there] = [await manager.queue<number>(), await manager.queue<number>()];
    const child = await new Process({ target: work.waitFor, args: [queue, "get", there] }).start();
    await there.get(BOUND);
    child.kill();
    await child.join();
    await queue.put(1);
    expect(await queue.get(BOUND)).toBe(1);
  });

  test("can be shut down", async () => {
    const queue = await manager.queue<number>();
    await queue.put(1);
    const items = collect(queue);
    await queue.put(2);
    await queue.shutdown();
    expect(await items).toEqual([1, 2]);
    expect(await rejection(queue.put(3))).toMatchObject(SHUT);
    const other = await manager.queue<number>({ maxSize: 1 });
    const getting = rejection(other.get(BOUND));
    await served();
    await other.shutdown(true);
    expect(await getting).toMatchObject(SHUT);
  });

  test("checks its options", async () => {
    await expect(manager.queue({ maxSize: 1.5 })).rejects.toThrow(RangeError);
    const queue = await manager.queue({ maxSize: 0 });
    await queue.put(1);
    expect(await queue.full()).toBe(false);
  });
});

test("a lifo queue gives the last one first", async () => {
  const queue = await manager.lifoQueue<number>();
  for (const n of [1, 2, 3]) await queue.put(n);
  expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([3, 2, 1]);
  await queue.put(1);
  await queue.shutdown(true);
  expect(await queue.size()).toBe(0);
});

describe("a priority queue", () => {
  test("gives the smallest first, of equal ones the first", async () => {
    const queue = await manager.priorityQueue<[number, string]>();
    const random = [5, 1, 4, 1, 3, 9, 2, 6, 5, 3].map((n, i): [number, string] => [n, `${i}`]);
    for (const item of random) await queue.put(item);
    const got: [number, string][] = [];
    while (!(await queue.empty())) got.push(await queue.get());
    expect(got).toEqual(random.toSorted((a, b) => a[0] - b[0] || Number(a[1]) - Number(b[1])));
  });

  test("compares as its maker says, by a function that the server finds", async () => {
    const queue = await manager.priorityQueue<string>({ compare: longestFirst });
    for (const text of ["a", "ccc", "bb", "ddd"]) await queue.put(text);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(["ccc", "ddd", "bb"]);
    await queue.shutdown(true);
  });
});

test("a joinable queue knows when all items are done with", async () => {
  const queue = await manager.joinableQueue<number>();
  await queue.put(1);
  await queue.put(2);
  expect(await queue.join({ timeout: 1 })).toBe(false);
  const joined = queue.join(BOUND);
  for (const _ of [1, 2]) {
    await queue.get();
    await queue.taskDone();
  }
  expect(await joined).toBe(true);
  expect(await rejection(queue.taskDone())).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
  await queue.put(3);
  const last = queue.join(BOUND);
  await queue.shutdown(true);
  expect(await last).toBe(true);
});

test("a pool of the server works for its clients", async () => {
  const pool = await manager.pool({ workers: 1 });
  expect(await pool.apply(square, [3])).toBe(9);
  expect(await pool.apply(work.square, [4])).toBe(16);
  expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9]);
  expect(await pool.starmap(square, [[2]])).toEqual([4]);
  expect(await collect(await pool.imap(square, [1, 2]))).toEqual([1, 4]);
  expect(await collect(await pool.imapUnordered(square, [5]))).toEqual([25]);
  const error = await rejection(pool.apply(failing, []));
  expect(error).toBeInstanceOf(SyntaxError);
  expect(error.stack).toMatch(/work\.mjs[^]*manager at/);
  await pool.close();
  await pool.join();
  const other = await manager.pool({ workers: 1, kind: "thread" });
  expect(await other.apply(square, [5])).toBe(25);
  await other.terminate();
});
