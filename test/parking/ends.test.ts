import { readdirSync } from "node:fs";
import { Lock } from "manycore";
import { afterEach, describe, expect, test } from "vitest";
import { runProgram, startProgram, untilLine } from "../helpers/leaks.ts";
import { useNamespace } from "../helpers/namespace.ts";

const folder = useNamespace("ends");
const END = new URL("../fixtures/parking/end.mjs", import.meta.url);
const TOGETHER = new URL("../fixtures/parking/join-together.mjs", import.meta.url);
const WORKERS = new URL("../fixtures/parking/workers.mjs", import.meta.url);
let lock: Lock | undefined;
afterEach(() => {
  lock?.close();
  lock = undefined;
});

describe("a program", () => {
  test.each(["idle", "held"])("with a lock that is %s ends by itself", async (way) => {
    expect(await runProgram(END, [way])).toMatchObject({ code: 0, stderr: "" });
  });

  test("ends by itself after a wait that was given up", async () => {
    const { stdout, code } = await runProgram(END, ["waited"]);
    expect({ stdout, code }).toEqual({ stdout: "second: false\n", code: 0 });
  });

  test("is kept open by a wait, until it is over", async () => {
    lock = new Lock({ name: "end" });
    await lock.acquire();
    const program = startProgram(END, ["pending"]);
    await untilLine(program, /waiting/);
    lock.release();
    await untilLine(program, /got it/);
    expect(await program.ended).toMatchObject({ code: 0 });
    // It ended with the lock in its hand.
    expect(await lock.acquire({ timeout: 5000 })).toBe(true);
    expect(lock.abandoned).toBe(true);
    lock.release();
  });

  test.each([
    ["exit", 7],
    ["exit-with-thread", 8],
  ])("can exit in the middle of a wait (%s)", async (way, code) => {
    lock = new Lock({ name: "end" });
    if (way === "exit") await lock.acquire();
    const end = await runProgram(END, [way]);
    expect(end.code).toBe(code);
    if (way === "exit") lock.release();
    expect(await lock.acquire({ timeout: 5000 })).toBe(true);
    lock.release();
  });
});

test("15 terminated threads leave no open file, no life and no lock that is stuck", async () => {
  const { stdout, stderr, code } = await runProgram(WORKERS, ["15"]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(JSON.parse(stdout)).toEqual({ files: 0, living: [], isFree: true, abandoned: false });
});

test("120 threads join at the same moment, and leave", async () => {
  const { stdout, stderr, code } = await runProgram(TOGETHER, ["120"]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  expect(JSON.parse(stdout)).toEqual({ there: expect.any(Number), failed: 0, bad: 0 });
  expect(JSON.parse(stdout).there).toBeGreaterThanOrEqual(120);
});

test("what has ended leaves only the arena and this process's doorbell", () => {
  const files = readdirSync(folder).filter((file) => !/^d\d+-\d+$/.test(file));
  expect(files).toEqual(["arena.v1"]);
  expect(readdirSync(folder).length).toBeLessThanOrEqual(2);
});
