import { afterAll, describe, expect, test } from "vitest";
import { runUnderKills, runWhileBlocked, runWithOneFatal } from "./exactly-once.ts";
import { PROCESS, RunLog, THREAD } from "./kit.ts";

const log = new RunLog();
afterAll(() => log.remove());

describe("workers killed at random moments", () => {
  // Few in flight: a worker often dies idle or alone. Many: it dies with hundreds handed out ahead.
  test.each([
    { seed: 1, inFlight: 4 },
    { seed: 2, inFlight: 64 },
    { seed: 3, inFlight: 1000 },
    { seed: 4, inFlight: 3000 },
  ])("every success ran once, every failure at most once: $inFlight in flight", async (shape) => {
    const run = await runUnderKills(PROCESS, log, { ...shape, tasks: 3000, kills: 12, workers: 2 });
    expect(run.kills).toBeGreaterThan(0);
  });
});

describe.each([THREAD, PROCESS])("one of 1,000 $name tasks ends its worker", (kind) => {
  test.each([0, 1, 499, 998, 999])("exactly number %i fails, by process.exit", async (fatal) => {
    const shape = { tasks: 1000, fatal, workers: 2 };
    expect(await runWithOneFatal(kind, log, "recordThenExit", shape)).toEqual([fatal]);
  });

  test.runIf(kind.name === "process").each([0, 500, 999])(
    "exactly number %i fails, by SIGKILL",
    async (fatal) => {
      const shape = { tasks: 1000, fatal, workers: 3 };
      expect(await runWithOneFatal(kind, log, "recordThenFail", shape)).toEqual([fatal]);
    },
  );

  test("exactly one fails, also when the main thread reads no results meanwhile", async () => {
    // Far more results than the channel holds, and few more than it holds.
    const many = { tasks: 3000, fatal: 2900, bytes: 500 };
    const few = { tasks: 300, fatal: 80, bytes: 5000 };
    expect(await runWhileBlocked(kind, log, "recordThenExit", many)).toEqual([many.fatal]);
    expect(await runWhileBlocked(kind, log, "recordThenExit", few)).toEqual([few.fatal]);
    if (kind.name === "thread") return;
    expect(await runWhileBlocked(kind, log, "recordThenFail", many)).toEqual([many.fatal]);
  });
});
