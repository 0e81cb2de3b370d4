import { describe, expect, test } from "vitest";
import { fixture } from "../faults/kit.ts";
import { runProgram } from "../helpers/run-program.ts";

describe.each(["thread", "process"])("a program that leaves its %s pool to itself", (kind) => {
  const run = (state: string) => runProgram(fixture("leaves-pool.mjs"), [kind, state]);

  test.each(["unused", "idle", "stuck", "terminated"])(
    "ends when the pool is %s",
    async (state) => {
      const { code, stdout, stderr } = await run(state);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toBe("main is done\n");
    },
  );

  test.each([
    ["pending", 2],
    ["map", 2],
    ["notAwaitedShutdown", 1],
    ["cancelled", 1],
  ])("does not end before its work is done: %s", async (state, count) => {
    const { code, stdout, stderr } = await run(state);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [first, ...rest] = stdout.split("\n").slice(0, -1);
    expect(first).toBe("main is done");
    expect(rest.sort()).toEqual(["first", "second"].slice(0, count));
  });
});
