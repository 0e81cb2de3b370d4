import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { FIXTURES, MAIN, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const INPUT = "1\n2\n3\n";
const OPTIONS = ["-o", "--errors", "--joblog", "--trace", "--journal"] as const;

let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(scratch.path, String(count++));
  mkdirSync(folder);
  writeFileSync(join(folder, "k.jsonl"), INPUT);
});

function map(args: readonly string[]): ReturnType<typeof manycore> {
  const target = `${join(FIXTURES, "work.mjs")}#identity`;
  return manycore(["map", target, "--overwrite", ...args], { cwd: folder });
}

/** The options that name files, each with its own. */
function filesBut(option: string, path: string): string[] {
  const args = option === "-o" ? [] : ["-o", "own.jsonl"];
  return [...args, option, path];
}

const LINKS: readonly [string, () => string][] = [
  ["its own name", () => "k.jsonl"],
  ["another spelling of its path", () => "../" + folder.split("/").at(-1)! + "/./k.jsonl"],
  ["a hard link", () => (linkSync(join(folder, "k.jsonl"), join(folder, "h.jsonl")), "h.jsonl")],
  ["a symbolic link", () => (symlinkSync("k.jsonl", join(folder, "s.jsonl")), "s.jsonl")],
  ["a link to its folder", () => (symlinkSync(".", join(folder, "d")), "d/k.jsonl")],
];

describe.each(LINKS)("an input that is an output by %s", (_, link) => {
  test.each(OPTIONS)(
    "is refused for %s, keeps its content, and nothing is made",
    async (option) => {
      const name = link();
      const before = readdirSync(folder).sort();
      const run = await map(["k.jsonl", ...filesBut(option, name)]);
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(/k\.jsonl is both input and output/);
      expect(readFileSync(join(folder, "k.jsonl"), "utf8")).toBe(INPUT);
      expect(readdirSync(folder).sort()).toEqual(before);
    },
  );
});

const PAIRS = OPTIONS.flatMap((one, at) => OPTIONS.slice(at + 1).map((two) => [one, two] as const));

describe("two outputs that are one file", () => {
  test.each(PAIRS)("%s and %s are refused under one name", async (one, two) => {
    const output = one === "-o" ? [] : ["-o", "own.jsonl"];
    const run = await map(["k.jsonl", ...output, one, "x.out", two, "./x.out"]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/x\.out and .*x\.out are one file/);
    expect(readdirSync(folder)).toEqual(["k.jsonl"]);
  });

  test("are refused through a folder's link and through a link that points to nothing yet", async () => {
    symlinkSync(".", join(folder, "d"));
    symlinkSync("later", join(folder, "soon"));
    for (const [one, two] of [
      ["new", "d/new"],
      ["soon", "later"],
      ["d/soon", "d/d/later"],
    ] as const) {
      const run = await map(["k.jsonl", "-o", one, "--errors", two]);
      expect(run).toMatchObject({ code: 2, stderr: expect.stringMatching(/are one file/) });
    }
    expect(readdirSync(folder).sort()).toEqual(["d", "k.jsonl", "soon"]);
  });

  test("are refused when one is the default name of the journal", async () => {
    const run = await manycore(
      [
        "map",
        join(FIXTURES, "work.mjs"),
        "k.jsonl",
        "-o",
        "x",
        "--resume",
        "--errors",
        "x.journal",
      ],
      { cwd: folder },
    );
    expect(run).toMatchObject({ code: 2, stderr: expect.stringMatching(/are one file/) });
    expect(readdirSync(folder)).toEqual(["k.jsonl"]);
  });

  test("may be a device", async () => {
    const run = await map(["k.jsonl", "-o", "/dev/null", "--errors", "/dev/null"]);
    expect(run.code).toBe(0);
  });
});

describe("standard streams that are files", () => {
  test.each([
    ["standard output appends to the input", [], "ignore", "k.jsonl", undefined],
    ["standard input is the output", ["-", "-o", "k.jsonl"], "k.jsonl", "ignore", undefined],
    [
      "standard output is the file of errors",
      ["k.jsonl", "--errors", "e"],
      "ignore",
      "e",
      undefined,
    ],
    ["standard error is the job log", ["k.jsonl", "--joblog", "e"], "ignore", "ignore", "e"],
  ] as const)("a run is refused when %s", async (_, args, stdin, stdout, stderr) => {
    const input = args.length === 0 ? ["k.jsonl"] : args;
    const fds: number[] = [];
    const open = (name: string, flags: string): number => {
      fds.push(openSync(join(folder, name), flags));
      return fds.at(-1)!;
    };
    const child = spawn(
      process.execPath,
      [MAIN, "map", join(FIXTURES, "work.mjs#identity"), ...input, "--overwrite"],
      {
        cwd: folder,
        stdio: [
          stdin === "ignore" ? "ignore" : open(stdin, "r"),
          stdout === "ignore" ? "ignore" : open(stdout, "a"),
          stderr === undefined ? "ignore" : open(stderr, "a"),
        ],
      },
    );
    const [code] = (await once(child, "exit")) as [number];
    for (const fd of fds) closeSync(fd);
    expect(code).toBe(2);
    expect(readFileSync(join(folder, "k.jsonl"), "utf8")).toBe(INPUT);
  });
});

describe("a run that is refused or cannot open a file", () => {
  test.each([
    ["--errors", "no/such/folder/e"],
    ["--joblog", "no/such/folder/j"],
    ["--trace", "no/such/folder/t"],
    ["--journal", "no/such/folder/t"],
  ])("leaves the other files as they were: %s", async (option, path) => {
    writeFileSync(join(folder, "old"), "kept\n");
    const run = await map(["k.jsonl", "-o", "old", "--errors", "new", option, path]);
    expect(run.code).toBe(2);
    expect(readFileSync(join(folder, "old"), "utf8")).toBe("kept\n");
    expect(existsSync(join(folder, "new"))).toBe(false);
    expect(existsSync(join(folder, "old.journal"))).toBe(false);
  });

  test.each(["-o", "--errors", "--joblog", "--trace"])(
    "with a %s that exists makes no other file",
    async (option) => {
      writeFileSync(join(folder, "old"), "kept\n");
      const output = option === "-o" ? [] : ["-o", "new"];
      const run = await manycore(
        ["map", join(FIXTURES, "work.mjs#identity"), "k.jsonl", ...output, option, "old"],
        { cwd: folder },
      );
      expect(run.code).toBe(4);
      expect(readdirSync(folder).sort()).toEqual(["k.jsonl", "old"]);
      expect(readFileSync(join(folder, "old"), "utf8")).toBe("kept\n");
    },
  );

  test("does not write over the module of its function", async () => {
    writeFileSync(join(folder, "f.mjs"), "export default (x) => x;\n");
    const run = await manycore(["map", "./f.mjs", "k.jsonl", "-o", "f.mjs", "--overwrite"], {
      cwd: folder,
    });
    expect(run).toMatchObject({ code: 2, stderr: expect.stringMatching(/is the module/) });
    expect(readFileSync(join(folder, "f.mjs"), "utf8")).toMatch(/export/);
  });
});
