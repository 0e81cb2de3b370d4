import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";

const program = new URL("../fixtures/executor/dropped.mjs", import.meta.url);

async function run(how: string): Promise<{ lines: string[]; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "manycore-dropped-"));
  try {
    const { stdout, stderr, code } = await runProgram(program, [how, join(folder, "go")], {
      execArgv: ["--expose-gc"],
    });
    expect(code, stderr).toBe(0);
    return { lines: stdout.trim().split("\n"), stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.each(["executor", "pool"])(
  "an %s that is dropped while its workers run says so, and they end",
  async (how) => {
    const { lines, stderr } = await run(how);
    expect(lines).toEqual(["ResourceWarning MANYCORE_UNCLOSED", "ended"]);
    expect(stderr).toContain("dropped.mjs");
  },
);

test("what a dropped executor has accepted is done before its workers end", async () => {
  const { lines } = await run("busy");
  expect(lines).toEqual(["ResourceWarning MANYCORE_UNCLOSED", "done", "ended"]);
});

test("one that was closed says nothing", async () => {
  expect(await run("closed")).toMatchObject({ lines: ["ended"] });
});

test("one whose map is still read is not dropped", async () => {
  expect(await run("map")).toMatchObject({ lines: ["[ 1, 4 ]"] });
});
