import { describe, expect, test } from "vitest";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { runProgram, startProgram, untilLine } from "../helpers/run-program.ts";
import { program } from "./work.ts";

/** Of a process, and of a thread, which needs no process ids. */
const REFUSED = ["ERR_MANYCORE_NOT_SUPPORTED", true, 0, 0];
const canUnshare =
  process.platform === "linux" &&
  spawnSync("unshare", ["--pid", "--fork", "-m", "true"], { stdio: "ignore" }).status === 0;

describe("a module that starts a process while it is imported", () => {
  test.each(["unguarded.mjs", "unguarded-floating.mjs"])(
    "%s: fails in the child with a message that names isMain, and no further process starts",
    async (name) => {
      const result = await runProgram(program(name));
      expect(result.stdout).toBe("exit code 1\n");
      expect(result.stderr).toContain("isMain");
      // A grandchild would have been numbered below the child that made it.
      expect(result.stderr).not.toContain("Process-1:1:1");
    },
  );

  test("a module that is guarded by isMain runs, and so does its child", async () => {
    const result = await runProgram(program("guarded.mjs"));
    expect(result).toMatchObject({ code: 0, stdout: "fine\n", stderr: "" });
  });
});

describe.runIf(canUnshare)("joinSync", () => {
  test.each([
    ["in a PID namespace that has its own /proc", "unshare --pid --fork --mount-proc", [0, 0]],
    ["where /proc is that of another PID namespace", "unshare --pid --fork", REFUSED],
    ["without /proc", 'unshare -m sh -c \'umount -l /proc; exec "$0" "$@"\'', REFUSED],
  ])("%s", async (_where, command, said) => {
    const sentence = `${command} "${process.execPath}" "${program("join-sync.mjs")}"`;
    const { stdout, stderr } = await runProgram("-c", [sentence], { node: "/bin/sh" });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(said);
  });
});

describe("a program with processes", () => {
  test("children and grandchildren run with its Node options, less those for one process", async () => {
    const result = await runProgram(program("options.mjs"), [], {
      execArgv: ["--no-deprecation", "--max-old-space-size=200", "--inspect-port=0"],
    });
    const options = ["--no-deprecation", "--max-old-space-size=200"];
    expect(JSON.parse(result.stdout)).toEqual([options, options]);
  });

  test("a stdout that nobody reads any more does not change a child's result and exit code", async () => {
    const parent = startProgram(program("closed-stdout.mjs"));
    await once(parent.child.stdout as NodeJS.ReadableStream, "data");
    parent.child.stdout?.destroy();
    await untilLine(parent, /^survived 0$/m, { stream: "stderr" });
    expect((await parent.ended).code).toBe(0);
  });

  test("a join that a signal interrupts waits on", async () => {
    const result = await runProgram(program("interrupted-join.mjs"));
    expect(result).toMatchObject({ code: 0, stdout: "join 0 true\njoinSync 0\n" });
  });

  test("nothing keeps arguments after the start and handles after the end", async () => {
    const result = await runProgram(program("forgets.mjs"));
    expect(result.stdout).toBe("argument true\nhandle true\nargument true\nhandle true\n");
  });

  test("an error of a thread that nobody asks for is written to stderr, others are not", async () => {
    const result = await runProgram(program("thread-errors.mjs"));
    expect(result.stdout).toBe("1\n1\n1\n4\n");
    expect(result.stderr).toMatch(
      /Exception in thread first:\nRangeError: nobody asks\n {4}at fail/,
    );
    expect(result.stderr).toMatch(/Exception in thread third:\nError: from a timer/);
    expect(result.stderr).not.toContain("somebody asks");
  });
});

describe("shutdownSignal in the root", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "the first %s aborts it, the second ends the program",
    async (signal) => {
      const root = startProgram(program("shutdown.mjs"));
      await untilLine(root, /^up$/m);
      root.child.kill(signal);
      await untilLine(root, new RegExp(`^aborted: The process received ${signal}\\.$`, "m"));
      root.child.kill(signal);
      expect(await root.ended).toMatchObject({ code: null, signal });
      expect(root.stdout).toContain("same true false");
    },
  );
});
