import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture, fn, type Kind, PROCESS, THREAD } from "../faults/kit.ts";
import { eventually } from "../helpers/leaks.ts";
import { hasProc } from "../helpers/processes.ts";
import { runProgram } from "../helpers/run-program.ts";

const MB = 1e6;
/** Three million are in test/stress. */
const TASKS = 120_000;
/** What the heap after a collection may differ by, from the first third on: nothing stays per task. */
const HEAP_SLACK = 4 * MB;
/** Resident memory goes up and down with the collector's mood. */
const RESIDENT_SLACK = 50 * MB;

const openFiles = (): number => readdirSync("/proc/self/fd").length;

const folder = mkdtempSync(join(tmpdir(), "resources-"));
const usual = process.env["TMPDIR"];
// Read anew at each use. Other programs use the usual folder at the same time.
beforeAll(() => (process.env["TMPDIR"] = folder));
afterAll(() => {
  if (usual === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = usual;
  rmSync(folder, { recursive: true });
});

describe.runIf(hasProc)("workers that come and go", () => {
  test.each<{ kind: Kind; how: string; count: number }>([
    { kind: THREAD, how: "killed by their task", count: 20 },
    { kind: PROCESS, how: "killed by their task", count: 12 },
    { kind: THREAD, how: "replaced after each task", count: 8 },
    { kind: PROCESS, how: "replaced after each task", count: 8 },
  ])("leave no file open: $count $kind.name workers, $how", async ({ kind, how, count }) => {
    const isCrash = how === "killed by their task";
    const make = () => kind.make(isCrash ? {} : { maxTasksPerWorker: 1 });
    const use = async (tasks: number): Promise<void> => {
      const executor = make();
      const futures = Array.from({ length: tasks }, () =>
        executor.submit(fn("fail"), isCrash ? "exit" : "none"),
      );
      const outcomes = await Promise.allSettled(futures);
      const status = isCrash ? "rejected" : "fulfilled";
      expect(outcomes.filter((outcome) => outcome.status === status)).toHaveLength(tasks);
      await executor.shutdown();
    };
    // What is opened once and stays.
    await use(2);
    const before = openFiles();
    await use(count);
    await eventually("the files are closed", () => openFiles() <= before);
    expect(readdirSync(tmpdir())).toEqual([]);
  });
});

describe.runIf(hasProc).each(["thread", "process"])("memory of a %s pool stays flat", (kind) => {
  test.each(["submits", "imap"])("however many tasks come by %s", async (what) => {
    const every = TASKS / 10;
    const { code, stdout, stderr } = await runProgram(
      fixture("memory.mjs"),
      [kind, what, String(TASKS), String(every)],
      { execArgv: ["--expose-gc"] },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" ").map(Number) as [number, number, number, number]);
    expect(rows.at(-1)?.[0]).toBe(TASKS);
    const [, heap, resident, workers] = rows[2] as [number, number, number, number];
    const end = rows.at(-1) as [number, number, number, number];
    expect(end[1] - heap).toBeLessThan(HEAP_SLACK);
    expect(end[2] - resident).toBeLessThan(RESIDENT_SLACK);
    expect(end[3] - workers).toBeLessThan(RESIDENT_SLACK);
  });
});
