import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Lock, Process, ProcessPoolExecutor, Thread, ThreadPoolExecutor } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { addSlowly, appendLines, holdAndDie, look } from "../fixtures/sync/work.mjs";

useNamespace("travel");
const scratch = mkdtempSync(join(tmpdir(), "manycore-travel-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("a lock among %s", (_, Executor) => {
  test("arrives as an argument and comes back in a result as the same lock", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    const lock = new Lock();
    lock.acquireSync();
    const seen = await pool.submit(look, lock);
    expect(seen.locked).toBe(true);
    expect(seen.lock).toBeInstanceOf(Lock);
    lock.release();
    expect(seen.lock.locked).toBe(false);
    seen.lock.acquireSync();
    expect(lock.locked).toBe(true);
    lock.release();
  });

  test("keeps its name", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using lock = new Lock({ name: "a name" });
    const memory = new SharedArrayBuffer(4);
    const sent = Executor === ThreadPoolExecutor ? memory : new ArrayBuffer(4);
    expect(await pool.submit(addSlowly, lock, sent, 1)).toBe("a name");
  });

  test("passes on as abandoned when its holder dies", async () => {
    if (Executor === ThreadPoolExecutor) return;
    await using pool = new Executor({ maxWorkers: 1 });
    const lock = new Lock();
    await expect(pool.submit(holdAndDie, lock)).rejects.toMatchObject({
      code: "ERR_MANYCORE_WORKER_CRASHED",
    });
    expect(await lock.acquire({ timeout: 10_000 })).toBe(true);
    expect(lock.abandoned).toBe(true);
    lock.release();
    expect(await lock.acquire()).toBe(true);
    expect(lock.abandoned).toBe(false);
    lock.release();
  });
});

test("threads exclude each other", async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
  const lock = new Lock();
  const memory = new SharedArrayBuffer(4);
  await Promise.all([1, 2, 3, 4].map(() => pool.submit(addSlowly, lock, memory, 500)));
  expect(new Int32Array(memory)[0]).toBe(2000);
});

test("processes, threads and tasks exclude each other", async () => {
  const lock = new Lock();
  const file = join(scratch, "lines");
  const members = [
    new Process({ target: appendLines, args: [lock, file, "process", 40] }),
    new Thread({ target: appendLines, args: [lock, file, "thread", 40] }),
  ];
  for (const member of members) await member.start();
  await Promise.all([
    appendLines(lock, file, "task 1", 40),
    appendLines(lock, file, "task 2", 40),
    ...members.map((member) => member.join()),
  ]);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(320);
  for (let i = 0; i < lines.length; i += 2) {
    expect(lines[i + 1]).toBe(lines[i]!.replace("begins", "ends"));
  }
});
