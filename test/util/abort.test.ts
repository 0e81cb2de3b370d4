import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../dist/util/abort.js";
import { useNamespace } from "../helpers/namespace.ts";
import { runProgram } from "../helpers/run-program.ts";

useNamespace("abort");

test("a thousand waits of each kind share one listener of their signal, warn nowhere and leave none behind", async () => {
  const program = new URL("../fixtures/util/one-signal.mjs", import.meta.url);
  const { stdout, stderr, code } = await runProgram(program, [], { timeoutMs: 55_000 });
  const lines = stdout.trim().split("\n");
  expect(lines.pop(), stderr).toBe("done");
  expect(lines.length).toBeGreaterThan(25);
  const few = /^new /;
  for (const line of lines) {
    const ended = few.test(line) ? 12 : 1_000;
    expect(line).toMatch(new RegExp(`^[^:]+: ${ended} ended, 1 listener, 0 left$`));
  }
  expect(stderr).not.toContain("Warning");
  expect(code).toBe(0);
});

test("who gives up while others are told is not told any more", () => {
  const controller = new AbortController();
  const told: string[] = [];
  onAbort(controller.signal, () => {
    told.push("first");
    giveUp();
  });
  const giveUp = onAbort(controller.signal, () => told.push("second"));
  onAbort(controller.signal, () => told.push("third"));
  controller.abort();
  expect(told).toEqual(["first", "third"]);
});

test("one function may watch twice, and gives up each watch by itself", () => {
  const { signal } = new AbortController();
  const watch = (): void => {};
  const [one, two] = [onAbort(signal, watch), onAbort(signal, watch)];
  one();
  one();
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  two();
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
