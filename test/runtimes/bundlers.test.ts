import { mkdirSync, rmSync } from "node:fs";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";
import { runProgram } from "../helpers/run-program.ts";
import { project, RUNS_ALL } from "../helpers/runtimes.ts";
import { Scratch } from "../helpers/scratch.ts";

useNamespace("bundlers");

/** Keys of BUILDS in bundlers/build.mjs; those of `npm test` first. */
const QUICK = ["esbuild-esm", "esbuild-cjs-min", "rollup-esm", "webpack-cjs", "webpack-esm-min"];
const OTHERS = [
  ...["esbuild-cjs", "esbuild-esm-min", "tsup-esm", "tsup-cjs", "rollup-cjs", "rolldown"],
  ...["rolldown-min", "vite-ssr", "webpack-esm", "webpack-cjs-min", "ncc"],
];

const installed = project("bundlers");
const run = promisify(execFile);

describe.skipIf(installed === undefined)("a program that was bundled", () => {
  let scratch: Scratch;
  beforeAll(() => {
    scratch = new Scratch("bundlers", installed!);
  });
  afterAll(() => scratch.remove());

  async function build(name: string): Promise<string> {
    const out = scratch.path("out", name.replace(":", "-"));
    mkdirSync(out, { recursive: true });
    const { stdout } = await run(process.execPath, ["build.mjs", name, out], {
      cwd: scratch.folder,
    });
    return stdout.trim().split("\n").at(-1)!;
  }

  /** All bundles first: then the sources go away, as where programs are deployed. */
  const rows = RUNS_ALL ? [...QUICK, ...OTHERS] : QUICK;
  const built = new Map<string, Promise<string>>();
  beforeAll(async () => {
    for (const name of rows) {
      const path = build(name);
      built.set(name, path);
      await path;
    }
    rmSync(scratch.path("src"), { recursive: true });
  }, 300_000);

  test.each(rows)(
    "by %s finds every function, with nothing to configure",
    async (name) => {
      const { stdout, stderr } = await runProgram(await built.get(name)!, [], {
        cwd: tmpdir(),
        timeoutMs: 100_000,
      });
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual({
        ...{ held: 28, failed: {} },
        ...{ subclass: 5, target: 25, manager: 7 },
      });
    },
    120_000,
  );
});
