import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fixture } from "../faults/kit.ts";
import { eventually, processesOf, waitForDeath } from "../helpers/leaks.ts";
import { withoutSentinels } from "../helpers/processes.ts";
import { hasProc } from "../helpers/processes.ts";

/** What the design promises. */
const ORPHAN_MS = 2000;
/** Idle: 2; beside the computing and the waiting one nobody; the branch and its two children. */
const CHILDREN = 2 + 1 + 1 + 1 + 2;

interface Ending {
  readonly how: string;
  readonly argument: string;
  readonly end: (pid: number) => void;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const ENDINGS: readonly Ending[] = [
  {
    how: "kill -9",
    argument: "",
    end: (pid) => process.kill(pid, "SIGKILL"),
    code: null,
    signal: "SIGKILL",
  },
  {
    how: "SIGTERM",
    argument: "",
    end: (pid) => process.kill(pid, "SIGTERM"),
    code: null,
    signal: "SIGTERM",
  },
  {
    how: "Ctrl-C, a SIGINT to the whole group",
    argument: "",
    end: (pid) => process.kill(-pid, "SIGINT"),
    code: null,
    signal: "SIGINT",
  },
  {
    how: "process.exit",
    argument: "exit",
    end: (pid) => process.kill(pid, "SIGUSR2"),
    code: 3,
    signal: null,
  },
  {
    how: "an uncaught error",
    argument: "throw",
    end: (pid) => process.kill(pid, "SIGUSR2"),
    code: 1,
    signal: null,
  },
];

describe.runIf(hasProc)(
  "a program with idle, waiting and computing workers and grandchildren",
  () => {
    test.each(ENDINGS)("is gone with all of them within 2 s of $how", async (ending) => {
      const temporary = mkdtempSync(join(tmpdir(), "orphans-"));
      const program = spawn(process.execPath, [fixture("tree.mjs"), ending.argument], {
        detached: true,
        stdio: ["ignore", "pipe", "ignore"],
        env: { ...process.env, TMPDIR: temporary },
      });
      const exit = once(program, "exit");
      let lines = "";
      program.stdout.setEncoding("utf8").on("data", (chunk: string) => (lines += chunk));
      // Computing: a child, a grandchild and a thread. Waiting: a child.
      await eventually("all are at work", () => lines.split("\n").length - 1 === 4, 20_000);
      const tree = processesOf(program.pid as number);
      expect(withoutSentinels(tree)).toHaveLength(CHILDREN);

      const begun = performance.now();
      ending.end(program.pid as number);
      await Promise.all(tree.map((row) => waitForDeath(row.pid, 10_000)));
      expect(performance.now() - begun).toBeLessThan(ORPHAN_MS);
      expect(await exit).toEqual([ending.code, ending.signal]);
      expect(readdirSync(temporary)).toEqual([]);
      rmSync(temporary, { recursive: true });
    });
  },
);
