import { closeSync, openSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, describe, expect, test } from "vitest";
import { fixture, linesOf, RunLog } from "./kit.ts";

/** Lines each of the workers prints; together more than a pipe holds (64 KiB). */
const COUNT = 2000;

const log = new RunLog();
afterAll(() => log.remove());

type Where = "pipe" | "file";

interface Printed {
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

async function run(where: Where, kind: string, how: string): Promise<Printed> {
  const path = log.file(`${where}-${kind}-${how}`);
  const target = where === "file" ? openSync(path, "w") : "pipe";
  const child = spawn(process.execPath, [fixture("output.mjs"), kind, how, log.gate()], {
    stdio: ["ignore", target, "ignore"],
  });
  const ended = once(child, "close");
  let text = "";
  if (child.stdout !== null) {
    const stdout = child.stdout.setEncoding("utf8");
    stdout.on("data", (chunk: string) => {
      text += chunk;
      // A slow reader: a full pipe must hold the workers up, not cost lines.
      stdout.pause();
      setImmediate(() => stdout.resume());
    });
  }
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (typeof target === "number") closeSync(target);
  return { lines: where === "file" ? linesOf(path) : text.split("\n").slice(0, -1), code, signal };
}

/** How many lines of each label came; fails when one is torn, missing before another, or out of order. */
function count(lines: readonly string[]): Record<string, number> {
  const next: Record<string, number> = {};
  const wrong: string[] = [];
  for (const line of lines) {
    const [, label = "", number = ""] = /^(\w+):(\d+):\.{80}$/.exec(line) ?? [];
    if (Number(number) !== (next[label] ?? 0)) wrong.push(line);
    next[label] = Number(number) + 1;
  }
  expect(wrong).toEqual([]);
  return next;
}

describe.each(["thread", "process"])("what %s workers print", (kind) => {
  describe.each<Where>(["pipe", "file"])("to a %s", (where) => {
    test("is whole and in order at a normal end", async () => {
      const { lines, code } = await run(where, kind, "print");
      expect(count(lines)).toEqual({ a: COUNT, b: COUNT });
      expect(code).toBe(0);
    });

    test("is whole and in order when the task calls process.exit", async () => {
      const { lines, code } = await run(where, kind, "printThenExit");
      expect(count(lines)).toEqual({ a: COUNT, b: COUNT });
      expect(code).toBe(4);
    });

    test("is whole and in order when the worker dies of an uncaught error", async () => {
      const { lines, code } = await run(where, kind, "printThenThrowLater");
      expect(count(lines)).toEqual({ a: COUNT, b: COUNT });
      expect(code).toBe(4);
    });

    test("is there up to the last line when SIGKILL follows it", async () => {
      const { lines, code, signal } = await run(where, kind, "printThenKill");
      const counts = count(lines);
      if (kind === "process") {
        expect(counts).toEqual({ a: COUNT, b: COUNT });
        expect(code).toBe(4);
      } else {
        // The first of the two threads to get there takes the whole program with it.
        expect(Math.max(...Object.values(counts))).toBe(COUNT);
        expect(signal).toBe("SIGKILL");
      }
    });

    test("is there while the main thread is blocked, and after it is killed", async () => {
      const { lines, signal } = await run(where, kind, "blocked");
      expect(count(lines)).toEqual({ warm: 1, a: COUNT });
      expect(signal).toBe("SIGKILL");
    });
  });
});
