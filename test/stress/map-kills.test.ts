import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manycore, scratchFolder, startManycore } from "../cli/command.ts";
import { randomOf, Resumable } from "../cli/resume-kit.ts";
import type { Shape } from "../cli/resume-kit.ts";

/** Another run: `STRESS_SEED=7 npm run stress`. */
const SEED = Number(process.env["STRESS_SEED"] ?? 1);
const RUNS_PER_SHAPE = 10;

const scratch = scratchFolder();
afterAll(scratch.remove);

test("--retry-failed killed at random moments loses nothing and says nothing twice", async () => {
  const folder = mkdtempSync(join(scratch.path, "retry-"));
  const at = (name: string): string => join(folder, name);
  const records = 6000;
  const random = randomOf(SEED);
  writeFileSync(at("in.txt"), Array.from({ length: records }, (_, id) => `${id}\n`).join(""));
  writeFileSync(at("broken"), "");
  const args = [
    ...["map", "./work.mjs#mendable", at("in.txt"), "--format", "lines", "-q", "-j", "2"],
    ...["-o", at("out"), "--errors", at("errors"), "--fsync", "always", "--block", "1K"],
  ];
  const env = { MANYCORE_TEST_BROKEN: at("broken") };
  expect(await manycore([...args, "--resume"], { env })).toMatchObject({ code: 1 });
  rmSync(at("broken"));
  for (let kills = 0; kills < 20; kills++) {
    const run = startManycore([...args, "--retry-failed"], { env });
    await Promise.race([sleep(150 + 400 * random()), run.ended]);
    run.child.kill("SIGKILL");
    await run.ended;
  }
  expect(await manycore([...args, "--retry-failed"], { env })).toMatchObject({ code: 0 });
  const lines = readFileSync(at("out"), "utf8").split("\n").slice(0, -1);
  const found = lines.map((line) => Number(line.slice('"ok '.length, -1))).sort((a, b) => a - b);
  expect(found).toEqual(Array.from({ length: records }, (_, id) => id));
  expect(readFileSync(at("errors"), "utf8")).toBe("");
});

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
