import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import {
  FIXTURES,
  Gate,
  jsonLines,
  MAIN,
  manycore,
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

describe("without a terminal", () => {
  test("a short run shows the sums alone, without control characters", async () => {
    const run = await manycore(["map", "./work.mjs#double"], { input: "1\n" });
    const [first, second, third, ...rest] = run.stderr.trimEnd().split("\n");
    expect(first).toBe("1 record, 2 B: 1 ok, 0 failed");
    expect(second).toMatch(/^wall time .* with \d+ process workers?: .* records\/s/);
    expect(third).toMatch(/^CPU time .*\(parent .*, workers .*\), speed-up \d\.\d\dx/);
    expect(rest).toEqual([]);
    expect(run.stderr.includes("\u001b")).toBe(false);
  });

  test("--quiet shows nothing but errors", async () => {
    const run = await manycore(["map", "./work.mjs#picky", "-q"], { input: "1\n5\n" });
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^stdin:2 .*five is right out\n +at picky.*\n$/);
  });

  test("--verbose adds the whole stack and the workers", async () => {
    const run = await manycore(["map", "./work.mjs#picky", "-v", "-j", "1"], { input: "5\n" });
    expect(run.stderr).toMatch(/^1 process worker$/m);
    expect(run.stderr).toMatch(/block-runner/);
  });

  test("--progress json is one event per line, from the start to the sums", async () => {
    const args = ["map", "./work.mjs#picky", "--progress", "json"];
    const run = await manycore(args, { input: "1\n5\n" });
    const events = jsonLines(run.stderr) as Record<string, unknown>[];
    expect(events[0]).toMatchObject({ event: "progress", done: 0, totalRecords: null });
    expect(events).toContainEqual(
      expect.objectContaining({ event: "failed", index: 1, key: "stdin:2", attempts: 1 }),
    );
    expect(events.at(-1)).toMatchObject({ event: "summary", done: 2, ok: 1, failed: 1 });
    expect(events.at(-1)?.["speedUp"]).toBeGreaterThan(0);
  });

  test("the sums name how many workers ran, as asked with --jobs", async () => {
    const run = await manycore(["map", "./work.mjs#double", "-j", "3"], { input: "1\n" });
    expect(run.stderr).toMatch(/with 3 process workers:/);
  });
});

/** Runs a command in a pseudo-terminal; part of util-linux, so it may lack. */
const PSEUDO_TERMINAL = "script";
const hasScript = spawnSync(PSEUDO_TERMINAL, ["--version"]).status === 0;

describe.runIf(hasScript)("in a terminal", () => {
  /** Runs the command in a pseudo-terminal of `columns`, and gives all it drew. */
  async function inTerminal(
    args: string,
    columns: number,
    env: Readonly<Record<string, string | undefined>>,
  ): Promise<string> {
    const command = `stty cols ${columns}; ${process.execPath} ${MAIN} ${args}`;
    const run = await runProgram("-qec", [command, join(scratch.path, "typescript")], {
      node: PSEUDO_TERMINAL,
      cwd: FIXTURES,
      env: { TERM: "xterm", CI: undefined, NO_COLOR: undefined, ...env },
    });
    return run.stdout;
  }

  test("a bar is drawn, fits the width, and is gone in the end", async () => {
    gate.open();
    const input = "work.mjs typed.ts common.cjs broken.mjs";
    const drawn = await inTerminal(`map ./work.mjs#gated ${input} -o /dev/null`, 70, gate.env);
    const frames = drawn.split("\r\u001b[K");
    const bars = frames.filter((frame) => frame.startsWith("["));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) {
      const visible = bar.replaceAll(/\u001b\[\d+m/g, "");
      expect(visible).toMatch(/^\[[#.]{20}\] +\d+% \d\/4 files {2}0 failed/);
      expect(visible.length).toBeLessThan(70);
    }
    expect(frames.at(-1)).toMatch(/^4 files, .*: 4 ok, 0 failed\r\n/);
  });

  test("Ctrl-C at the keyboard finishes what runs and leaves a clean line", async () => {
    const command = `${process.execPath} ${MAIN} map ./work.mjs#gated -j 1 --chunk 1 work.mjs typed.ts common.cjs -o /dev/null`;
    const child = spawn(PSEUDO_TERMINAL, ["-qec", command, join(scratch.path, "keyboard")], {
      cwd: FIXTURES,
      env: { ...process.env, TERM: "xterm", CI: "", ...gate.env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let drawn = "";
    child.stdout.on("data", (chunk: Buffer) => (drawn += chunk.toString()));
    const ended = once(child, "close").then(([code]) => ({ code: Number(code), stderr: drawn }));
    const guest = await gate.next({ ended } as never);
    const told = new Promise<void>((resolve) => {
      child.stdout.on("data", () => {
        if (drawn.includes("nothing more is read")) resolve();
      });
    });
    child.stdin.write("\u0003");
    await told;
    guest.letIn();
    gate.open();
    expect((await ended).code).toBe(130);
    expect(drawn).toMatch(/\r\u001b\[KSIGINT: what runs is finished/);
    expect(drawn).toMatch(/1 ok, 0 failed\r\n.*read but not started\r\n/);
  });

  test("a bar leaves out what does not fit a narrow one", async () => {
    gate.open();
    const drawn = await inTerminal("map ./work.mjs#gated *.mjs -o /dev/null", 24, gate.env);
    const bars = drawn.split("\r\u001b[K").filter((frame) => /^ *\d+% /.test(frame));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.length).toBeLessThan(24);
  });

  test("results and failures on the same terminal start on lines of their own", async () => {
    const drawn = await inTerminal("map ./work.mjs#picky work.mjs typed.ts", 70, {});
    expect(drawn).toMatch(/(^|\n|\r\u001b\[K)"work\.mjs"\r\n/);
  });

  test("NO_COLOR takes the colour away, CI the bar", async () => {
    gate.open();
    const args = "map ./work.mjs#gated work.mjs typed.ts common.cjs -o /dev/null";
    const plain = await inTerminal(args, 70, { ...gate.env, NO_COLOR: "1" });
    expect(plain).not.toMatch(/\u001b\[\d+m/);
    expect(plain).toMatch(/\[[#.]{20}\]/);
    expect(await inTerminal(args, 70, { ...gate.env, CI: "true" })).not.toMatch(/\[[#.]{20}\]/);
  });
});

test("the bar counts what is done while the run goes on", async () => {
  const args = ["map", "./work.mjs#gated", "-j", "2", "--progress", "bar"];
  const run = startManycore(args, { input: "a\nb\nc\n", env: gate.env });
  (await gate.next(run)).letIn();
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (/1 record /.test(run.stderr)) resolve();
    };
    run.child.stderr?.on("data", look);
    look();
  });
  gate.open();
  const ended = await run.ended;
  expect(ended.code).toBe(0);
  expect(ended.stderr).not.toMatch(/\u001b\[\d+m/);
});
