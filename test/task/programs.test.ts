import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { fixture } from "./test-worker.ts";

const path = (name: string): string => fileURLToPath(fixture(name));

describe("a program in its own top-level await", () => {
  test("finds its exports and refuses the rest, without waiting for itself", async () => {
    const { stdout, stderr, code } = await runProgram(path("tla-main.mjs"));
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const refused = (what: string, why: string): unknown[] => [
      "ERR_MANYCORE_TASK_NOT_FOUND",
      `${what} cannot be found again in a worker: ${why}. Do one of these:`,
    ];
    expect(JSON.parse(stdout)).toEqual([
      ["square", "export", "square", "undefined"],
      ["math.cube", "export", "math.cube", "undefined"],
      ["renamed", "export", "renamed", "undefined"],
      ["Crawler", "export", "Crawler", "undefined"],
      refused('Function "hidden"', "its module does not export it"),
      refused('Function "sameText"', "its module does not export it"),
      refused(
        "An anonymous function",
        "it was made inside another function, whose variables stay here",
      ),
      144,
    ]);
  });

  test("finds its anonymous default export by its text, and not another function with the same text", async () => {
    const { stdout } = await runProgram(path("tla-default-main.mjs"));
    expect(JSON.parse(stdout)).toEqual({
      name: "default",
      source: 40,
      value: 42,
      other: "ERR_MANYCORE_TASK_NOT_FOUND",
    });
  });
});

test.each([
  ["in 4 GB of addresses", "ulimit -v 4000000; exec", ""],
  ["without WebAssembly", "exec", "--jitless"],
])("exports and inline functions are found %s", async (_where, limit, flag) => {
  const sentence = `${limit} "${process.execPath}" ${flag} "${path("one-of-each.mjs")}"`;
  const { stdout, stderr } = await runProgram("-c", [sentence], { node: "/bin/sh" });
  // Node's own remark on the flag.
  expect(stderr.replaceAll(/^Warning: disabling flag --expose_wasm.*\n/gm, "")).toBe("");
  expect(JSON.parse(stdout)).toEqual([42, "b", 42, "b"]);
});

describe("isMain", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "manycore-main-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("is true in the program and false in what it imports", async () => {
    const { stdout } = await runProgram(path("main.js"));
    expect(stdout).toBe("main true, library false\n");
  });

  test("is true when the program is named without its extension", async () => {
    const { stdout } = await runProgram(path("main-bare"));
    expect(stdout).toBe("main true\n");
  });

  test("is true when the program is started by a link", async () => {
    await symlink(path("main.js"), join(folder, "link"));
    const { stdout } = await runProgram(join(folder, "link"));
    expect(stdout).toBe("main true, library false\n");
  });

  test("is false in another program's import", async () => {
    const { stdout } = await runProgram(path("imports-main.js"));
    expect(stdout).toBe("main false, library false\n");
  });

  test("is true in code given on standard input", async () => {
    const dist = new URL("../../dist/task/index.js", import.meta.url).href;
    const input = `import { isMain } from ${JSON.stringify(dist)}; console.log(isMain(import.meta));`;
    const { stdout } = await runProgram("-", [], { execArgv: ["--input-type=module"], input });
    expect(stdout).toBe("true\n");
  });
});

describe("two copies of the package in one process", () => {
  let copy: string;
  beforeAll(async () => {
    // Inside the repository, so that the copy finds the dependencies.
    copy = await mkdtemp(join(path("../../../node_modules"), ".manycore-copy-"));
    await cp(path("../../../dist"), join(copy, "dist"), { recursive: true });
    await writeFile(join(copy, "package.json"), '{"type":"module"}');
  });
  afterAll(() => rm(copy, { recursive: true }));

  test("know each other's registrations, inline marks and references", async () => {
    const { stdout } = await runProgram(path("two-copies.js"), [join(copy, "dist/task/index.js")]);
    expect(JSON.parse(stdout)).toEqual(["registered", "inline", "export", true]);
  });
});

test("where Node permits no inspector, the error still shows the ways that need none", async () => {
  const { stdout } = await runProgram(path("no-inspector.js"));
  expect(JSON.parse(stdout)).toEqual({
    code: "ERR_MANYCORE_TASK_NOT_FOUND",
    ways: 3,
    registered: "registered",
  });
});
