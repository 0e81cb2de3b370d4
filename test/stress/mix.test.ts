import { describe, expect, test } from "vitest";
import { PROCESS, THREAD } from "../faults/kit.ts";
import { runRound } from "./mix.ts";

/** Another run: `STRESS_SEED=7 npm run stress`; a longer one: `STRESS_MINUTES=30`. A failure names its seed. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);
const RUN_MS = Number(process.env["STRESS_MINUTES"] ?? 0.5) * 60_000;
/** One round alone: `STRESS_ROUND=1000042`. */
const ROUND = process.env["STRESS_ROUND"];

const variants = [THREAD, PROCESS].flatMap((kind) => [
  { kind, concurrency: 1 },
  { kind, concurrency: 4 },
]);

describe.each(variants)("$kind.name, $concurrency at a time", ({ kind, concurrency }) => {
  test(
    "whatever is done to an executor, each task comes to one end",
    { timeout: RUN_MS + 120_000 },
    async () => {
      const end = performance.now() + (ROUND === undefined ? RUN_MS / variants.length : 0);
      let seed = ROUND === undefined ? SEED * 1_000_000 : Number(ROUND);
      for (let isFirst = true; isFirst || performance.now() < end; isFirst = false) {
        const complaints = await runRound({ kind, seed, concurrency });
        expect(complaints, `STRESS_ROUND=${seed}`).toEqual([]);
        seed++;
      }
    },
  );
});
