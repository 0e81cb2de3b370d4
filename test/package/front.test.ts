import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runProgram } from "../helpers/leaks.ts";

describe("the front of the package", () => {
  test("has facades that cannot be told from what they stand for", async () => {
    const { stdout } = await runProgram(fixture("copies.mjs"));
    const { count, faults } = JSON.parse(stdout) as { count: number; faults: string[] };
    expect(faults).toEqual([]);
    expect(count).toBeGreaterThan(100);
  });

  test.for(["new", "extends", "instanceof", "static", "name", "call", "error", "constructor"])(
    "loads what is used first by %s",
    async (use) => {
      const { stdout, stderr } = await runProgram(fixture("first-use.mjs"), [use]);
      expect({ stdout, stderr }).toEqual({ stdout: "ok\n", stderr: "" });
    },
  );

  test("does not stand between inline(), task() and isMain() and who calls them", async () => {
    const { stdout, stderr } = await runProgram(fixture("first-inline.mjs"));
    expect({ stdout, stderr }).toEqual({ stdout: "42 8\n", stderr: "" });
  });
});

describe("a worker that runs a first task", () => {
  test.for(["thread", "process"])("a %s, reads few bytes of the package", async (kind) => {
    const { stdout } = await runProgram(fixture("bytes-read.mjs"), [kind]);
    const { files, bytes } = JSON.parse(stdout) as { files: number; bytes: number };
    // The front, which the module of the task imports, the errors, the entry, its role and the chunk of workers.
    expect(files).toBeLessThanOrEqual(5);
    expect(bytes).toBeLessThan(210_000);
  });
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/package/${name}`, import.meta.url));
}
