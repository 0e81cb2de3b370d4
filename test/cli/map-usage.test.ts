import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

describe("wrong use ends with 2 and says what to do:", () => {
  test.each<[string, string[], RegExp]>([
    [
      "an unknown option",
      ["map", "./work.mjs#double", "--jbos", "2"],
      /Unknown option --jbos \(did you mean --jobs\?\)/,
    ],
    ["an unknown command", ["mop"], /Unknown command mop \(did you mean map\?\)/],
    ["no function", ["map"], /Missing required argument 'module#export'/],
    [
      "no export of that name",
      ["map", "./work.mjs#doubel"],
      /\.\/work\.mjs has no export "doubel"; it exports: .*double/,
    ],
    [
      "an export that is no function",
      ["map", "./work.mjs#notAFunction"],
      /export "notAFunction" of \.\/work\.mjs is not a function/,
    ],
    [
      "no default export",
      ["map", "./typed.ts"],
      /\.\/typed\.ts has no default export; it exports: greet/,
    ],
    ["no such module", ["map", "./wrok.mjs#double"], /There is no module \.\/wrok\.mjs/],
    ["another extension", ["map", "./typed.js#greet"], /did you mean \.\/typed\.ts\?/],
    ["an empty export", ["map", "./work.mjs#"], /Expected MODULE#EXPORT/],
    [
      "a module that does not load",
      ["map", "./broken.mjs#x"],
      /Cannot load \.\/broken\.mjs: .*this module does not load/,
    ],
    ["no such file", ["map", "./work.mjs#double", "nowhere.txt"], /There is no file nowhere\.txt/],
    [
      "a pattern without a match",
      ["map", "./work.mjs#double", "nowhere/*.txt"],
      /No file matches nowhere\/\*\.txt/,
    ],
    [
      "a folder",
      ["map", "./work.mjs#double", "."],
      /is a directory; to take its files write '\.\/\*\*\/\*'/,
    ],
    [
      "a format nobody knows",
      ["map", "./work.mjs#double", "--format", "xml"],
      /jsonl, json, csv, tsv, lines, files/,
    ],
    ["a timeout without unit", ["map", "./work.mjs#double", "--timeout", "5"], /write 5s or 5ms/],
    ["jobs that are no number", ["map", "./work.mjs#double", "-j", "all"], /--jobs expects/],
    [
      "retries that are no number",
      ["map", "./work.mjs#double", "--retries", "-1"],
      /--retries expects/,
    ],
    ["two orders", ["map", "./work.mjs#double", "--ordered", "--unordered"], /exclude each other/],
    [
      "an output in no folder",
      ["map", "./work.mjs#double", "-o", "/nowhere/out"],
      /Cannot write \/nowhere\/out/,
    ],
  ])("%s", async (_, args, message) => {
    const run = await manycore(args);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/^manycore: /);
    expect(run.stderr).toMatch(message);
  });
});

describe("the output file", () => {
  test("is created, and refused with 4 when it exists, unless --overwrite is given", async () => {
    const path = join(scratch.path, "out.jsonl");
    const args = ["map", "./work.mjs#double", "-o", path];
    expect(await manycore(args, { input: "1\n2\n" })).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(path, "utf8")).toBe("2\n4\n");

    const refused = await manycore(args, { input: "5\n" });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/exists already; pass --overwrite/);
    expect(readFileSync(path, "utf8")).toBe("2\n4\n");

    expect(await manycore([...args, "--overwrite"], { input: "5\n" })).toMatchObject({ code: 0 });
    expect(readFileSync(path, "utf8")).toBe("10\n");
  });

  test("is not created when the run cannot begin", async () => {
    const path = join(scratch.path, "never.jsonl");
    expect(await manycore(["map", "./work.mjs#nope", "-o", path])).toMatchObject({ code: 2 });
    expect(existsSync(path)).toBe(false);
  });

  test("cannot be an input as well", async () => {
    const path = join(scratch.path, "both.jsonl");
    writeFileSync(path, "1\n");
    const run = await manycore(["map", "./work.mjs#identity", path, "-o", path, "--overwrite"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/is both input and output/);
    expect(readFileSync(path, "utf8")).toBe("1\n");
  });

  test.runIf(existsSync("/dev/full"))("on a full disk ends with 2 and names it", async () => {
    const run = await manycore(["map", "./work.mjs#double", "-o", "/dev/full"], { input: "1\n" });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Cannot write \/dev\/full: ENOSPC/);
  });
});

describe("the command explains itself:", () => {
  test("--help has examples and the exit codes", async () => {
    const run = await manycore(["map", "--help"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/Examples:[\s\S]*manycore map[\s\S]*Exit codes: 0/);
  });

  test("--version prints the version of the package", async () => {
    const manifest = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    ) as { version: string };
    const run = await manycore(["--version"]);
    expect(run).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  test("without a command it prints the help and ends with 2", async () => {
    const run = await manycore([]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Usage: manycore/);
  });
});
