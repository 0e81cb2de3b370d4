import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { FIXTURES, jsonLines, MAIN, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const ONE_TO_TEN = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
const ALL_BUT_FIVE = ["1", "2", "3", "4", "6", "7", "8", "9", "10"];

describe("a record that throws", () => {
  test("is told on standard error with the user's frames, and the run goes on", async () => {
    const run = await manycore(["map", "./work.mjs#picky"], { input: ONE_TO_TEN });
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toEqual(["1", "2", "3", "4", "6", "8", "9", "10"]);
    expect(run.stderr).toMatch(
      /^stdin:5 \(record 4, attempt 1\/1, pid \d+\): RangeError: five is right out\n +at picky \(.*work\.mjs:\d+:\d+\)\nstdin:7/m,
    );
    expect(run.stderr).toMatch(/^stdin:7 .*: Error: seven$/m);
    expect(run.stderr).not.toMatch(/dist\/cli|node:/);
    expect(run.stderr).toMatch(/^10 records, 21 B: 8 ok, 2 failed$/m);
  });

  test("is a line of the output with --envelope, and not told twice", async () => {
    const run = await manycore(["map", "./work.mjs#picky", "--envelope"], { input: ONE_TO_TEN });
    expect(run.code).toBe(1);
    const lines = jsonLines(run.stdout);
    expect(lines).toHaveLength(10);
    expect(lines[4]).toEqual({
      index: 4,
      key: "stdin:5",
      ok: false,
      error: {
        name: "RangeError",
        message: "five is right out",
        stack: expect.stringMatching(/^RangeError: five is right out\n +at picky/),
      },
      attempts: 1,
      ms: expect.any(Number),
      worker: expect.any(Number),
      pid: expect.any(Number),
    });
    expect(run.stderr).not.toMatch(/five is right out/);
  });

  test("is tried again as often as --retries says", async () => {
    const args = ["map", "./work.mjs#picky", "--envelope", "--retries", "2"];
    const run = await manycore(args, { input: ONE_TO_TEN });
    expect(run.code).toBe(1);
    const attempts = jsonLines(run.stdout).map((line) => (line as { attempts: number }).attempts);
    expect(attempts).toEqual([1, 1, 1, 1, 3, 1, 3, 1, 1, 1]);
    expect(run.stderr).toMatch(/4 attempts repeated/);
  });

  test("counts as ok when a later attempt succeeds", async () => {
    const args = ["map", "./work.mjs#warmingUp", "-j", "1", "--retries", "1", "--envelope"];
    const run = await manycore(args, { input: "a\nb\n" });
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toMatchObject([
      { value: "a", ok: true, attempts: 2 },
      { value: "b", ok: true, attempts: 1 },
    ]);
  });
});

describe("a record that is malformed", () => {
  test("is told with file and line, is not retried, and the run goes on", async () => {
    const args = ["map", "./work.mjs#identity", "--format", "jsonl", "--retries", "3"];
    const run = await manycore(args, { input: '{"a":1}\n{"b":\n{"c":3}\n' });
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toEqual([{ a: 1 }, { c: 3 }]);
    expect(run.stderr).toMatch(
      /^stdin:2 \(record 1, attempt 1\/1, pid \d+\): SyntaxError: not a JSON value/m,
    );
  });

  test("and so is a return value that JSON cannot hold", async () => {
    const input = "bigint\nfunction\ngenerator\nundefined\n";
    const run = await manycore(["map", "./work.mjs#unwritable"], { input });
    expect(run).toMatchObject({ code: 1, stdout: "null\n" });
    expect(run.stderr).toMatch(/stdin:1 .*cannot be written as JSON/);
    expect(run.stderr).toMatch(/stdin:2 .*returned a function/);
    expect(run.stderr).toMatch(/stdin:3 .*returned a generator/);
  });
});

describe.each(["process", "thread", "inline"])("on the %s backend", (backend) => {
  const printed = ["by child", "by console", "by descriptor", "by number", "by shell", "by stream"];

  test.each(["a pipe", "a file"])("nothing but results gets into %s", async (kind) => {
    const path = join(scratch.path, `${backend}.out`);
    const redirect = kind === "a pipe" ? "| cat" : `> '${path}'`;
    const command = `printf 'a\\nb\\n' | '${process.execPath}' '${MAIN}' map ./work.mjs#loud -q --backend ${backend} ${redirect}`;
    const run = await runProgram("-c", [command], { node: "bash", cwd: FIXTURES });
    expect(kind === "a pipe" ? run.stdout : readFileSync(path, "utf8")).toBe('"a"\n"b"\n');
    const told = run.stderr.split("\n").filter((line) => line !== "");
    expect(told.sort()).toEqual([...printed, ...printed].sort());
  });
});

describe("on the inline backend", () => {
  const args = (name: string): string[] => [
    ...["map", `./work.mjs#${name}`, "--backend", "inline", "--envelope"],
  ];

  test.each([
    ["exits", "process.exit(3) was called"],
    ["exitsCaught", "process.exit(3) was called"],
    ["exitsLater", "process.exit(3) was called"],
    ["exitsInTimer", "process.exit(3) was called"],
    ["throwsInTimer", "five is right out"],
    ["leavesRejection", "five is right out"],
  ])("a record whose function %s has failed, and the run goes on", async (name, message) => {
    const { code, stdout } = await manycore(args(name), { input: "4\n5\n6\n" });
    expect(code).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([
      { ok: true, value: "4" },
      { ok: false, error: { message } },
      { ok: true, value: "6" },
    ]);
  });

  test("a module that exits while it is loaded is refused, as one that throws", async () => {
    const module = "data:text/javascript,process.exit(3); export default String;";
    const run = await manycore(["map", module, "--backend", "inline"], { input: "1\n" });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Cannot load .*: process\.exit\(3\) was called/);
  });

  test("an error that comes when its record is done is told as the function's", async () => {
    const input = "1\n".repeat(2000);
    const run = await manycore([...args("failsAfterwards"), "--chunk", "1"], { input });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/manycore: the function left an error behind .*five is right out/);
  });
});

describe.each(["process", "thread"])("on the %s backend a record that", (backend) => {
  test("ends its worker fails alone, and its neighbours get their results", async () => {
    const args = ["map", "./work.mjs#deadly", "--backend", backend];
    const run = await manycore(args, { input: ONE_TO_TEN });
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toEqual(ALL_BUT_FIVE);
    expect(run.stderr).toMatch(/^stdin:5 .*WorkerCrashedError: the worker died .*exit code 9/m);
    expect(run.stderr).toMatch(/^10 records, 21 B: 9 ok, 1 failed$/m);
  });

  test.each(["stuck", "spinning"])("is %s ends after --timeout, alone", async (name) => {
    const args = ["map", `./work.mjs#${name}`, "--backend", backend, "--timeout", "1s"];
    const run = await manycore(args, { input: ONE_TO_TEN });
    expect(run.code).toBe(1);
    expect(jsonLines(run.stdout)).toEqual(ALL_BUT_FIVE);
    expect(run.stderr).toMatch(
      /^stdin:5 .*TimeoutError: no result within the --timeout of 1000 ms$/m,
    );
  });

  test("prints does so on standard error, so that results stay whole", async () => {
    const args = ["map", "./work.mjs#chatty", "--backend", backend];
    const run = await manycore(args, { input: "a\n" });
    expect(run).toMatchObject({ code: 0, stdout: '"a"\n' });
    expect(run.stderr).toMatch(/^log a$/m);
    expect(run.stderr).toMatch(/^write a$/m);
  });
});
