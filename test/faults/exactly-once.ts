import { statSync } from "node:fs";
import { expect } from "vitest";
import type { Future, WorkerStats } from "manycore";
import {
  errorOf,
  fn,
  type Kind,
  linesOf,
  type PoolExecutor,
  randomOf,
  type RunLog,
} from "./kit.ts";

/** What {@link runUnderKills} found. */
export interface KillRun {
  readonly kills: number;
  readonly failures: number;
}

export interface KillOptions {
  readonly seed: number;
  readonly tasks: number;
  readonly kills: number;
  /** Tasks submitted at a time; the rest follows as these are done. */
  readonly inFlight: number;
  readonly workers: number;
}

/**
 * Runs tasks that leave their number in a file while workers are killed from outside after random
 * numbers of results, and checks what must hold whatever the moment: a task that succeeded ran exactly
 * once, one that failed at most once, and each kill failed at most the one task its worker had begun.
 */
export async function runUnderKills(
  kind: Kind,
  log: RunLog,
  options: KillOptions,
): Promise<KillRun> {
  const { seed, tasks, inFlight, workers } = options;
  const random = randomOf(seed);
  const executor = kind.make({ maxWorkers: workers });
  const file = log.file(`kills-${kind.name}-${seed}`);
  const killAfter = Array.from({ length: options.kills }, () => Math.floor(random() * tasks)).sort(
    (a, b) => a - b,
  );
  const failed = new Map<number, unknown>();
  let ended = 0;
  let kills = 0;
  let next = 0;

  const killOne = (): void => {
    const pid = pickPid(executor, random);
    if (pid === undefined) return;
    try {
      process.kill(pid, "SIGKILL");
      kills++;
    } catch (error) {
      // It was killed a moment ago, and what it said last is still being read.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const lane = async (): Promise<void> => {
    for (let i = next++; i < tasks; i = next++) {
      await executor.submit(fn("record"), file, `${i}`).then(
        (line) => expect(line).toBe(`${i}`),
        (error: unknown) => failed.set(i, error),
      );
      ended++;
      while (killAfter.length > 0 && ended > (killAfter[0] as number)) {
        killAfter.shift();
        killOne();
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  await executor.shutdown();

  checkRuns(linesOf(file), tasks, failed);
  expect(failed.size).toBeLessThanOrEqual(kills);
  return { kills, failures: failed.size };
}

/** Compares what ran with what was said about it. */
function checkRuns(
  lines: readonly string[],
  tasks: number,
  failed: ReadonlyMap<number, unknown>,
): void {
  const runs = new Map<number, number>();
  for (const line of lines) runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
  const wrong: string[] = [];
  for (let i = 0; i < tasks; i++) {
    const count = runs.get(i) ?? 0;
    const isRight = failed.has(i) ? count <= 1 : count === 1;
    if (!isRight)
      wrong.push(`task ${i} ${failed.has(i) ? "failed" : "succeeded"} and ran ${count} times`);
  }
  expect(wrong).toEqual([]);
  expect(lines.every((line) => /^\d+$/.test(line))).toBe(true);
}

/**
 * Of `tasks` small tasks one ends its own worker: that one fails and all run once.
 *
 * @returns the numbers of those that failed.
 */
export async function runWithOneFatal(
  kind: Kind,
  log: RunLog,
  how: "recordThenExit" | "recordThenFail",
  options: { tasks: number; fatal: number; workers: number },
): Promise<number[]> {
  const { tasks, fatal, workers } = options;
  const executor = kind.make({ maxWorkers: workers });
  const warm = log.file(`warm-${kind.name}-${how}-${fatal}`);
  // The function is known to be quick, so that many are handed out ahead.
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => executor.submit(fn(how), warm, `${i}`, "none")),
  );
  const file = log.file(`fatal-${kind.name}-${how}-${fatal}`);
  const futures: Future<unknown>[] = Array.from({ length: tasks }, (_, i) =>
    executor.submit(fn(how), file, `${i}`, `${fatal}`),
  );
  const outcomes = await Promise.allSettled(futures);
  const failed = outcomes.flatMap((outcome, i) => (outcome.status === "rejected" ? [i] : []));
  expect(await errorOf(futures[fatal] as Future<unknown>)).toMatchObject({
    code: "ERR_MANYCORE_WORKER_CRASHED",
    ...(how === "recordThenExit" ? { exitCode: 7 } : { signal: "SIGKILL" }),
  });
  const lines = linesOf(file);
  expect(new Set(lines).size).toBe(tasks);
  expect(lines).toHaveLength(tasks);
  await executor.shutdown();
  return failed;
}

/**
 * A worker ends while the main thread is blocked and reads no results: those are written down somewhere
 * where the worker's death does not reach them, or its tasks are not begun.
 *
 * @returns the numbers of those that failed.
 */
export async function runWhileBlocked(
  kind: Kind,
  log: RunLog,
  how: "recordThenExit" | "recordThenFail",
  options: { tasks: number; fatal: number; bytes: number },
): Promise<number[]> {
  const { tasks } = options;
  const executor = kind.make({ maxWorkers: 1 });
  const file = log.file(`blocked-${kind.name}-${how}-${tasks}`);
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => executor.submit(fn(how), file, `warm${i}`, "none")),
  );
  const padding = "x".repeat(options.bytes);
  const names = Array.from({ length: tasks }, (_, i) => `${padding}${i}`);
  const fatal = names[options.fatal] as string;
  const futures = names.map((name) => executor.submit(fn(how), file, name, fatal));
  // The tasks are sent at the end of this turn.
  await new Promise((resolve) => setImmediate(resolve));
  const worker = executor.stats().workers[0] as WorkerStats;
  const begun = performance.now();
  let before = -1;
  // Until it is dead or has stopped because nobody reads.
  for (let now = 0; now !== before && performance.now() - begun < 10_000;) {
    before = now;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    now = statSync(file).size;
  }
  expect(worker.tasks).toBeGreaterThan(0);
  const outcomes = await Promise.allSettled(futures);
  const failed = outcomes.flatMap((outcome, i) => (outcome.status === "rejected" ? [i] : []));
  const lines = linesOf(file).slice(500);
  expect(lines).toHaveLength(tasks);
  expect(new Set(lines).size).toBe(tasks);
  await executor.shutdown();
  return failed;
}

/** Not one that is starting: three of those in a row, and the executor says that it is broken. */
function pickPid(executor: PoolExecutor, random: () => number): number | undefined {
  const pids = executor
    .stats()
    .workers.flatMap(({ pid, state }) =>
      pid === undefined || (state !== "busy" && state !== "idle") ? [] : [pid],
    );
  return pids[Math.floor(random() * pids.length)];
}
