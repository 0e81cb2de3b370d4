import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { runtime, type RuntimeName } from "../helpers/runtimes.ts";

const program = fileURLToPath(new URL("../fixtures/wire/every-class.mjs", import.meta.url));
const codec = new URL("../../dist/wire/codec.js", import.meta.url).href;
const LIMIT_MS = 120_000;

interface Seen {
  readonly looked: number;
  readonly refused: number;
  readonly travelled: readonly string[];
  readonly wrong: readonly string[];
}

/** At least these are found, whatever else a Node has; they travel whole. */
const WHOLE = [
  "new Array()",
  "new Date()",
  "new RegExp()",
  "new Map()",
  "new Set()",
  "new Error()",
  "new DOMException()",
  "new assert.AssertionError([object Object])",
  "new WebAssembly.CompileError()",
  "new URL(https://example.org/a?b=c)",
  "new Float64Array()",
];

const NODES: readonly [string, string | undefined][] = [
  ["this Node", process.execPath],
  ...(["node22", "node24", "node26"] as const).map(
    (name: RuntimeName): [string, string | undefined] => [name, runtime(name)],
  ),
];

describe("instances of every class of Node travel whole, or are refused with their path", () => {
  for (const [name, node] of NODES) {
    test.skipIf(node === undefined)(
      `on ${name} each of them does`,
      { timeout: LIMIT_MS },
      async () => {
        const { stdout } = await promisify(execFile)(node as string, [program, codec], {
          timeout: LIMIT_MS,
          maxBuffer: 1 << 26,
        });
        const seen = JSON.parse(stdout) as Seen;
        expect(seen.wrong).toEqual([]);
        expect(seen.travelled).toEqual(expect.arrayContaining(WHOLE));
        // Each was sent to a process and to a thread.
        expect(seen.looked).toBeGreaterThan(800);
        expect(seen.refused).toBeGreaterThan(600);
      },
    );
  }
});
