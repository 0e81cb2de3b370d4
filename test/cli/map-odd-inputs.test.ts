import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { FIXTURES, jsonLines, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);
const IDENTITY = `${join(FIXTURES, "work.mjs")}#identity`;

/** The same two records in every format of text. */
const TEXTS = {
  lines: 'eins\nzw"ei\n',
  jsonl: '{"a":"eins"}\n{"a":"zwei"}\n',
  json: '[{"a":"eins"},\n{"a":"zwei"}]\n',
  csv: "a,b\neins,1\nzwei,2\n",
  tsv: "a\tb\neins\t1\nzwei\t2\n",
} as const;
type Format = keyof typeof TEXTS;
const FORMATS = Object.keys(TEXTS) as Format[];

let count = 0;
function file(name: string, content: string | Uint8Array): string {
  const path = join(scratch.path, `${count++}-${name}`);
  writeFileSync(path, content);
  return path;
}

function map(format: Format, path: string, ...args: string[]): ReturnType<typeof manycore> {
  return manycore(["map", IDENTITY, path, "--format", format, ...args]);
}

const swapped = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();
const withWrongSum = (packed: Buffer): Buffer =>
  packed.fill(1, packed.length - 8, packed.length - 4);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x49]);

const REFUSED: readonly [string, string, (text: string) => Uint8Array, RegExp][] = [
  ["UTF-16LE with a mark", "a", (t) => Buffer.from(`\ufeff${t}`, "utf16le"), /is UTF-16, and/],
  ["UTF-16BE with a mark", "a", (t) => swapped(`\ufeff${t}`), /is UTF-16, and/],
  ["UTF-16LE without one", "a", (t) => Buffer.from(t, "utf16le"), /is UTF-16LE, and/],
  ["UTF-16BE without one", "a", (t) => swapped(t), /is UTF-16BE, and/],
  ["an empty .gz", "a.gz", () => Buffer.alloc(0), /is no gzip file/],
  ["a .gz of plain text", "a.gz", (t) => Buffer.from(t), /is no gzip file/],
  ["a .gz of one byte", "a.gz", () => Buffer.from([0x1f]), /is no gzip file/],
  ["a .gz of its magic alone", "a.gz", () => Buffer.from([0x1f, 0x8b]), /unexpected end of file/],
  ["a .gz that is cut", "a.gz", (t) => gzipSync(t).subarray(0, -9), /unexpected end of file/],
  [
    "a .gz with more behind it",
    "a.gz",
    (t) => Buffer.concat([gzipSync(t), Buffer.from("more")]),
    /header/,
  ],
  ["a .gz with a wrong sum", "a.gz", (t) => withWrongSum(gzipSync(t)), /incorrect data check/],
  ["a .gz of UTF-16", "a.gz", (t) => gzipSync(Buffer.from(t, "utf16le")), /is UTF-16LE, and/],
  ["zstd", "a", () => zstdMagic, /packed in a way that is not read.*zstd -dc/],
  ["a .br", "a.br", (t) => brotliCompressSync(t), /packed in a way that is not read.*brotli -dc/],
];

describe.each(FORMATS)("%s that is", (format) => {
  test.each(REFUSED)("%s is refused", async (_, name, make, message) => {
    const path = file(name, make(TEXTS[format]));
    // Reads the whole file and starts no worker; a run is refused by the same lines.
    const run = await map(format, path, "--dry-run");
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(message);
  });

  test("broken off is told, and what stands before the break is done", async () => {
    const run = await map(format, file("a.gz", gzipSync(TEXTS[format]).subarray(0, -9)));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Cannot read .*a\.gz: unexpected end of file/);
  });

  test("UTF-8 with a mark is read as without", async () => {
    const plain = await map(format, file("plain", TEXTS[format]));
    const marked = await map(format, file("marked", `\ufeff${TEXTS[format]}`));
    expect(plain.code).toBe(0);
    expect(marked).toMatchObject({ code: 0, stdout: plain.stdout });
    expect(jsonLines(plain.stdout)).toHaveLength(2);
  });

  test("UTF-8 in part fails the records that are not, and keeps their neighbours", async () => {
    const text = TEXTS[format].replace("zw", "z\ufffd");
    const bytes = Buffer.from(text.replace("\ufffd", "\u00fc"), "latin1");
    const run = await map(format, file("latin1", bytes));
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toHaveLength(1);
    expect(run.stdout).toMatch(/eins/);
    expect(run.stderr).toMatch(/not UTF-8 \(read as Latin-1 it starts with .*zü.*convert/);
    expect(run.stderr).toMatch(/1 ok, 1 failed/);
  });

  test("what standard input gives is treated alike", async () => {
    const run = await manycore(["map", IDENTITY, "--format", format], {
      input: TEXTS[format].split("").join("\0"),
    });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/stdin is UTF-16LE/);
  });
});

describe("lines that end with a carriage return alone", () => {
  test.each(FORMATS.filter((format) => format !== "json"))("are refused in %s", async (format) => {
    const run = await map(format, file("cr", TEXTS[format].replaceAll("\n", "\r")));
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/end with a carriage return alone/);
  });

  test("are blanks in json", async () => {
    const run = await map("json", file("cr", TEXTS.json.replaceAll("\n", "\r")));
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toHaveLength(2);
  });

  test.each(["csv", "tsv"] as const)(
    "fail their row in %s, without a header too",
    async (format) => {
      const row = format === "csv" ? "x,1" : "x\t1";
      const path = file("mixed", `${TEXTS[format]}${row}\r${row}\n`);
      const run = await map(format, path);
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/:4 .*carriage return without a line feed/);
      const bare = await map(format, file("bare", `${row}\r${row}\r`), "--no-header");
      expect(bare).toMatchObject({ code: 1, stdout: "" });
    },
  );

  test("belong to a quoted field of csv, and may stand inside a line", async () => {
    const quoted = await map("csv", file("quoted", 'a\n"x\ry"\n'));
    expect(quoted).toMatchObject({ code: 0, stdout: '{"a":"x\\ry"}\n' });
    const bar = await map("lines", file("bar", "10%\r20%\n"));
    expect(bar).toMatchObject({ code: 0, stdout: '"10%\\r20%"\n' });
  });
});

describe("names that objects have already", () => {
  test.each(["csv", "tsv"] as const)("are columns of %s like any other", async (format) => {
    const text = "__proto__,constructor,toString\n1,2,3\n";
    const path = file("names", format === "csv" ? text : text.replaceAll(",", "\t"));
    for (const args of [
      [],
      ["--no-header", "--skip", "1", "--columns", "__proto__,constructor,toString"],
    ]) {
      const run = await map(format, path, ...args);
      expect(run).toMatchObject({
        code: 0,
        stdout: '{"__proto__":"1","constructor":"2","toString":"3"}\n',
      });
    }
  });

  test("are keys of JSON, of --key, --arg and --group-by", async () => {
    const path = file("keys", '{"__proto__":"x"}\n{"a":1}\n');
    for (const format of ["jsonl", "json"] as const) {
      const input = format === "jsonl" ? path : file("keys.json", '[{"__proto__":"x"},{"a":1}]');
      const run = await map(format, input, "--tag", "--key", "__proto__");
      expect(run.code).toBe(0);
      expect(run.stdout).toMatch(/^x\t\{"__proto__":"x"\}\n.*:[12]\t\{"a":1\}\n$/);
    }
    const args = await manycore(
      ["map", join(FIXTURES, "work.mjs#stateOf"), "--arg", "__proto__=y", "--arg", "a=b"],
      { input: "1\n" },
    );
    expect(args).toMatchObject({ code: 0, stdout: '{"__proto__":"y","a":"b"}\n' });
    const groups = await map(
      "jsonl",
      path,
      "--reduce",
      join(FIXTURES, "work.mjs#first"),
      "--group-by",
      "constructor",
    );
    expect(groups.code).toBe(1);
    expect(groups.stderr).toMatch(/no field "constructor"/);
  });
});

describe("a pattern", () => {
  const folder = join(scratch.path, "tree");
  mkdirSync(join(folder, "real/deep"), { recursive: true });
  writeFileSync(join(folder, "real/one.txt"), "1");
  writeFileSync(join(folder, "real/deep/two.txt"), "2");
  symlinkSync("real", join(folder, "link"));
  symlinkSync("..", join(folder, "real/deep/circle"));
  symlinkSync("real/one.txt", join(folder, "file.txt"));
  symlinkSync("nowhere", join(folder, "broken"));

  test("takes links to files, goes into no link to a folder, and starts at one when told so", async () => {
    const all = await manycore(["map", IDENTITY, "**"], { cwd: folder });
    expect(all.code).toBe(0);
    expect(jsonLines(all.stdout)).toEqual(["file.txt", "real/deep/two.txt", "real/one.txt"]);
    const named = await manycore(["map", IDENTITY, "link/**"], { cwd: folder });
    expect(jsonLines(named.stdout)).toEqual(["link/deep/two.txt", "link/one.txt"]);
  });

  test("fails the file whose name is not UTF-8, and refuses to read it or a folder called so", async () => {
    const odd = join(scratch.path, "odd");
    mkdirSync(odd);
    const name = (text: string): Buffer =>
      Buffer.concat([Buffer.from(`${odd}/`), Buffer.from(text, "latin1")]);
    writeFileSync(join(odd, "good.jsonl"), "1\n");
    writeFileSync(name("b\xe4d.jsonl"), "2\n");
    const files = await manycore(["map", IDENTITY, "odd/**", "--format", "files"], {
      cwd: scratch.path,
    });
    expect(files).toMatchObject({ code: 1, stdout: '"odd/good.jsonl"\n' });
    expect(files.stderr).toMatch(/the name of this file is not UTF-8/);
    const read = await manycore(["map", IDENTITY, "odd/*.jsonl"], { cwd: scratch.path });
    expect(read).toMatchObject({ code: 2, stdout: "" });
    expect(read.stderr).toMatch(/its name is not UTF-8/);
    mkdirSync(name("f\xe4ch"));
    const deep = await manycore(["map", IDENTITY, "odd/**", "--format", "files"], {
      cwd: scratch.path,
    });
    expect(deep).toMatchObject({ code: 2, stdout: "" });
    expect(deep.stderr).toMatch(/Cannot read the folder odd\/f.ch: its name is not UTF-8/);
  });
});

describe("a name that says what is in a packed file", () => {
  test.each(["br", "zst", "xz", "bz2", "zip"])("is refused for .jsonl.%s", async (end) => {
    const run = await manycore(["map", IDENTITY, file(`a.jsonl.${end}`, "x")]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/packed in a way that is not read/);
    const path = await manycore(["map", IDENTITY, file(`a.${end}`, "x")]);
    expect(path.code).toBe(0);
  });
});
