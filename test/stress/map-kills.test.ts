import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scratchFolder } from "../cli/command.ts";
import { randomOf, Resumable } from "../cli/resume-kit.ts";
import type { Shape } from "../cli/resume-kit.ts";

/** Another run: `STRESS_SEED=7 npm run stress`. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);
const RUNS_PER_SHAPE = 10;

const scratch = scratchFolder();
afterAll(scratch.remove);

const shapes: Shape[] = [
  { format: "jsonl", isOrdered: true, fsync: "batch", isPacked: false, records: 60_000 },
  { format: "jsonl", isOrdered: false, fsync: "never", isPacked: false, records: 30_000 },
  { format: "csv", isOrdered: true, fsync: "never", isPacked: true, records: 30_000 },
  { format: "json", isOrdered: true, fsync: "always", isPacked: false, records: 30_000 },
  { format: "json", isOrdered: false, fsync: "always", isPacked: true, records: 30_000 },
];

describe.each(shapes)(
  "$format, ordered $isOrdered, fsync $fsync, packed $isPacked",
  { timeout: 600_000 },
  (shape) => {
    const folder = mkdtempSync(join(scratch.path, "shape-"));
    const run = new Resumable(folder, shape);
    const random = randomOf(SEED);
    let wentOn = 0;
    beforeAll(() => run.prepare(), 120_000);

    test.each(Array.from({ length: RUNS_PER_SHAPE }, (_, at) => at))(
      "killed at random moments and resumed, it is as if nothing had been (%i)",
      async (at) => {
        // One kill to three, at any moment from before the first line to about the end.
        const kills = 1 + (at % 3);
        const moments = Array.from({ length: kills }, () => random() * run.ms);
        const { differences, hasGoneOn } = await run.killAndResume(`killed-${at}`, moments);
        expect(differences).toEqual([]);
        if (hasGoneOn) wentOn += 1;
      },
    );

    test("most resumed runs went on instead of starting again", () => {
      expect(wentOn).toBeGreaterThan(RUNS_PER_SHAPE / 3);
    });
  },
);
