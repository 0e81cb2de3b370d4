import { once } from "node:events";
import { createWriteStream, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { isAlive, processesOf, waitForDeath } from "../helpers/processes.ts";
import { untilLine } from "../helpers/run-program.ts";
import {
  Gate,
  jsonLines,
  manycore,
  openManycore,
  scratchFolder,
  startManycore,
} from "./command.ts";

const scratch = scratchFolder();
afterAll(scratch.remove);

let gate: Gate;
beforeEach(async () => {
  gate = await Gate.listen(scratch.path);
});
afterEach(() => gate.close());

describe("order", () => {
  test.each(["process", "thread"])("is the input's by default (%s)", async (backend) => {
    const args = ["map", "./work.mjs#gated", "-j", "2", "--backend", backend];
    const run = startManycore(args, { input: "slow\nquick\nlast\n", env: gate.env });
    const first = [await gate.next(run), await gate.next(run)];
    first.find((guest) => guest.record === "quick")?.letIn();
    const last = await gate.next(run);
    expect(last.record).toBe("last");
    last.letIn();
    // Both later records are done; their results wait for the first.
    first.find((guest) => guest.record === "slow")?.letIn();
    const { stdout, code } = await run.ended;
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toEqual(["slow", "quick", "last"]);
  });

  test("is that of finishing with --unordered", async () => {
    const args = ["map", "./work.mjs#gated", "-j", "2", "--unordered"];
    const run = startManycore(args, { input: "slow\nquick\n", env: gate.env });
    const guests = [await gate.next(run), await gate.next(run)];
    guests.find((guest) => guest.record === "quick")?.letIn();
    await untilLine(run, /quick/);
    guests.find((guest) => guest.record === "slow")?.letIn();
    expect(jsonLines((await run.ended).stdout)).toEqual(["quick", "slow"]);
  });
});

describe("a stream", () => {
  test("is answered line by line while it is still being written", async () => {
    const child = openManycore(["map", "./work.mjs#double"]);
    child.stderr.resume();
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (const number of [1, 2, 3]) {
      child.stdin.write(`${number}\n`);
      expect(await answers.next()).toEqual({ done: false, value: String(2 * number) });
    }
    child.stdin.end();
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(0);
  });

  test("ends quietly with 0 when the reader has seen enough", async () => {
    const run = startManycore(["map", "./work.mjs#long"], { input: "0123456789\n".repeat(5000) });
    await once(run.child.stdout ?? run.child, "data");
    run.child.stdout?.destroy();
    const [code] = (await once(run.child, "exit")) as [number];
    expect(code).toBe(0);
    expect(run.stderr).toBe("");
  });
});

test("a large input passes in order through little memory", async () => {
  const path = join(scratch.path, "large.jsonl");
  const records = 400_000;
  const stream = createWriteStream(path);
  for (let from = 0; from < records; from += 10_000) {
    const lines = Array.from(
      { length: 10_000 },
      (_, at) => `{"id":${from + at},"text":"${"x".repeat(150)}"}\n`,
    );
    if (!stream.write(lines.join(""))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "finish");
  expect(statSync(path).size).toBeGreaterThan(60_000_000);

  const output = join(scratch.path, "large.out");
  const run = await manycore(["map", "./work.mjs#identity", path, "-o", output], {
    // The input alone, kept as text, would need more.
    env: { NODE_OPTIONS: "--max-old-space-size=48" },
    timeoutMs: 120_000,
  });
  expect(run.stderr).toMatch(/400,000 ok, 0 failed/);
  expect(run.code).toBe(0);
  expect(readFileSync(output).equals(readFileSync(path))).toBe(true);
});

test("a reader that stands still holds up the run instead of filling memory", async () => {
  const path = join(scratch.path, "small.txt");
  const records = 40_000;
  writeFileSync(path, "xxxxx\n".repeat(records));
  // 5 characters become 5,000: 200 MB of results, of which the command may keep a part only.
  const child = openManycore([
    ...["map", "./work.mjs#long", path, "--format", "lines", "--progress", "json"],
  ]);
  let before = -1;
  for await (const line of createInterface({ input: child.stderr })) {
    const { done } = JSON.parse(line) as { done: number };
    // Progress comes every second; twice the same means that nothing moves any more.
    if (done > 0 && done === before) break;
    before = done;
  }
  child.stderr.resume();
  expect(before).toBeLessThan(records / 2);
  let bytes = 0;
  for await (const chunk of child.stdout) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(records * 5003);
});

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)(
    "the first %s finishes what runs, reads no more and ends with %i",
    async (signal, code) => {
      const output = join(scratch.path, `drained-${signal}`);
      const args = ["map", "./work.mjs#gated", "-j", "2", "-o", output];
      const input = Array.from({ length: 100 }, (_, at) => `${at}\n`).join("");
      const run = startManycore(args, { input, env: gate.env });
      const guests = [await gate.next(run), await gate.next(run)];
      run.child.kill(signal);
      await untilLine(run, /nothing more is read/, { stream: "stderr" });
      for (const guest of guests) guest.letIn();
      gate.open();
      const ended = await run.ended;
      expect(ended.code).toBe(code);
      expect(ended.stderr).toMatch(/read but not started/);
      const values = jsonLines(readFileSync(output, "utf8"));
      expect(values.slice(0, 2)).toEqual(["0", "1"]);
      expect(values.length).toBeLessThan(6);
    },
  );

  test("the second kills at once, and no worker stays", async () => {
    const run = startManycore(["map", "./work.mjs#gated", "-j", "2"], {
      input: "1\n2\n",
      env: gate.env,
    });
    const guests = [await gate.next(run), await gate.next(run)];
    run.child.kill("SIGINT");
    await untilLine(run, /nothing more is read/, { stream: "stderr" });
    run.child.kill("SIGINT");
    expect((await run.ended).code).toBe(130);
    for (const guest of guests) await waitForDeath(guest.pid);
  });

  test("kill -9 leaves no worker", async () => {
    const run = startManycore(["map", "./work.mjs#gated", "-j", "2"], {
      input: "1\n2\n",
      env: gate.env,
    });
    const guests = [await gate.next(run), await gate.next(run)];
    expect(guests.every((guest) => isAlive(guest.pid))).toBe(true);
    const below = processesOf(run.pid).map((row) => row.pid);
    run.child.kill("SIGKILL");
    await run.ended;
    for (const pid of [...below, ...guests.map((guest) => guest.pid)]) await waitForDeath(pid);
  });

  test("Ctrl-C in a terminal, which reaches the workers too, harms no record", async () => {
    const run = startManycore(["map", "./work.mjs#gated", "-j", "2"], {
      input: "1\n2\n",
      env: gate.env,
    });
    const guests = [await gate.next(run), await gate.next(run)];
    for (const pid of [...guests.map((guest) => guest.pid), run.pid]) process.kill(pid, "SIGINT");
    await untilLine(run, /nothing more is read/, { stream: "stderr" });
    for (const guest of guests) guest.letIn();
    const ended = await run.ended;
    expect(ended.code).toBe(130);
    expect(jsonLines(ended.stdout)).toEqual(["1", "2"]);
  });
});
