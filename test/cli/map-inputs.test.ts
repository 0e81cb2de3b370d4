import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FIXTURES, jsonLines, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

function file(name: string, text: string): string {
  const path = join(scratch.path, name);
  writeFileSync(path, text);
  return path;
}

describe("manycore map reads", () => {
  test("lines of standard input when no input is named, CRLF or not", async () => {
    const run = await manycore(["map", "./work.mjs#identity"], { input: "a\r\nb\n\nc" });
    expect(run).toMatchObject({ code: 0, stdout: '"a"\n"b"\n""\n"c"\n' });
    expect(run.stderr).toMatch(/^4 records, 7 B: 4 ok, 0 failed$/m);
  });

  test("a .jsonl file as values, past a byte order mark and blank lines", async () => {
    const path = file("a.jsonl", '\ufeff{"a":1}\n\n[2]\r\n"three"');
    const run = await manycore(["map", "./work.mjs#identity", path, "--envelope"]);
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toMatchObject([
      { index: 0, key: `${path}:1`, ok: true, value: { a: 1 }, attempts: 1 },
      { index: 1, key: `${path}:3`, ok: true, value: [2] },
      { index: 2, key: `${path}:4`, ok: true, value: "three" },
    ]);
  });

  test("several files one after the other, whose last line has no end", async () => {
    const inputs = [file("1.txt", "a\nb"), file("empty.txt", ""), file("2.txt", "c")];
    const args = ["map", "./work.mjs#identity", ...inputs, "--format", "lines", "--envelope"];
    const run = await manycore(args);
    expect(jsonLines(run.stdout)).toMatchObject([
      { index: 0, key: `${inputs[0]}:1`, value: "a" },
      { index: 1, key: `${inputs[0]}:2`, value: "b" },
      { index: 2, key: `${inputs[2]}:1`, value: "c" },
    ]);
  });

  test("lines longer than any read, and characters cut by a read", async () => {
    const text = `${"é".repeat(700_000)}\nshort\n`;
    const args = ["map", "./work.mjs#identity", file("long.txt", text), "--format", "lines"];
    const run = await manycore(args);
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toEqual(["é".repeat(700_000), "short"]);
  });

  test("files matched by patterns, sorted, without those behind an exclamation mark", async () => {
    mkdirSync(join(scratch.path, "tree/deep"), { recursive: true });
    for (const name of ["b.md", "a.md", "deep/c.md", "deep/skipped.md", "d.txt"]) {
      file(join("tree", name), name);
    }
    const args = ["map", join(FIXTURES, "work.mjs#identity"), "tree/**/*.md", "!**/skipped.md"];
    const run = await manycore(args, { cwd: scratch.path });
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toEqual(["tree/a.md", "tree/b.md", "tree/deep/c.md"]);
    expect(run.stderr).toMatch(/^3 files, 17 B: 3 ok/m);
  });

  test("paths from standard input with --format files", async () => {
    const path = file("one.txt", "12345");
    const run = await manycore(
      ["map", "./work.mjs#identity", "--format", "files", "-", "--envelope"],
      {
        input: `${path}\n`,
      },
    );
    expect(jsonLines(run.stdout)).toMatchObject([{ key: path, value: path }]);
    expect(run.stderr).toMatch(/^1 file, 5 B: 1 ok/m);
  });

  test("nothing at all without complaint", async () => {
    expect(await manycore(["map", "./work.mjs#identity"])).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("manycore map finds", () => {
  test("the default export when none is named", async () => {
    const run = await manycore(["map", "work.mjs"], { input: "a\n" });
    expect(run).toMatchObject({ code: 0, stdout: '"A"\n' });
  });

  test("functions of TypeScript and CommonJS modules", async () => {
    const typed = await manycore(["map", "./typed.ts#greet"], { input: "you\n" });
    expect(typed).toMatchObject({ code: 0, stdout: '"hello you"\n' });
    const common = await manycore(["map", "./common.cjs#square"], { input: "7\n" });
    expect(common).toMatchObject({ code: 0, stdout: "49\n" });
  });

  test.each(["process", "thread", "inline"])("them on the %s backend", async (backend) => {
    const args = ["map", "./work.mjs#double", "--backend", backend, "-j", "2"];
    const run = await manycore(args, { input: "1\n2\n3\n" });
    expect(run).toMatchObject({ code: 0, stdout: "2\n4\n6\n" });
  });
});
