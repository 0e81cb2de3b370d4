import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { processesOf, waitForDeath } from "../helpers/leaks.ts";
import { eventually, hasProc, isSentinel, withoutSentinels } from "../helpers/processes.ts";
import { runProgram, startProgram, untilLine } from "../helpers/run-program.ts";
import { program } from "./work.ts";

/** What the design promises; the machine may be busy with other tests. */
const ORPHAN_MS = 2000;

describe.skipIf(!hasProc)("when the parent is gone", () => {
  test("kill -9 leaves nothing: idle, computing, daemon, grandchildren", async () => {
    const parent = startProgram(program("tree.mjs"));
    // One line of each branch and one of the program itself, in any order.
    await eventually("the tree stands", () => parent.stdout.split("\n").length === 4);
    const tree = processesOf(parent.pid);
    expect(withoutSentinels(tree)).toHaveLength(8);
    const begun = performance.now();
    parent.child.kill("SIGKILL");
    await Promise.all(tree.map((row) => waitForDeath(row.pid, 10_000)));
    expect(performance.now() - begun).toBeLessThan(ORPHAN_MS);
    await parent.ended;
  });

  test("kill -9 leaves nothing, also after somebody has killed what watches over the children", async () => {
    const parent = startProgram(program("tree.mjs"));
    await eventually("the tree stands", () => parent.stdout.split("\n").length === 4);
    const sentinels = (): number[] =>
      processesOf(parent.pid)
        .filter((row) => isSentinel(row) && row.parent === parent.pid)
        .map(({ pid }) => pid);
    const [first] = sentinels();
    process.kill(first!, "SIGKILL");
    await eventually("there is another one", () => sentinels().some((pid) => pid !== first));
    const tree = processesOf(parent.pid);
    expect(withoutSentinels(tree)).toHaveLength(8);
    parent.child.kill("SIGKILL");
    await Promise.all(tree.map((row) => waitForDeath(row.pid, 10_000)));
    await parent.ended;
  });

  test("Ctrl-C, a SIGINT to the whole group, leaves nothing", async () => {
    const group = spawn(process.execPath, [program("ctrl-c.mjs")], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await untilLine(group, /^up$/m);
    const tree = processesOf(group.pid as number);
    expect(withoutSentinels(tree)).toHaveLength(5);
    process.kill(-(group.pid as number), "SIGINT");
    const [, signal] = await once(group, "exit");
    expect(signal).toBe("SIGINT");
    await Promise.all(tree.map((row) => waitForDeath(row.pid, 10_000)));
  });

  test("a child that waits for its parent's end is told and has time to say so", async () => {
    const root = startProgram(program("watcher.mjs"));
    const [, middle] = await untilLine(root, /^middle (\d+)$/m);
    await untilLine(root, /^watching middle true false$/m);
    const [, watcher] = await untilLine(root, /^watcher (\d+)$/m);
    process.kill(Number(middle), "SIGTERM");
    await untilLine(root, /^gone true false$/m);
    await waitForDeath(Number(watcher), 10_000);
    expect((await root.ended).stdout).toContain("middle ended with -15");
  });

  test.each([
    ["daemon", 0],
    ["daemon-exit", 3],
    ["throw", 1],
    ["exit", 3],
  ])("%s: the program ends with its own code and its child with it", async (how, code) => {
    const result = await runProgram(program("leaves.mjs"), [how]);
    expect(result.code).toBe(code);
    await waitForDeath(Number(/^pid (\d+)$/m.exec(result.stdout)?.[1]), 10_000);
  });
});

describe("the parent's event loop", () => {
  test.each(["process", "thread"])("a %s that is no daemon keeps it open", async (kind) => {
    const result = await runProgram(program("leaves.mjs"), ["waits", kind]);
    expect(result).toMatchObject({ code: 0, stdout: "child done\n" });
  });

  test("a daemon thread does not keep it open", async () => {
    const result = await runProgram(program("leaves.mjs"), ["daemon", "thread"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });

  test.each(["process", "thread"])(
    "waiting for a daemon %s keeps it open that long",
    async (kind) => {
      const result = await runProgram(program("waits-for-daemon.mjs"), [kind]);
      expect(result).toMatchObject({ code: 0, stdout: "result\n0\n0\n", stderr: "" });
    },
  );
});
