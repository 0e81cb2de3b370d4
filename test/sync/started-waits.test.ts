import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";
import { runProgram } from "../helpers/run-program.ts";

useNamespace("started");
const PROGRAM = fileURLToPath(new URL("../fixtures/sync/started-waits.mjs", import.meta.url));

describe("a wait inside what its own task holds", () => {
  test.concurrent.each([
    "write started, reading ended at once",
    "write started, reading ended late",
    "write awaited by another function, reading ended late",
    "acquire started, released late",
    "acquire awaited by another function, released late",
    "run() inside run(), not awaited",
    "acquired by a race against a timer",
    "the task waits for an event meanwhile",
    "the task waits for a worker meanwhile",
    "a permit that is waited for and given back",
  ])("is no deadlock when it was only started: %s", async (shape) => {
    const { stdout, stderr } = await runProgram(PROGRAM, [shape]);
    expect({ stdout, stderr }).toEqual({ stdout: "done\n", stderr: "" });
  });

  test.concurrent.each([
    "write awaited inside its own reading",
    "hold awaited inside its own hold",
    "run() awaited inside its own run()",
    "awaited through Promise.all",
    "two tasks in opposite order",
  ])("is told when it is awaited and can never come: %s", async (shape) => {
    const { stdout, stderr } = await runProgram(PROGRAM, [shape]);
    expect({ stdout, stderr }).toEqual({ stdout: "DeadlockError\n", stderr: "" });
  });
});
