import { subscribe } from "node:diagnostics_channel";
import { randomUUID } from "node:crypto";
import type { Worker } from "node:worker_threads";
import { setTimeout as delay } from "node:timers/promises";
import { describeProcess, processesOf, processesWithEnv } from "./processes.ts";

export { eventually, isAlive, processesOf, waitForDeath } from "./processes.ts";
export { runProgram, startProgram, untilLine } from "./run-program.ts";

/** Marks everything a test file starts, so that orphans are found too. */
const MARK = "MANYCORE_TEST_MARK";

/** What may still be on its way out when the last test ends gets this long. */
const SETTLE_MS = 5_000;
const POLL_MS = 10;

/** Kinds of `process.getActiveResourcesInfo()` that end by themselves or belong to the test runner. */
const PASSING = new Set(["Immediate", "TickObject", "FSReqCallback", "FSReqPromise"]);

/** Watches one test file from before its first line; {@link LeakWatch.check} tells what it left. */
export interface LeakWatch {
  /** Waits a moment for what is ending; then rejects with a list of what is left, after ending it. */
  check(settleMs?: number): Promise<void>;
}

/** Starts watching this process for children, threads and handles that keep its loop alive. */
export function watchLeaks(): LeakWatch {
  const mark = randomUUID();
  process.env[MARK] = mark;
  const before = countResources();
  // The runner's own timers last a moment; counted here, they would hide one that is left.
  before.delete("Timeout");
  const threads = new Set<Worker>();
  subscribe("worker_threads", (message) => {
    const { worker } = message as { worker: Worker };
    threads.add(worker);
    worker.once("exit", () => threads.delete(worker));
  });
  const left = (): string[] => [
    ...leftProcesses(mark).map((pid) => `process ${describeProcess(pid)}`),
    ...[...threads].map((thread) => `thread ${thread.threadId}`),
    ...newResources(before).map((kind) => `open handle ${kind}`),
  ];
  return {
    async check(settleMs = SETTLE_MS): Promise<void> {
      const begun = performance.now();
      while (left().length > 0 && performance.now() - begun < settleMs) await delay(POLL_MS);
      const found = left();
      if (found.length === 0) return;
      for (const pid of leftProcesses(mark)) kill(pid);
      await Promise.all([...threads].map((thread) => thread.terminate()));
      throw new Error(`this test file leaves behind:\n  ${found.join("\n  ")}`);
    },
  };
}

function leftProcesses(mark: string): number[] {
  const rows = [...processesOf(process.pid), ...processesWithEnv(MARK, mark)];
  return [...new Set(rows.map((row) => row.pid))];
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!PASSING.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function newResources(before: ReadonlyMap<string, number>): string[] {
  return [...countResources()].flatMap(([kind, count]) => {
    const more = count - (before.get(kind) ?? 0);
    return more > 0 ? [`${kind} × ${more}`] : [];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
