import { expect, test } from "vitest";
import { runTorture } from "../../stress/torture.ts";

/** The long ones are in test/stress; a seed of a failure there can be tried here. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);

/** A busy machine starts two processes a second. */
const LIMIT_MS = 180_000;

test(
  "20 kills leave locks that exclude, and no file but the arena",
  async () => {
    const outcome = await runTorture({
      seed: SEED,
      processes: 3,
      locks: 2,
      kills: 20,
      terminates: true,
      isCalm: true,
    });
    expect(outcome).toMatchObject({ violations: 0, files: ["arena.v1"] });
    expect(outcome.operations).toBeGreaterThan(100);
    expect(outcome.abandoned).toBeGreaterThan(0);
    expect(outcome.longestWaitMs).toBeLessThan(10_000);
  },
  LIMIT_MS,
);

test("with slices of ten minutes nobody waits for one", async () => {
  const outcome = await runTorture({
    seed: SEED,
    processes: 3,
    locks: 2,
    ms: 1500,
    sliceMs: 600_000,
    isCalm: true,
  });
  expect(outcome).toMatchObject({ violations: 0, abandoned: 0, files: ["arena.v1"] });
  expect(outcome.operations).toBeGreaterThan(1000);
  expect(outcome.longestWaitMs).toBeLessThan(10_000);
});
