import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FIXTURES, jsonLines, manycore, scratchFolder } from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

const COUNT = 500;
const INPUT = Array.from({ length: COUNT }, (_, at) => `${at + 1}\n`).join("");

let runs = 0;

/** How often each record was begun, and what the run has told. */
async function map(name: string, how: string, args: readonly string[], nodeOptions?: string) {
  const log = join(scratch.path, `log-${runs++}`);
  const run = await manycore(
    ["map", `./work.mjs#${name}`, "--arg", `how=${how}`, "--arg", `log=${log}`, ...args],
    { input: INPUT, timeoutMs: 60_000, env: { NODE_OPTIONS: nodeOptions } },
  );
  const begun = new Map<string, number>();
  for (const record of readFileSync(log, "utf8").split("\n").slice(0, -1)) {
    begun.set(record, (begun.get(record) ?? 0) + 1);
  }
  return { run, begun };
}

const CASES = (["process", "thread"] as const).flatMap((backend) =>
  (["exit", "kill", "spin", "hang"] as const)
    .filter((how) => how !== "kill" || backend === "process")
    .flatMap((how) =>
      (["fatal", "fatalSync"] as const)
        .filter((name) => name === "fatal" || how !== "hang")
        .map((name) => [backend, how, name] as const),
    ),
);

describe.each(CASES)("on the %s backend a record that ends by %s in %s", (backend, how, name) => {
  test("has failed, and every other one has run once", async () => {
    const args = ["--backend", backend, "--timeout", "1s", "--kill-after", "100ms"];
    const { run, begun } = await map(name, how, args);
    expect(run.code).toBe(1);
    expect([...begun.values()].filter((times) => times > 1)).toEqual([]);
    expect(begun.size).toBe(COUNT);
    const failed = name === "fatal" ? 1 : 6;
    expect(jsonLines(run.stdout)).toHaveLength(COUNT - failed);
    expect(run.stderr).toMatch(/^stdin:50 \(record 49, attempt 1\/1/m);
    expect(run.stderr).toMatch(new RegExp(`${COUNT - failed} ok, ${failed} failed`));
    if (name === "fatalSync") {
      const values = jsonLines(run.stdout) as { n: number; text: string }[];
      expect(values.every(({ n, text }) => text === "ä".repeat(n % 50))).toBe(true);
      expect(values.map(({ n }) => n)).toEqual(values.map(({ n }) => n).sort((a, b) => a - b));
    }
  });
});

describe("a record that ends its worker", () => {
  test("has as many attempts as --retries says, and its neighbours have one", async () => {
    const { run, begun } = await map("fatal", "exit", ["--retries", "2", "--envelope"]);
    expect(run.code).toBe(1);
    expect(begun.get("50")).toBe(3);
    expect([...begun].filter(([record, times]) => times > 1 && record !== "50")).toEqual([]);
    const attempts = (jsonLines(run.stdout) as { attempts: number }[]).map((line) => line.attempts);
    expect(attempts.filter((count) => count !== 1)).toEqual([3]);
  });

  test("fails its batch alone, and its rows of the job log are there once", async () => {
    const joblog = join(scratch.path, "joblog");
    const { run, begun } = await map("fatalSync", "exit", ["--joblog", joblog]);
    expect(run.code).toBe(1);
    expect([...begun.values()].filter((times) => times > 1)).toEqual([]);
    const rows = readFileSync(joblog, "utf8").split("\n").slice(1, -1);
    const numbers = rows.map((row) => Number(row.split("\t")[0])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: COUNT }, (_, at) => at + 1));
  });

  test.each(["exit", "kill", "spin"])(
    "by %s is known without the native binding, too",
    async (how) => {
      const options = `--require ${join(FIXTURES, "no-binding.cjs")}`;
      const { run, begun } = await map("fatalSync", how, ["--timeout", "1s"], options);
      expect(run.stderr).toMatch(/^stdin:50 \(record 49, attempt 1\/1/m);
      expect(run.stderr).toMatch(new RegExp(`${COUNT - 6} ok, 6 failed`));
      expect([...begun.values()].filter((times) => times > 1)).toEqual([]);
    },
  );

  test("does so again and again, and there is always room to note the next", async () => {
    const input = "50\n".repeat(40);
    const log = join(scratch.path, "again");
    const args = ["--arg", "how=hang", "--arg", `log=${log}`, "--timeout", "50ms"];
    for (const backend of ["process", "thread"]) {
      writeFileSync(log, "");
      const run = await manycore(
        [
          "map",
          "./work.mjs#fatal",
          ...args,
          "--kill-after",
          "1ms",
          "-j",
          "2",
          "--backend",
          backend,
        ],
        { input, timeoutMs: 90_000 },
      );
      expect(run.stderr).toMatch(/0 ok, 40 failed/);
      // On a busy machine the limit may end a worker that still loads the module; none begins a record twice.
      expect(run.stderr).not.toMatch(/begun twice/);
      expect(input).toContain(readFileSync(log, "utf8"));
    }
  });

  test("loses none of the values that are folded", async () => {
    const fold = ["--reduce", "./work.mjs#addNumbers", "--backend", "process"];
    const { run, begun } = await map("fatalNumber", "exit", fold);
    expect(run).toMatchObject({ code: 1, stdout: `${(COUNT * (COUNT + 1)) / 2 - 50}\n` });
    expect([...begun.values()].filter((times) => times > 1)).toEqual([]);
  });
});

test("results that are larger than what is noted of a block are whole", async () => {
  const input = Array.from({ length: 40 }, (_, at) => `${String(at).padStart(100)}\n`).join("");
  const run = await manycore(["map", "./work.mjs#long", "--chunk", "20"], { input });
  expect(run.code).toBe(0);
  expect(jsonLines(run.stdout)).toEqual(
    input
      .split("\n")
      .slice(0, -1)
      .map((line) => line.repeat(1000)),
  );
});

describe("folded values", () => {
  const fold = ["--reduce", "./work.mjs#joinSets", "--group-by", "key"];

  test("may be what JSON cannot hold, come in order, and their groups are sorted as numbers", async () => {
    const run = await manycore(["map", "./work.mjs#toSet", ...fold], { input: INPUT });
    expect(run).toMatchObject({ code: 0 });
    const rows = jsonLines(run.stdout) as {
      key: number;
      value: { set: string[]; list: string[] };
    }[];
    expect(rows.map(({ key }) => key)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const { key, value } of rows) {
      const expected = INPUT.split("\n").filter((text) => text !== "" && Number(text) % 12 === key);
      expect(value.list).toEqual(expected);
      expect(value.set).toEqual(expected);
      // Both were Infinity and NaN to the end, or they were 0.
      expect(value).toMatchObject({ part: null, nan: null });
      expect(run.stdout).toContain(`"big":${2n ** 64n * BigInt(expected.length)}`);
    }
  });

  test("that cannot be folded end the run with 1, and their group is named", async () => {
    const args = ["--reduce", "./work.mjs#toFinal", "--group-by", "key", "--chunk", "10"];
    const run = await manycore(["map", "./work.mjs#toSet", ...args], { input: INPUT });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(
      /--reduce function failed for the group 7: RangeError: too many sevens/,
    );
  });
});
