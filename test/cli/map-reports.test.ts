import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { FIXTURES, jsonLines, MAIN, manycore, scratchFolder, startManycore } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `${at}\n`).join("");

describe("failures that are alike", () => {
  test("are told once, and counted", async () => {
    const run = await manycore(["map", "./work.mjs#alike", "--progress", "none"], {
      input: lines(5000),
    });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr.match(/RangeError: number \d+ of "/g)?.length).toBe(2);
    expect(run.stderr).toMatch(/^2,499 more like stdin:\d+: RangeError: number \d+ of "\d+"$/m);
    expect(run.stderr).toMatch(/^2,499 more like stdin:\d+: TypeError: odd$/m);
    expect(run.stderr.split("\n").length).toBeLessThan(20);
  });

  test("are all told by --verbose, by --errors and by --progress json", async () => {
    const errors = join(scratch.path, "errors");
    const args = ["map", "./work.mjs#alike"];
    const loud = await manycore([...args, "-v"], { input: lines(100) });
    expect(loud.stderr.match(/RangeError: number/g)).toHaveLength(50);
    const json = await manycore([...args, "--progress", "json", "--errors", errors], {
      input: lines(100),
    });
    expect(
      jsonLines(json.stderr).filter((line) => (line as { event: string }).event === "failed"),
    ).toHaveLength(100);
    expect(jsonLines(readFileSync(errors, "utf8"))).toHaveLength(100);
  });

  test("of more kinds than anybody reads are counted, too", async () => {
    const run = await manycore(["map", "./work.mjs#unlike", "--progress", "none"], {
      input: lines(200),
    });
    expect(run.stderr).toMatch(/^150 other errors of further kinds$/m);
  });
});

describe("a standard stream that nobody reads", () => {
  test.each(["plain", "json", "bar"])(
    "does not end a run: standard error, --progress %s",
    async (mode) => {
      const output = join(scratch.path, `unread-${mode}`);
      const command = `seq 2000 | '${process.execPath}' '${MAIN}' map ./work.mjs#alike --progress ${mode} -v -o '${output}' 2> >(exit 0); echo $?`;
      const run = await runProgram("-c", [command], { node: "bash", cwd: FIXTURES });
      expect(run.stdout).toBe("1\n");
    },
  );

  test.each([["--help"], ["--version"], ["completion", "bash"], ["ps"]])(
    "does not fail %s",
    async (...args) => {
      const command = `'${process.execPath}' '${MAIN}' ${args.join(" ")} > >(exit 0); echo $? >&2`;
      const run = await runProgram("-c", [command], { node: "bash", cwd: FIXTURES });
      expect(run.stderr).toBe("0\n");
    },
  );

  test.each([["--help"], ["completion", "bash"], ["map", "./work.mjs", "work.mjs", "--dry-run"]])(
    "is told when it is full: %s",
    async (...args) => {
      const command = `'${process.execPath}' '${MAIN}' ${args.join(" ")} > /dev/full; echo $?`;
      const run = await runProgram("-c", [command], { node: "bash", cwd: FIXTURES });
      expect(run.stdout).toBe("2\n");
      expect(run.stderr).toMatch(/Cannot write standard output: ENOSPC/);
    },
  );
});

describe("a journal", () => {
  const args = (name: string): string[] => [
    ...["map", join(FIXTURES, "work.mjs#identity"), join(scratch.path, "input.txt")],
    ...["--format", "lines", "-o", join(scratch.path, name), "--resume", "--chunk", "10"],
    ...["--fsync", "always", "--progress", "json"],
  ];
  const finished = async (name: string): Promise<string> => {
    writeFileSync(join(scratch.path, "input.txt"), lines(400));
    await manycore(args(name));
    return readFileSync(join(scratch.path, `${name}.journal`), "utf8");
  };

  test.each<[string, (lines: string[]) => unknown]>([
    ["a line taken out", (all) => all.splice(2, 1)],
    ["the first block taken out", (all) => all.splice(1, 1)],
    ["a line twice", (all) => all.splice(2, 0, all[2]!)],
    ["two lines in the other order", (all) => all.splice(2, 2, all[3]!, all[2]!)],
    ["a number changed", (all) => (all[2] = all[2]!.replace(/\d/, "9"))],
    ["another head", (all) => (all[0] = all[0]!.replace('"--skip":0', '"--skip":1'))],
  ])("with %s is refused, and the output stays", async (what, change) => {
    const name = what.replaceAll(" ", "-");
    const all = (await finished(name)).split("\n");
    expect(all.length).toBeGreaterThan(5);
    change(all);
    // As if the run had not been at its end.
    const cut = all.filter((line) => !line.includes('"end":true')).join("\n");
    writeFileSync(join(scratch.path, `${name}.journal`), cut.endsWith("\n") ? cut : `${cut}\n`);
    const before = readFileSync(join(scratch.path, name), "utf8");
    const run = await manycore(args(name));
    expect(run).toMatchObject({ code: 4, stdout: "" });
    expect(readFileSync(join(scratch.path, name), "utf8")).toBe(before);
  });

  test("whose last lines are gone makes the run do them again", async () => {
    const all = (await finished("short")).split("\n");
    writeFileSync(join(scratch.path, "short.journal"), `${all.slice(0, 2).join("\n")}\n`);
    const before = readFileSync(join(scratch.path, "short"), "utf8");
    const run = await manycore(args("short"));
    expect(run.code).toBe(0);
    expect(readFileSync(join(scratch.path, "short"), "utf8")).toBe(before);
    const [first] = jsonLines(run.stderr) as {
      recordsBefore: number;
      bytesBefore: number;
      fraction: number;
    }[];
    expect(first?.recordsBefore).toBeGreaterThan(0);
    expect(first?.bytesBefore).toBeGreaterThan(0);
    expect(first?.fraction).toBeGreaterThan(0);
    expect(first?.fraction).toBeLessThan(1);
  });

  test("beside an output with a line taken out is refused", async () => {
    const all = (await finished("holed")).split("\n");
    writeFileSync(join(scratch.path, "holed.journal"), `${all.slice(0, 5).join("\n")}\n`);
    const output = readFileSync(join(scratch.path, "holed"), "utf8").split("\n");
    output[3] = "";
    writeFileSync(
      join(scratch.path, "holed"),
      output.filter((line) => line !== "").join("\n") + "\n",
    );
    expect((await manycore(args("holed"))).code).toBe(4);
  });

  test("that another run has is refused by its process, also while that is stopped", async () => {
    writeFileSync(join(scratch.path, "one.txt"), "1\n");
    const taken = [
      ...["map", join(FIXTURES, "work.mjs#sleepy"), join(scratch.path, "one.txt")],
      ...["--format", "lines", "-o", join(scratch.path, "taken"), "--resume"],
    ];
    const holder = startManycore(taken);
    try {
      await expect.poll(() => holder.stderr, { timeout: 20_000 }).toMatch(/asleep/);
      const other = await manycore(taken);
      expect(other.code).toBe(4);
      expect(other.stderr).toContain(`Another run (process ${holder.pid}) is writing`);
      holder.child.kill("SIGSTOP");
      const stopped = await manycore(taken);
      expect(stopped.code).toBe(4);
      expect(stopped.stderr).toMatch(/Another run is writing/);
    } finally {
      holder.child.kill("SIGCONT");
      holder.child.kill("SIGKILL");
      await holder.ended;
    }
  });
});

test("the progress of files begins where a resumed run does", async () => {
  const names = Array.from({ length: 40 }, (_, at) => join(scratch.path, `file-${at}.txt`));
  for (const name of names) writeFileSync(name, "x");
  const args = [
    ...["map", join(FIXTURES, "work.mjs#identity"), join(scratch.path, "file-*.txt")],
    ...[
      "-o",
      join(scratch.path, "files"),
      "--resume",
      "--chunk",
      "4",
      "--fsync",
      "always",
      "--progress",
      "json",
    ],
  ];
  await manycore(args);
  const path = join(scratch.path, "files.journal");
  const all = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, `${all.slice(0, 3).join("\n")}\n`);
  const run = await manycore(args);
  const [first] = jsonLines(run.stderr) as { recordsBefore: number; fraction: number }[];
  expect(first?.fraction).toBe((first?.recordsBefore ?? 0) / 40);
  expect(first?.recordsBefore).toBeGreaterThan(0);
});

describe("wrong words", () => {
  test.each([
    [
      "map x --workers 3",
      /Unknown option --workers \(did you mean --jobs\?\)\nSee manycore map --help/,
    ],
    ["map x --max-workers=3", /--jobs/],
    ["map x --threads 3", /--jobs/],
    ["map x --concurrency 3", /--jobs/],
    ["map x -P4", /--jobs/],
    ["map x -p 4", /--jobs/],
    ["map x --batch-size 4", /--batch/],
    ["map x --chunksize 4", /--chunk/],
    ["map x --shuffle", /--shuf/],
    ["ps --workers", /Unknown option --workers\n/],
    ["top", /Unknown command top; there are map, ps, locks, clean and completion/],
    ["serve", /Unknown command serve; there are map,/],
    ["mpa", /did you mean map\?/],
    ["./work.ts#fn", /did you mean manycore map \.\/work\.ts#fn\?/],
  ])("%s: are answered with what was meant", async (words, message) => {
    const run = await manycore(words.split(" "));
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(message);
  });
});
