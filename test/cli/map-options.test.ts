import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { jsonLines, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const file = (name: string, text?: string | Buffer): string => {
  const path = join(scratch.path, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
};

const numbers = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${at}\n`).join("");

/** The values of a run over the numbers below 20, one per line of JSON. */
async function over20(...args: string[]): Promise<unknown[]> {
  const all = ["map", "./work.mjs#identity", "--format", "jsonl", "-q", ...args];
  const run = await manycore(all, { input: numbers(20) });
  expect(run).toMatchObject({ code: 0, stderr: "" });
  return jsonLines(run.stdout);
}

describe("formats", () => {
  test("are known by the ends of names, packed or not, and outputs are packed by theirs", async () => {
    const inputs = [
      file("a.csv.gz", gzipSync('\ufeffid,name\r\n1,"a ""b"""\r\n2,"c\r\nd"\r\n')),
      file("b.csv", "id,name\n3,é\n"),
    ];
    const output = file("rows.jsonl.gz");
    const args = ["map", "./work.mjs#identity", ...inputs, "-o", output];
    expect(await manycore(args)).toMatchObject({ code: 0 });
    expect(jsonLines(gunzipSync(readFileSync(output)).toString("utf8"))).toEqual([
      { id: "1", name: 'a "b"' },
      { id: "2", name: "c\r\nd" },
      { id: "3", name: "é" },
    ]);
  });

  test("json is an array, tsv has tabs, and --columns or --no-header go without a header", async () => {
    const array = file("a.json", '[{"a":1},\n [2]]');
    const json = await manycore(["map", "./work.mjs#identity", array]);
    expect(jsonLines(json.stdout)).toEqual([{ a: 1 }, [2]]);
    const table = file("a.tsv", "1\t2\n3\t4\n");
    const named = await manycore(["map", "./work.mjs#identity", table, "--columns", "x,y"]);
    expect(jsonLines(named.stdout)[0]).toEqual({ x: "1", y: "2" });
    const bare = await manycore(["map", "./work.mjs#identity", table, "--no-header"]);
    expect(jsonLines(bare.stdout)[1]).toEqual(["3", "4"]);
    const replaced = ["map", "./work.mjs#identity", table, "--header", "--columns", "x,y"];
    expect(jsonLines((await manycore(replaced)).stdout)).toEqual([{ x: "3", y: "4" }]);
    const semicolons = file("b.csv", "a;b\n1;2\n");
    const run = await manycore(["map", "./work.mjs#identity", semicolons, "--delimiter", ";"]);
    expect(jsonLines(run.stdout)).toEqual([{ a: "1", b: "2" }]);
  });

  test("-0 reads what find -print0 writes, as lines and as paths", async () => {
    const lines = await manycore(["map", "./work.mjs#identity", "-0"], { input: "a\nb\0c\0" });
    expect(jsonLines(lines.stdout)).toEqual(["a\nb", "c"]);
    const args = ["map", "./work.mjs#identity", "-0", "--format", "files", "-"];
    const paths = await manycore(args, { input: "a\nb\0c" });
    expect(jsonLines(paths.stdout)).toEqual(["a\nb", "c"]);
  });

  test("a packed input that is cut off gives what it has, and ends with 2", async () => {
    const packed = gzipSync(numbers(300_000), { level: 1 });
    const path = file("cut.jsonl.gz", packed.subarray(0, packed.length - 10));
    const run = await manycore(["map", "./work.mjs#identity", path]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Cannot read .*cut\.jsonl\.gz: unexpected end of file/);
    expect(jsonLines(run.stdout).slice(0, 3)).toEqual([0, 1, 2]);
  });

  test.each<[string, string[], RegExp]>([
    [
      "formats that differ",
      ["a.csv", "b.json"],
      /several formats \(csv, json\); say with --format/,
    ],
    ["-0 with csv", ["a.csv", "-0"], /-0 goes with --format lines, jsonl or files, not with csv/],
    ["a long delimiter", ["a.csv", "--delimiter", "::"], /--delimiter expects one character/],
    ["a delimiter of lines", ["--delimiter", ";"], /--delimiter goes with --format csv/],
    ["columns of lines", ["--columns", "a"], /--columns goes with --format csv or tsv/],
    ["columns alike", ["a.csv", "--columns", "a,a"], /--columns expects different names/],
    ["a share above one", ["--sample", "200%"], /--sample expects a share/],
    ["a size that is none", ["--block", "big"], /--block expects a size such as 64K/],
    ["a limit of none", ["--limit", "0"], /--limit expects a whole number from 1/],
    ["a rate that is none", ["--rate", "quick"], /--rate expects a pace such as 5\/s/],
    ["a halt that is none", ["--halt", "later"], /--halt expects never, or now\|soon,fail/],
    ["a delay range backwards", ["--retry-delay", "2s..1s"], /--retry-delay expects/],
    ["a timeout of the median", ["--timeout", "1x"], /would end half of the records/],
    ["an arg without value", ["--arg", "x"], /--arg expects KEY=VALUE/],
    ["groups of nothing", ["--group-by", "a"], /--group-by needs --reduce/],
    ["teardown alone", ["--teardown", "./work.mjs#tearDown"], /--teardown needs --init/],
    ["--resume with --overwrite", ["-o", "x", "--resume", "--overwrite"], /exclude each other/],
    ["no such init", ["--init", "./work.mjs#nope"], /exports no function "nope"/],
    ["no such module", ["--init", "nope.mjs#x"], /There is no module nope\.mjs/],
  ])("wrong use: %s", async (_, args, message) => {
    file("a.csv", "a\n");
    file("b.json", "[]");
    const inputs = args.map((arg) => (/^[ab]\.\w+$/.test(arg) ? join(scratch.path, arg) : arg));
    const run = await manycore(["map", "./work.mjs#identity", ...inputs]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(message);
  });
});

describe("a part of the input", () => {
  test("is what --skip and --limit leave, under its own numbers", async () => {
    expect(await over20("--skip", "5", "--limit", "3")).toEqual([5, 6, 7]);
    const envelopes = await over20("--skip", "18", "--envelope");
    expect(envelopes).toMatchObject([
      { index: 18, key: "stdin:19", value: 18 },
      { index: 19, key: "stdin:20", value: 19 },
    ]);
  });

  test("is the same random one for the same seed", async () => {
    const some = await over20("--sample", "30%", "--seed", "7");
    expect(some.length).toBeGreaterThan(0);
    expect(some.length).toBeLessThan(20);
    expect(await over20("--sample", "30%", "--seed", "7", "--chunk", "3")).toEqual(some);
    expect(await over20("--sample", "30%", "--seed", "8")).not.toEqual(some);
  });

  test("comes in random order with --shuf, all of it or the first so many", async () => {
    const shuffled = await over20("--shuf");
    expect(shuffled).not.toEqual(await over20());
    expect([...shuffled].sort((a, b) => Number(a) - Number(b))).toEqual(await over20());
    expect(await over20("--shuf", "--limit", "4")).toEqual(shuffled.slice(0, 4));
  });

  test("of files is one as well, and so is a batch of them", async () => {
    const paths = Array.from({ length: 9 }, (_, at) => `${at}\n`).join("");
    const over9 = async (...args: string[]): Promise<unknown[]> => {
      const all = ["map", "./work.mjs#identity", "--format", "files", "-", "-q", ...args];
      return jsonLines((await manycore(all, { input: paths })).stdout);
    };
    expect(await over9("--skip", "3", "--limit", "2")).toEqual(["3", "4"]);
    expect(await over9("--batch", "2", "--envelope", "--limit", "5")).toMatchObject([
      { index: 0, count: 2, value: ["0", "1"] },
      { index: 2, count: 2, value: ["2", "3"] },
      { index: 4, value: ["4"] },
    ]);
    const shuffled = await over9("--shuf", "--seed", "3");
    expect(shuffled).not.toEqual(await over9());
    expect(new Set(shuffled)).toEqual(new Set(await over9()));
    const args = ["map", "./work.mjs#deadlyFile", "--format", "files", "-", "--chunk", "9", "-q"];
    const run = await manycore(args, { input: paths });
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toEqual(["0", "1", "2", "3", "4", "6", "7", "8"]);
  });

  test("is shown by --dry-run, which calls nothing and writes nothing", async () => {
    const output = file("never");
    const args = ["map", "./work.mjs#identity", "-n", "-o", output, "-j", "3"];
    const run = await manycore(args, { input: "a\nb\nc\nd\n" });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(
      /input: +standard input, read as lines\nworkers: +3 process workers/,
    );
    expect(run.stdout).toMatch(/first records:\n {2}"a"\n {2}"b"\n {2}"c"\n$/);
    expect(existsSync(output)).toBe(false);
  });
});

describe("the function", () => {
  test("gets arrays with --batch, and gives a line for each element", async () => {
    const args = ["map", "./work.mjs#doubled", "--batch", "3", "--chunk", "1"];
    const run = await manycore(args, { input: numbers(7) });
    expect(jsonLines(run.stdout)).toEqual([0, 2, 4, 6, 8, 10, 12]);
    const enveloped = await manycore([...args, "--envelope"], { input: numbers(4) });
    expect(jsonLines(enveloped.stdout)).toMatchObject([
      { index: 0, count: 3, value: [0, 2, 4] },
      { index: 3, value: [6] },
    ]);
  });

  test("gets the --args, or what --init made of them; --teardown comes last", async () => {
    const bare = await manycore(["map", "./work.mjs#spied"], { input: "a\n" });
    expect(jsonLines(bare.stdout)).toEqual([{ record: "a", rest: [] }]);
    const args = ["map", "./work.mjs#spied", "--arg", "x=1=2", "-j", "1"];
    const given = await manycore(args, { input: "a\n" });
    expect(jsonLines(given.stdout)).toEqual([{ record: "a", rest: [{ x: "1=2" }] }]);
    const hooks = ["--init", "./work.mjs#setUp", "--teardown", "./work.mjs#tearDown"];
    const made = await manycore([...args, ...hooks], { input: "a\nb\n" });
    const pid: unknown = expect.any(Number);
    expect(jsonLines(made.stdout)).toEqual([
      { record: "a", rest: [{ x: "1=2", pid }] },
      { record: "b", rest: [{ x: "1=2", pid }] },
    ]);
    expect(made.stderr.match(/torn down \{"x":"1=2","pid":\d+\}/g)).toHaveLength(1);
  });

  test("is not called when --init fails: that ends the run with 2", async () => {
    const args = ["map", "./work.mjs#spied", "--init", "./work.mjs#setUp", "--arg", "fail=1"];
    const run = await manycore(args, { input: "a\n" });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/Cannot load \.\/work\.mjs in a worker: .*cannot set up/);
  });

  test("has its values folded by --reduce, per group with --group-by", async () => {
    const sum = ["map", "./work.mjs#identity", "--format", "jsonl", "--reduce", "./work.mjs#plus"];
    const run = await manycore([...sum, "--chunk", "7"], { input: numbers(2000) });
    expect(run).toMatchObject({ code: 0, stdout: "1999000\n" });
    const cities = ["Rom", "Bern", "Rom", "Bern", "Rom"];
    const rows = cities.map((city, at) => `{"city":"${city}","sum":${at}}\n`).join("");
    const args = ["map", "./work.mjs#identity", "--format", "jsonl", "--group-by", "city"];
    const grouped = await manycore([...args, "--reduce", "./work.mjs#total"], { input: rows });
    expect(jsonLines(grouped.stdout)).toEqual([
      { key: "Bern", value: { city: "Bern", sum: 4 } },
      { key: "Rom", value: { city: "Rom", sum: 6 } },
    ]);
    const fussy = ["--reduce", "./work.mjs#fussy", "--chunk", "4"];
    const tooMuch = await manycore([...sum, ...fussy], { input: numbers(20) });
    expect(tooMuch.code).toBe(1);
    expect(tooMuch.stderr).toMatch(/The --reduce function failed .*: RangeError: that is too much/);
    const lost = await manycore([...sum, "--group-by", "x"], { input: "1\n" });
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/TypeError: The value has no field "x"/);
  });

  test("runs again elsewhere, and knows which attempt it is", async () => {
    const args = ["map", "./work.mjs#attempted", "--retries", "1", "-j", "2", "--envelope"];
    const run = await manycore([...args, "--retry-delay", "10ms..1s"], { input: "a\n" });
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toMatchObject([
      { ok: true, attempts: 2, value: { text: "a", attempt: 2, isElsewhere: true } },
    ]);
    const first = await manycore(["map", "./work.mjs#attempted", "-j", "2"], { input: "a\n" });
    expect(first.code).toBe(1);
  });
});

describe("lines of the output", () => {
  test("are called by a field with --key, tagged with --tag, and tell the record", async () => {
    const input = '{"user":{"id":7}}\n{"other":1}\n';
    const args = ["map", "./work.mjs#identity", "--format", "jsonl", "--key", "user.id"];
    const tagged = await manycore([...args, "--tag"], { input });
    expect(tagged.stdout).toBe('7\t{"user":{"id":7}}\nstdin:2\t{"other":1}\n');
    const told = await manycore([...args, "--include-input"], { input });
    expect(jsonLines(told.stdout)).toMatchObject([
      { key: "7", input: { user: { id: 7 } }, ok: true },
      { key: "stdin:2", input: { other: 1 } },
    ]);
  });

  test("of failed records go to --errors, with their input, malformed or not", async () => {
    const errors = file("errors.jsonl");
    const args = ["map", "./work.mjs#picky", "--errors", errors];
    const run = await manycore(args, { input: "1\n5\n" });
    expect(run).toMatchObject({ code: 1, stdout: '"1"\n' });
    expect(run.stderr).toMatch(/1 ok, 1 failed \(in .*errors\.jsonl/);
    expect(run.stderr).not.toMatch(/five is right out/);
    expect(jsonLines(readFileSync(errors, "utf8"))).toMatchObject([
      { index: 1, key: "stdin:2", input: "5", ok: false, error: { name: "RangeError" } },
    ]);
    const again = await manycore(args, { input: "1\n" });
    expect(again.code).toBe(4);
    const malformed = ["map", "./work.mjs#identity", "--format", "jsonl", "--overwrite"];
    await manycore([...malformed, "--errors", errors], { input: "{x\n" });
    expect(jsonLines(readFileSync(errors, "utf8"))).toMatchObject([{ input: "{x" }]);
  });

  test("go behind what a file has with --append", async () => {
    const output = file("appended", "before\n");
    await manycore(["map", "./work.mjs#identity", "-o", output, "--append"], { input: "a\n" });
    expect(readFileSync(output, "utf8")).toBe('before\n"a"\n');
  });
});

test("--summary json tells the sums to programs", async () => {
  const run = await manycore(["map", "./work.mjs#identity", "--summary", "json"], { input: "a\n" });
  expect(jsonLines(run.stderr)).toMatchObject([{ unit: "record", done: 1, ok: 1, failed: 0 }]);
});
