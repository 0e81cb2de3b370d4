import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { useNamespace } from "../helpers/namespace.ts";
import { runtime } from "../helpers/runtimes.ts";
import { runProgram } from "../helpers/run-program.ts";

const folder = fileURLToPath(new URL("../../examples/", import.meta.url));
useNamespace("examples");
const node26 = runtime("node26");

/** What each example prints; lines of processes that run at once come in any order. */
const EXPECTED: Readonly<
  Record<string, { readonly lines: readonly string[]; readonly inOrder?: boolean }>
> = {
  "append-to-file": { lines: ["lock acquired directly", "lock acquired via run"] },
  counter: { lines: ["counter: 1000"] },
  event: {
    lines: [
      "for ever: waiting",
      "a while: waiting",
      "a while: the wait gave false",
      "main: event is set",
      "for ever: event is set: true",
    ],
  },
  listener: { lines: ['server got {"hello":"server"}', 'client got {"hello":"client"}'] },
  "map-reduce": { lines: ["the: 3, words: 9"], inOrder: true },
  "named-mutex": {
    lines: [
      ...[1, 2, 3, 4, 5].map((id) => `process ${id} has the mutex`),
      ...[1, 2, 3, 4, 5].map((id) => `process ${id} has a permit`),
      "free again: true, permits: 2",
    ],
  },
  pipe: {
    lines: ["[ 1, 2, 3 ]", "hello", "received 1", "received 2", "received 3", "end of stream"],
    inOrder: true,
  },
  pool: {
    lines: ["[", "   0,  1,  4,  9, 16,", "  25, 36, 49, 64, 81", "]", "[ 2, 3, 4, 5, 6 ]"],
    inOrder: true,
  },
  "producer-consumer": {
    lines: [0, 1, 2, 3, 4].map((n) => `consumed ${n}`).concat("the queue is empty"),
    inOrder: true,
  },
  semaphore: { lines: [...[1, 2, 3, 4, 5].map((id) => `process ${id} acquired`), "permits: 2"] },
  squares: { lines: ["0 1 4 9 16 25 36 49 64 81"] },
  "thread-life-cycle": {
    lines: ["made: new", "started: true", "thread 1 runs as worker-1", "joined: terminated"],
  },
  "thread-pool": { lines: [1, 2, 3, 4, 5].map((n) => `task ${n} done`), inOrder: true },
  threads: { lines: ["balance: 2000", "passed: 10", "started"], inOrder: true },
  "value-and-queue": {
    lines: [...[1, 2, 3, 4].map((id) => `process ${id} is done`), "total: 10"],
    inOrder: true,
  },
};

test("every example that is a program is run here", () => {
  const programs = readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && file !== "minify.ts")
    .map((file) => file.slice(0, -3));
  expect(programs.sort()).toEqual(Object.keys(EXPECTED).sort());
});

describe.skipIf(node26 === undefined)("examples", () => {
  test.each(Object.keys(EXPECTED))("%s prints what it says", async (name) => {
    const { lines, inOrder } = EXPECTED[name]!;
    const run = await runProgram(`${folder}${name}.ts`, [], {
      node: node26!,
    });
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    const printed = run.stdout.trimEnd().split("\n");
    if (inOrder === true) expect(printed).toEqual(lines);
    else expect(printed.sort()).toEqual([...lines].sort());
  });
});
