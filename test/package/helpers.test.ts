import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import {
  eventually,
  isAlive,
  processesOf,
  runProgram,
  startProgram,
  untilLine,
  waitForDeath,
  watchLeaks,
} from "../helpers/leaks.ts";
import { describeProcess, hasProc } from "../helpers/processes.ts";

/** For checks that must fail: they wait that long before they do. */
const SOON_MS = 300;

describe.runIf(hasProc)("the leak check", () => {
  test("passes a file that leaves nothing", async () => {
    await expect(watchLeaks().check()).resolves.toBeUndefined();
  });

  test("finds a child, and ends it", async () => {
    const watch = watchLeaks();
    const child = startProgram(fixture("lives-on.mjs")).child;
    await untilLine(child, /ready/);
    await expect(watch.check(SOON_MS)).rejects.toThrow(`process ${child.pid}`);
    await once(child, "close");
    expect(child.signalCode).toBe("SIGKILL");
  });

  test("finds a grandchild whose parent is gone", async () => {
    const watch = watchLeaks();
    const { stdout } = await runProgram(fixture("leaves-orphan.mjs"));
    const orphan = Number(stdout);
    expect(processesOf(process.pid).map((row) => row.pid)).not.toContain(orphan);
    await expect(watch.check(SOON_MS)).rejects.toThrow(`process ${orphan}`);
    await waitForDeath(orphan);
  });

  test("finds a thread, and ends it", async () => {
    const watch = watchLeaks();
    const thread = new Worker("setInterval(() => {}, 1000)", { eval: true });
    await once(thread, "online");
    const id = thread.threadId;
    await expect(watch.check(SOON_MS)).rejects.toThrow(`thread ${id}`);
    expect(thread.threadId).toBe(-1);
  });

  test("finds a timer that keeps the program open", async () => {
    const watch = watchLeaks();
    const timer = setInterval(() => {}, 60_000);
    try {
      await expect(watch.check(SOON_MS)).rejects.toThrow("open handle Timeout");
    } finally {
      clearInterval(timer);
    }
  });
});

describe("runProgram", () => {
  test("gives output, exit code and signal", async () => {
    const result = await runProgram(fixture("talks.mjs"), ["one", "two"], { input: "three" });
    expect(result).toMatchObject({ stdout: "one two three\n", stderr: "aside\n", code: 7 });
    expect(result.signal).toBeNull();
  });

  test("fails loudly, with what was written, when the program does not end", async () => {
    const running = runProgram(fixture("lives-on.mjs"), [], { timeoutMs: 1_500 });
    await expect(running).rejects.toThrow(/still runs after 1500 ms[^]*--- stdout\nready/);
  });
});

describe("untilLine", () => {
  test("finds a line that was written before the call", async () => {
    const program = startProgram(fixture("lives-on.mjs"));
    const [first] = await untilLine(program, /re(.*)y/);
    const [again, part] = await untilLine(program, /re(.*)y/);
    expect([first, again, part]).toEqual(["ready", "ready", "ad"]);
    program.child.kill();
    await program.ended;
  });

  test("rejects when the program ends without such a line", async () => {
    const program = startProgram(fixture("talks.mjs"));
    await expect(untilLine(program, /never/)).rejects.toThrow("ended without a line /never/");
    await program.ended;
  });
});

describe.runIf(hasProc)("isAlive", () => {
  test("counts a zombie as dead", async () => {
    // The shell's child ends when it is told to; by then the shell has turned into a program that
    // waits for no children.
    const shell = spawn("sh", ["-c", "(read word <&3) & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "inherit", "pipe"],
    });
    const zombie = Number((await untilLine(shell, /^\d+$/))[0]);
    await eventually("the shell became sleep", () =>
      describeProcess(shell.pid ?? 0).endsWith(": sleep 60"),
    );
    expect(isAlive(zombie)).toBe(true);
    (shell.stdio[3] as Writable).end("go\n");
    await waitForDeath(zombie);
    expect(() => process.kill(zombie, 0), "its row is still there").not.toThrow();
    shell.kill();
    await once(shell, "close");
  });
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/package/${name}`, import.meta.url));
}
