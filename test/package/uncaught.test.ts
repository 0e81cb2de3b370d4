import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program that uses the package as its users do. @returns what it writes to stderr. */
function stderrOf(program: string): string {
  const { stderr, error } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", `import * as manycore from "manycore"; ${program}`],
    { cwd: root, encoding: "utf8", env: { ...process.env, NODE_V8_COVERAGE: undefined } },
  );
  if (error) throw error;
  return stderr;
}

// Node prints the line of code that threw. Were the package written without lines, that would be all of it.
test.each([
  ["thrown by a call", `new manycore.ThreadPoolExecutor().map(Math.sqrt, 5);`, "TypeError"],
  ["thrown by a constructor", `new manycore.SharedMemory(5);`, "TypeError"],
])("an error %s that nobody catches fills no more than a screen", (_, program, kind) => {
  const stderr = stderrOf(program);
  expect(stderr).toContain(kind);
  expect(stderr.split("\n")[1]?.length).toBeLessThan(200);
  expect(stderr.length).toBeLessThan(3000);
});
