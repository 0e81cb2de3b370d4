import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { untilLine } from "../helpers/run-program.ts";
import { FIXTURES, Gate, jsonLines, manycore, scratchFolder, startManycore } from "./command.ts";
import { randomOf, Resumable } from "./resume-kit.ts";
import type { Shape } from "./resume-kit.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(scratch.path, "run-"));
});

const file = (name: string, text?: string): string => {
  const path = join(folder, name);
  if (text !== undefined) writeFileSync(path, text);
  return path;
};

const numbers = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${at}\n`).join("");

describe("kill -9 and --resume give what an undisturbed run gives:", () => {
  const shapes: [string, Shape, number[]][] = [
    [
      "ordered jsonl, byte by byte",
      { format: "jsonl", isOrdered: true, fsync: "never", isPacked: false, records: 30_000 },
      [0.35, 0.6, 0.8],
    ],
    [
      "unordered csv, packed, as a set",
      { format: "csv", isOrdered: false, fsync: "always", isPacked: true, records: 10_000 },
      [0.5, 0.75],
    ],
  ];
  test.each(shapes)("%s", async (_, shape, moments) => {
    const run = new Resumable(folder, shape);
    await run.prepare();
    const random = randomOf(1);
    const times = moments.map((share) => run.ms * (share + 0.1 * random()));
    expect(await run.killAndResume("killed", times)).toEqual({ differences: [], hasGoneOn: true });
  });
});

describe("a run with a journal", () => {
  let gate: Gate;
  beforeEach(async () => {
    gate = await Gate.listen(folder);
  });
  afterEach(() => gate.close());

  const args = (...more: string[]): string[] => [
    ...["map", join(FIXTURES, "work.mjs#gated"), join(folder, "in.txt"), "--format", "lines"],
    ...["-o", join(folder, "out"), "--fsync", "always", "-j", "2", ...more],
  ];

  test("goes on after Ctrl-C without a gap, whatever was done out of order", async () => {
    file("in.txt", numbers(20));
    const run = startManycore(args("--journal"), { env: gate.env });
    const guests = [await gate.next(run), await gate.next(run)];
    guests.find(({ record }) => record === "1")?.letIn();
    const third = await gate.next(run);
    run.child.kill("SIGINT");
    await untilLine(run, /nothing more is read/, { stream: "stderr" });
    third.letIn();
    guests.find(({ record }) => record === "0")?.letIn();
    gate.open();
    const stopped = await run.ended;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/Go on with the same line and --resume/);
    const rest = await manycore(args("--resume"), { env: gate.env });
    expect(rest.code).toBe(0);
    expect(rest.stderr).toMatch(/done before/);
    expect(readFileSync(file("out"), "utf8")).toBe(numbers(20).replaceAll(/\d+/g, '"$&"'));
  });

  test("keeps others off it while it runs", async () => {
    file("in.txt", "1\n");
    const run = startManycore(args("--journal"), { env: gate.env });
    await gate.next(run);
    const other = await manycore(args("--resume"));
    expect(other).toMatchObject({ code: 4 });
    expect(other.stderr).toMatch(/Another run \(process \d+\) is writing .*out\.journal/);
    run.child.kill("SIGKILL");
    await run.ended;
    gate.open();
    expect(await manycore(args("--resume"), { env: gate.env })).toMatchObject({ code: 0 });
    expect(readFileSync(file("out"), "utf8")).toBe('"1"\n');
  });

  test("keeps what --append found in its files, although it was killed before its first line", async () => {
    file("in.txt", "1\n");
    const more = ["--append", "--errors", file("err", "old error\n")];
    more.push("--joblog", file("joblog", "old row\n"));
    file("out", '"old"\n');
    const run = startManycore(args("--journal", ...more), { env: gate.env });
    await gate.next(run);
    run.child.kill("SIGKILL");
    await run.ended;
    gate.open();
    expect(await manycore(args("--resume", ...more), { env: gate.env })).toMatchObject({ code: 0 });
    expect(readFileSync(file("out"), "utf8")).toBe('"old"\n"1"\n');
    expect(readFileSync(file("err"), "utf8")).toBe("old error\n");
    expect(readFileSync(file("joblog"), "utf8")).toMatch(/^old row\n1\t.*\n$/);
  });

  test("that is complete stays as it is", async () => {
    gate.open();
    file("in.txt", numbers(3));
    await manycore(args("--resume"), { env: gate.env });
    const again = await manycore(args("--resume"), { env: gate.env });
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/^0 records: 0 ok, 0 failed\n3 done before$/m);
    expect(readFileSync(file("out"), "utf8")).toBe('"0"\n"1"\n"2"\n');
  });
});

describe("the journal", () => {
  const args = (...more: string[]): string[] => [
    ...["map", join(folder, "work.mjs#identity"), join(folder, "in.txt"), "--format", "lines"],
    ...["-o", join(folder, "out"), ...more],
  ];

  beforeEach(async () => {
    copyFileSync(join(FIXTURES, "work.mjs"), file("work.mjs"));
    file("in.txt", numbers(3));
    await manycore(args("--journal"));
  });

  test.each<[string, () => void, string[], RegExp]>([
    ["another content", () => file("in.txt", numbers(4)), [], /the input .*in\.txt has changed/],
    [
      "a touched file",
      () => utimesSync(file("in.txt"), 1, 1),
      [],
      /the input .*in\.txt has changed/,
    ],
    [
      "another function",
      () => appendFileSync(file("work.mjs"), "// mended\n"),
      [],
      /the module of .*work\.mjs#identity has changed/,
    ],
    [
      "other options",
      () => undefined,
      ["--limit", "2", "--unordered"],
      /--keep-order was true, is false; --limit was null, is 2/,
    ],
  ])("is refused with 4 for %s, which is named", async (_, change, more, message) => {
    change();
    const run = await manycore(args("--resume", ...more));
    expect(run).toMatchObject({ code: 4, stdout: "" });
    expect(run.stderr).toMatch(/^manycore: Cannot go on with the run of .*out\.journal: /);
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/start again with --overwrite/);
  });

  test("that exists is refused with 4 without --resume, and replaced by --overwrite", async () => {
    const refused = await manycore(args("--journal"));
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/tells of an earlier run; pass --resume/);
    expect(await manycore(args("--journal", "--overwrite"))).toMatchObject({ code: 0 });
  });

  test("does not care for a last line that was cut off, nor for lines ahead of the output", async () => {
    appendFileSync(file("out.journal"), '{"done":[[0,6,9');
    truncateSync(file("out"), 5);
    const run = await manycore(args("--resume"));
    expect(run.code).toBe(0);
    expect(readFileSync(file("out"), "utf8")).toBe('"0"\n"1"\n"2"\n');
  });

  test("that is none is refused with 4", async () => {
    for (const text of ["hello\nthere\n", "no line"]) {
      file("out.journal", text);
      const run = await manycore(args("--resume"));
      expect(run.code).toBe(4);
      expect(run.stderr).toMatch(/out\.journal:1 is not a line of a journal/);
    }
  });

  test("whose first line was cut off is that of a run that has not begun", async () => {
    rmSync(file("out"));
    file("out.journal", '{"journal":"manycore map","vers');
    const run = await manycore(args("--resume"));
    expect(run.code).toBe(0);
    expect(readFileSync(file("out"), "utf8")).toBe('"0"\n"1"\n"2"\n');
  });

  test("is in the way of an output without a journal", async () => {
    rmSync(file("out.journal"));
    const run = await manycore(args("--resume"));
    expect(run.code).toBe(4);
    expect(run.stderr).toMatch(/out exists already/);
  });

  test("needs an input that can be read again, an output that can be cut, and a folder", async () => {
    const piped = await manycore(["map", "./work.mjs#identity", "-o", file("x"), "--journal"]);
    expect(piped.code).toBe(2);
    expect(piped.stderr).toMatch(/A run over a pipe cannot be resumed/);
    const bare = await manycore(["map", "./work.mjs#identity", "--resume"]);
    expect(bare.code).toBe(2);
    expect(bare.stderr).toMatch(/add -o FILE/);
    const nowhere = await manycore(args("--journal", "/nowhere/journal"));
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toMatch(/there is no folder \/nowhere/);
  });

  test.runIf(existsSync("/dev/full"))("that cannot be written ends the run with 2", async () => {
    const run = await manycore(args("--journal", "/dev/full", "--overwrite"));
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/Cannot write \/dev\/full: ENOSPC/);
  });
});

describe("--append", () => {
  test("keeps what the file has, also when it is resumed", async () => {
    const args = ["map", "./work.mjs#identity", file("in.txt", "1\n"), "--format", "lines"];
    const output = file("out", "before\n");
    const run = await manycore([...args, "-o", output, "--append", "--journal"]);
    expect(run.code).toBe(0);
    truncateSync(output, 8);
    await manycore([...args, "-o", output, "--append", "--resume"]);
    expect(readFileSync(output, "utf8")).toBe('before\n"1"\n');
  });
});

describe("--retry-failed", () => {
  const args = (...more: string[]): string[] => [
    ...["map", "./work.mjs#mendable", join(folder, "in.txt"), "--format", "lines", "-q"],
    ...["-o", join(folder, "out"), "--errors", join(folder, "errors.jsonl"), ...more],
  ];
  const env = (): Record<string, string> => ({ MANYCORE_TEST_BROKEN: join(folder, "broken") });

  test("runs what failed again, appends what went well, and leaves the errors that stay", async () => {
    file("in.txt", numbers(10));
    file("broken", "");
    expect(await manycore(args("--resume"), { env: env() })).toMatchObject({ code: 1 });
    const failed = (): unknown[] =>
      jsonLines(readFileSync(file("errors.jsonl"), "utf8")).map(
        (line) => (line as { input: string }).input,
      );
    expect(failed()).toEqual(["0", "3", "6", "9"]);

    expect(await manycore(args("--retry-failed"), { env: env() })).toMatchObject({ code: 1 });
    expect(failed()).toEqual(["0", "3", "6", "9"]);

    rmSync(file("broken"));
    expect(await manycore(args("--retry-failed"), { env: env() })).toMatchObject({ code: 0 });
    expect(statSync(file("errors.jsonl")).size).toBe(0);
    expect(jsonLines(readFileSync(file("out"), "utf8"))).toEqual(
      ["1", "2", "4", "5", "7", "8", "0", "3", "6", "9"].map((text) => `ok ${text}`),
    );
    // Nothing failed any more, so nothing is to be done.
    expect(await manycore(args("--retry-failed"), { env: env() })).toMatchObject({ code: 0 });
    expect(await manycore(args("--resume"), { env: env() })).toMatchObject({ code: 0 });
  });

  test("leaves the errors that --append found", async () => {
    file("in.txt", numbers(4));
    file("broken", "");
    file("errors.jsonl", "old error\n");
    expect(await manycore(args("--resume", "--append"), { env: env() })).toMatchObject({ code: 1 });
    rmSync(file("broken"));
    const repaired = await manycore(args("--retry-failed", "--append"), { env: env() });
    expect(repaired).toMatchObject({ code: 0 });
    expect(readFileSync(file("errors.jsonl"), "utf8")).toBe("old error\n");
  });

  test("is refused when there is no journal, or a run that is not at its end", async () => {
    file("in.txt", numbers(10));
    const none = await manycore(args("--retry-failed"), { env: env() });
    expect(none.code).toBe(4);
    expect(none.stderr).toMatch(/There is no journal .* to tell what failed/);
    file("broken", "");
    const halted = [...args("--resume", "--chunk", "1", "-j", "1"), "--halt", "now,fail=1"];
    expect(await manycore(halted, { env: env() })).toMatchObject({ code: 3 });
    const early = await manycore(args("--retry-failed"), { env: env() });
    expect(early.code).toBe(4);
    expect(early.stderr).toMatch(/is not at its end; let it get there with --resume first/);
  });
});
