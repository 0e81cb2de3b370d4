import { fileURLToPath } from "node:url";
import { setThreadExceptHook, threadExceptHook } from "manycore";
import { describe, expect, test } from "vitest";
import { type ProgramResult, runProgram } from "../helpers/run-program.ts";

const program = fileURLToPath(new URL("../fixtures/executor/leftovers.mjs", import.meta.url));

async function run(...args: string[]): Promise<ProgramResult> {
  return await runProgram(program, args, { env: { NODE_V8_COVERAGE: undefined } });
}

describe.each(["throwsLater", "rejectsLater"])(
  "an error that comes late, by a function that %s",
  (name) => {
    test.each([
      ["ThreadExecutor", "pool-1"],
      ["Thread", "child"],
    ])("in a %s is printed by the starter, with its stack, and published", async (kind, who) => {
      const { stdout, stderr, code } = await run(kind, name);
      expect(stderr).toMatch(
        new RegExp(
          `^Exception in thread ${who}:\nRangeError: left behind\n {4}at .*leftovers\\.mjs`,
        ),
      );
      expect(stderr.match(/left behind/g)).toHaveLength(1);
      expect(stdout.split("\n")[0]).toBe("returned");
      expect(stdout).toContain(`uncaught thread ${who} RangeError left behind\n`);
      expect(code).toBe(0);
    });

    test.each([
      ["ProcessExecutor", "pool-1"],
      ["Process", "child"],
    ])("in a %s is printed by the process, with its stack, and published", async (kind, who) => {
      const { stdout, stderr, code } = await run(kind, name);
      expect(stderr).toMatch(/RangeError: left behind\n {4}at .*leftovers\.mjs/);
      expect(stderr.match(/RangeError: left behind/g)).toHaveLength(1);
      expect(stdout.split("\n")[0]).toBe("returned");
      expect(stdout).toContain(`uncaught process ${who} RangeError left behind\n`);
      expect(code).toBe(0);
    });
  },
);

test.each(["Thread", "Process"])("the exit code of such a %s is 1", async (kind) => {
  expect((await run(kind, "throwsLater")).stdout).toContain("exit code 1\n");
});

test.each(["ThreadExecutor", "ProcessExecutor"])(
  "the error of a finalizer in a %s is printed and published",
  async (kind) => {
    const { stdout, stderr } = await run(kind, "finalizer");
    expect(stderr).toMatch(
      /^Exception in (?:thread|the finalizer of) pool-1:\nRangeError: in the finalizer\n/,
    );
    expect(stdout).toContain("RangeError in the finalizer\n");
  },
);

describe("setThreadExceptHook", () => {
  test.each([
    ["Thread", "child"],
    ["ThreadExecutor", "pool-1"],
  ])("is called instead of printing for a %s", async (kind, who) => {
    const { stdout, stderr } = await run(kind, "throwsLater", "hook");
    expect(stdout).toContain(`hook ${who} left behind\n`);
    expect(stderr).toBe("");
  });

  test("a hook that throws hides neither of the errors", async () => {
    const { stderr } = await run("Thread", "throwsLater", "bad-hook");
    expect(stderr).toMatch(
      /^Exception in the hook of setThreadExceptHook:\nError: the hook fails\n/,
    );
    expect(stderr).toMatch(/^Exception in thread child:\nRangeError: left behind\n/m);
  });

  test("gives the hook before, and takes nothing but functions", () => {
    const own = (): void => {};
    expect(setThreadExceptHook(own)).toBe(threadExceptHook);
    expect(setThreadExceptHook(undefined)).toBe(own);
    expect(() => setThreadExceptHook(5 as never)).toThrow(
      "Expected `hook` to be a function, got `5` (a number)",
    );
  });
});
