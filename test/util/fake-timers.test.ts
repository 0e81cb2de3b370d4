import { afterEach, describe, expect, test, vi } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";
import { runProgram } from "../helpers/run-program.ts";

const surface = new URL("../fixtures/util/surface.mjs", import.meta.url);
const library = new URL("../../lib/index.js", import.meta.url).href;

/** What jest fakes, and vitest when it is told to fake all; the forks of this suite keep their nextTick. */
const JEST = [
  "Date",
  "hrtime",
  "performance",
  "queueMicrotask",
  "setImmediate",
  "clearImmediate",
  "setInterval",
  "clearInterval",
  "setTimeout",
  "clearTimeout",
] as const;

useNamespace("fake-timers");

describe("fake timers", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    ["every global and node:timers stand still", "frozen", {}],
    ["the globals stand still, also in the workers", "globals", { FREEZE_WORKERS: "globals" }],
    ["everything stands still, also in the workers", "frozen", { FREEZE_WORKERS: "frozen" }],
    ["node:test has taken the timers", "node", {}],
  ])("every part of the package works while %s", async (_, fake, env) => {
    const { stdout, stderr, code } = await runProgram(surface, [fake, "after"], {
      env,
      timeoutMs: 55_000,
    });
    expect({ stdout: stdout.trim(), code }, stderr).toEqual({ stdout: "done", code: 0 });
  });

  test("a package that is loaded when sinon's fakes are installed finds what they replaced", async () => {
    vi.useFakeTimers({ toFake: [...JEST] });
    const manycore = (await import(/* @vite-ignore */ library)) as typeof import("manycore");
    const executor = new manycore.ThreadPoolExecutor({ maxWorkers: 1 });
    const task = manycore.inline((x: number) => x * x);
    expect(await executor.submit(task, 3)).toBe(9);
    expect(await new manycore.Event().wait({ timeout: 20 })).toBe(false);
    await executor.shutdown();
  });
});
