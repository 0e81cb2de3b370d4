import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { endingAfterEach, linesOf, MAKE, scratch, started } from "./kit.ts";
import * as work from "../fixtures/executor/work.js";

describe.each(["thread", "process"] as const)("%s workers", (kind) => {
  const make = endingAfterEach(MAKE[kind]);
  const path = scratch();

  test("tasks handed out ahead of time do not wait behind a long one: another worker takes them", async () => {
    const executor = make({ maxWorkers: 2 });
    await executor.runOnAll(work.workerOf);
    const free = path();
    // So quick that many are handed out at once, then one of them blocks.
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => executor.submit(work.quickButOne, free, i)),
    );
    const futures = Array.from({ length: 200 }, (_, i) =>
      executor.submit(work.quickButOne, free, i === 0 ? "block" : i),
    );
    const [long, ...short] = futures;
    expect(await Promise.all(short)).toEqual(Array.from({ length: 199 }, (_, i) => i + 1));
    expect(long?.done).toBe(false);
    writeFileSync(free, "");
    expect(await long).toBe("block");
  });

  test("runOnAll() runs in the place of a worker that is being ended", async () => {
    const executor = make({ maxWorkers: 2, grace: 50 });
    const [first] = await executor.runOnAll(work.workerOf);
    const endless = executor.with({ timeout: 50 }).submit(work.spin);
    await expect(endless).rejects.toMatchObject({ code: "ERR_MANYCORE_TIMEOUT" });
    const found = await executor.runOnAll(work.workerOf);
    expect(new Set(found).size).toBe(2);
    expect(found).not.toContain(undefined);
    expect(first).toBeDefined();
  });

  // Functions that are used for the first time, so that they load while the neighbour reports.
  test.each(["loading", "loaded"])(
    "the timeout of a function (%s) that never lets the loop turn counts beside one that reports much",
    async (how) => {
      const executor = make({ maxWorkers: 1, concurrency: 2, grace: 20 });
      if (how === "loaded") await executor.submit(work.workerOf);
      const reports = executor.submit(work.reportMuch);
      if (how === "loaded") for await (const _ of reports.progress) break;
      const endless = executor.with({ timeout: 200 }).submit(work.spin);
      await expect(endless).rejects.toMatchObject({ code: "ERR_MANYCORE_TIMEOUT" });
      await expect(reports).rejects.toMatchObject({ code: "ERR_MANYCORE_WORKER_CRASHED" });
    },
  );

  test("reports that had to wait come in order, and before the outcome", async () => {
    const executor = make({ maxWorkers: 1, concurrency: 2 });
    const seen: unknown[] = [];
    const onProgress = (value: unknown): void => void seen.push(value);
    const future = executor.with({ onProgress }).submit(work.report, 20_000);
    expect(await future).toBe(20_000);
    expect(seen).toEqual(Array.from({ length: 20_000 }, (_, i) => ({ i })));
  });

  test("cancelling, prioritising and moving tasks at once loses none and runs none twice", async () => {
    const executor = make({ maxWorkers: 2 });
    const log = path();
    const futures = Array.from({ length: 400 }, (_, i) =>
      executor.with({ priority: i % 3 }).submit(work.append, log, String(i)),
    );
    const cancelled = new Set<number>();
    for (let i = 0; i < 400; i += 7) if (futures[i]?.cancel() === true) cancelled.add(i);
    await Promise.resolve();
    for (let i = 1; i < 400; i += 11) if (futures[i]?.cancel() === true) cancelled.add(i);
    const late = Array.from({ length: 50 }, (_, i) =>
      executor.with({ priority: 9 }).submit(work.append, log, `late ${i}`),
    );
    await Promise.allSettled([...futures, ...late]);
    await executor.shutdown();
    const lines = linesOf(log);
    expect(new Set(lines).size).toBe(lines.length);
    for (const [i, future] of futures.entries()) {
      expect(future.cancelled).toBe(cancelled.has(i));
      if (!cancelled.has(i)) expect(lines).toContain(String(i));
    }
    expect(lines.filter((line) => line.startsWith("late")).length).toBe(50);
  });

  test("a worker that is killed while others wait behind its task: each of those runs once", async () => {
    const executor = make({ maxWorkers: 1 });
    const log = path();
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => executor.submit(work.append, path(), `${i}`)),
    );
    const dying = executor.submit(work.exit, 4);
    const others = Array.from({ length: 100 }, (_, i) =>
      executor.submit(work.append, log, String(i)),
    );
    expect(await dying.exception()).toMatchObject({ exitCode: 4, task: "exit" });
    await Promise.all(others);
    expect(linesOf(log)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
    expect(executor.stats()).toMatchObject({ crashed: 1, failed: 1 });
  });

  test("a blocked worker does not keep a task with higher priority from an idle one", async () => {
    const executor = make({ maxWorkers: 2 });
    await executor.runOnAll(work.workerOf);
    const free = path();
    const blocked = executor.submit(work.blockUntil, free, "blocked");
    await started(blocked);
    const others = Array.from({ length: 20 }, (_, i) =>
      executor.with({ priority: i }).submit(work.square, i),
    );
    expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, (_, i) => i * i));
    expect(blocked.done).toBe(false);
    writeFileSync(free, "");
    expect(await blocked).toBe("blocked");
  });
});
