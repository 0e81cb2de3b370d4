import { describe, expect, test } from "vitest";
import { runtime, type RuntimeName } from "../helpers/runtimes.ts";
import { runTorture } from "./torture.ts";

/** Another run: `STRESS_SEED=7 npm run stress`. The seed of a failure is in the name of its test. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);
const RUN_MS = 30_000;
const BOUND_MS = 20_000;
const NAMES: readonly RuntimeName[] = ["node22", "node24", "node26"];
const others = NAMES.map(runtime).filter((path) => path !== undefined);

describe.each([false, true])("locks, pinned to one core: %s", (isPinned) => {
  test(`seed ${SEED}: 1,000 kills leave nothing but the arena`, async () => {
    const outcome = await runTorture({
      seed: SEED,
      processes: 4,
      locks: 3,
      kills: isPinned ? 200 : 1000,
      terminates: true,
      isPinned,
    });
    console.info(outcome);
    expect(outcome).toMatchObject({ violations: 0, files: ["arena.v1"] });
    expect(outcome.abandoned).toBeGreaterThan(0);
    expect(outcome.longestWaitMs).toBeLessThan(BOUND_MS);
  });

  test(`seed ${SEED}: with slices of ten minutes nobody waits for one`, async () => {
    const outcome = await runTorture({
      seed: SEED,
      processes: 4,
      locks: 3,
      ms: RUN_MS,
      sliceMs: 600_000,
      isPinned,
    });
    console.info(outcome);
    expect(outcome).toMatchObject({ violations: 0, abandoned: 0, files: ["arena.v1"] });
    expect(outcome.longestWaitMs).toBeLessThan(BOUND_MS);
  });
});

test.skipIf(others.length === 0)(
  `seed ${SEED}: several versions of Node share one namespace`,
  async () => {
    const outcome = await runTorture({
      seed: SEED,
      processes: 1 + others.length,
      locks: 3,
      kills: 200,
      terminates: true,
      nodes: [process.execPath, ...others],
    });
    console.info(outcome);
    expect(outcome).toMatchObject({ violations: 0, files: ["arena.v1"] });
    expect(outcome.abandoned).toBeGreaterThan(0);
    expect(outcome.longestWaitMs).toBeLessThan(BOUND_MS);
  },
);
