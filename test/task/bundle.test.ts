import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../helpers/run-program.ts";
import { fixture } from "./test-worker.ts";

describe("a program whose modules are merged into one that exports nothing", () => {
  let answers: Record<string, unknown>;
  beforeAll(async () => {
    const { stdout } = await runProgram(fileURLToPath(fixture("bundle.mjs")));
    answers = JSON.parse(stdout) as Record<string, unknown>;
  });

  test("has its functions found by their place", () => {
    expect(answers["square"]).toBe(25);
  });

  test("has methods found together with the class they belong to", () => {
    expect(answers["static"]).toBe(7);
  });

  test.each([
    ["method", "it is a method"],
    ["local", "made inside another function"],
    ["adder", "made inside another function"],
    ["anonymous", "made inside another function"],
  ])("refuses what only the program makes, before anything is sent: %s", (name, why) => {
    expect(answers[name]).toEqual(["ERR_MANYCORE_TASK_NOT_FOUND", expect.stringContaining(why)]);
  });

  test.each([
    ["behindMain", "or behind isMain"],
    ["lazy", "loads lazily"],
  ])("learns from the worker what importing it does not make: %s", (name, why) => {
    expect(answers[name]).toEqual(["ERR_MANYCORE_TASK_NOT_FOUND", expect.stringContaining(why)]);
  });
});
