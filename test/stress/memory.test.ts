import { describe, expect, test } from "vitest";
import { fixture } from "../faults/kit.ts";
import { hasProc } from "../helpers/processes.ts";
import { startProgram } from "../helpers/run-program.ts";

const MB = 1e6;
const RECORDS = 3_000_000;
const ROWS = 20;

describe.runIf(hasProc).each(["thread", "process"])(
  "memory of a %s pool over three million records",
  (kind) => {
    test.each(["imap", "submits"])("%s", { timeout: 1_800_000 }, async (what) => {
      const program = startProgram(
        fixture("memory.mjs"),
        [kind, what, String(RECORDS), String(RECORDS / ROWS)],
        { execArgv: ["--expose-gc"], timeoutMs: 1_700_000 },
      );
      const { code, stdout } = await program.ended;
      const rows = stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split(" ").map(Number) as [number, number, number, number]);
      const inMb = rows.map(([done, ...bytes]) => [done, ...bytes.map((n) => Math.round(n / MB))]);
      console.log(`${kind} ${what}: records, heap, resident, workers' resident (MB)`);
      console.log(inMb.map((row) => row.join("\t")).join("\n"));
      expect(code).toBe(0);
      expect(rows).toHaveLength(ROWS);
      const [first, last] = [rows[ROWS / 4], rows.at(-1)] as [number[], number[]];
      for (const [column, slack] of [
        [1, 8],
        [2, 60],
        [3, 60],
      ] as const) {
        expect((last[column] as number) - (first[column] as number)).toBeLessThan(slack * MB);
      }
    });
  },
);
