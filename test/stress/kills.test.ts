import { readdirSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { runUnderKills, runWithOneFatal } from "../faults/exactly-once.ts";
import { crash, errorOf, fn, PROCESS, randomOf, RunLog, THREAD } from "../faults/kit.ts";
import { eventually } from "../helpers/leaks.ts";
import { hasProc } from "../helpers/processes.ts";

/** Another run: `STRESS_SEED=7 npm run stress`. The seed of a failure is in the name of its test. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);

const log = new RunLog();
afterAll(() => log.remove());

const random = randomOf(SEED);
const shapes = Array.from({ length: 12 }, (_, i) => ({
  seed: SEED * 1000 + i,
  inFlight: 2 ** Math.floor(1 + random() * 13),
  workers: 1 + Math.floor(random() * 4),
  kills: 10 + Math.floor(random() * 40),
}));

describe("processes killed at random moments", () => {
  test.each(shapes)(
    "seed $seed: $kills kills, $workers workers, $inFlight in flight",
    async (shape) => {
      const run = await runUnderKills(PROCESS, log, { ...shape, tasks: 20_000 });
      expect(run.kills).toBeGreaterThan(shape.kills / 2);
    },
  );
});

describe.each([THREAD, PROCESS])("$name workers that one task in a thousand ends", (kind) => {
  test.each(Array.from({ length: 20 }, () => Math.floor(random() * 1000)))(
    "exactly number %i fails",
    async (fatal) => {
      const shape = { tasks: 1000, fatal, workers: 1 + (fatal % 4) };
      expect(await runWithOneFatal(kind, log, "recordThenExit", shape)).toEqual([fatal]);
    },
  );
});

describe.each([THREAD, PROCESS])("1,000 replacements of $name workers", (kind) => {
  test.runIf(hasProc)("each crash fails its own task and nothing stays open", async () => {
    const openFiles = (): number => readdirSync("/proc/self/fd").length;
    const executor = kind.make();
    await errorOf(executor.submit(fn("fail"), "exit"));
    await executor.submit(fn("take"));
    const before = openFiles();
    for (let i = 0; i < 500; i++) {
      const pair = [executor.submit(fn("fail"), "exit"), executor.submit(fn("fail"), "exit")];
      const good = executor.submit(fn("take"));
      for (const future of pair) {
        expect(await errorOf(future)).toMatchObject(crash("fail", { exitCode: 3 }));
      }
      expect(await good).toBe("taken");
    }
    // Two of its workers may live, or one: each has a socket and its tokens.
    await eventually("the files are closed", () => openFiles() <= before + 4);
    await executor.shutdown();
  });
});
