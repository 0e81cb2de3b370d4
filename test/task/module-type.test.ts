import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ProcessPoolExecutor, tasks, ThreadPoolExecutor } from "manycore";
import { afterAll, describe, expect, test } from "vitest";
import { startProgram } from "../helpers/run-program.ts";
import { runtime } from "../helpers/runtimes.ts";

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "manycore-module-type-")));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MODULE = `import { sep } from "node:path";\nexport const double = (n) => n * 2 * sep.length;\n`;
const AWAITS = `const two = await Promise.resolve(2);\nexport const double = (n) => n * two;\n`;
const COMMONJS = `exports.double = (n) => n * 2;\n`;

/** A module in a folder whose package.json says `type`. */
function moduleOf(type: string | undefined, file: string, text: string): string {
  const folder = join(scratch, type ?? "silent");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type }));
  const path = join(folder, file);
  writeFileSync(path, text);
  return path;
}

async function doubledBy(path: string, kind: "process" | "thread"): Promise<number> {
  const executor =
    kind === "process"
      ? new ProcessPoolExecutor({ maxWorkers: 1 })
      : new ThreadPoolExecutor({ maxWorkers: 1 });
  try {
    const { double } = tasks<{ double: (n: number) => number }>(pathToFileURL(path));
    return await executor.submit(double, 21);
  } finally {
    await executor.shutdown();
  }
}

describe.each(["process", "thread"] as const)("a task's module in a %s", (kind) => {
  test.each([
    ["an ES module in a commonjs package", "commonjs", "esm.js", MODULE, "esm.mjs"],
    ["one with a top-level await", "commonjs", "awaits.js", AWAITS, "awaits.mjs"],
  ])("that is %s fails with the change to make", async (_, type, file, text, renamed) => {
    const path = moduleOf(type, file, text);
    const manifest = join(scratch, "commonjs/package.json");
    await expect(doubledBy(path, kind)).rejects.toThrow(
      `counts as CommonJS, because ${manifest} says "type": "commonjs": ` +
        `rename it to ${renamed}, or set "type": "module" there.`,
    );
  });

  test("that is an ES module by its text and CommonJS by its name fails with the change to make", async () => {
    const path = moduleOf(undefined, "named.cjs", MODULE);
    await expect(doubledBy(path, kind)).rejects.toThrow(
      ".cjs makes it CommonJS: rename it to named.mjs.",
    );
  });

  test("that is CommonJS in a module package fails with the change to make", async () => {
    const path = moduleOf("module", "common.js", COMMONJS);
    await expect(doubledBy(path, kind)).rejects.toThrow(
      `says "type": "module": rename it to common.cjs, or set "type": "commonjs" there.`,
    );
  });

  test("that fails for another reason gets no such advice", async () => {
    const path = moduleOf("commonjs", "broken.js", `nowhere();\n`);
    await expect(doubledBy(path, kind)).rejects.toThrow(/failed: nowhere is not defined$/);
  });
});

const typed = MODULE.replace("(n)", "(n: number)");
const main = `
  import { Pool, tasks } from "manycore";
  const pool = new Pool({ workers: 2 });
  const { double } = tasks(new URL(process.argv[1]));
  console.log(await pool.map(double, [1, 2]));
  await pool.terminate();
`;

describe.each(["node22", "node24", "node26"] as const)("TypeScript under %s", (name) => {
  const node = runtime(name);
  test.skipIf(node === undefined).each([
    ["a commonjs package", "commonjs", typed],
    ["a package without a type", undefined, typed],
    ["a commonjs package, with a top-level await", "commonjs", AWAITS],
  ])("that is an ES module in %s runs, and nobody warns", async (_, type, text) => {
    const path = moduleOf(type, `typed-${text.length}.ts`, text);
    const { ended } = startProgram(main, [pathToFileURL(path).href], {
      node: node!,
      execArgv: ["--input-type=module", "-e"],
      cwd: process.cwd(),
      env: { NODE_OPTIONS: undefined, NODE_V8_COVERAGE: undefined },
    });
    const { stdout, stderr, code } = await ended;
    expect({ stdout, stderr, code }).toEqual({ stdout: "[ 2, 4 ]\n", stderr: "", code: 0 });
  });
});
