import { describe, expect, test } from "vitest";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  activeChildren,
  currentProcess,
  parentProcess,
  Pool,
  Process,
  ProcessError,
  type ProcessOptions,
  ProcessPoolExecutor,
  SerializationError,
  WorkerCrashedError,
} from "manycore";
import { isAlive, waitForDeath } from "../helpers/processes.ts";
import { fn, rejection } from "./work.ts";

const start = (options: ProcessOptions<unknown[], unknown>): Promise<Process<unknown[], unknown>> =>
  new Process(options).start();
const hasProc = existsSync("/proc/self/fd");

interface Who {
  process: { name: string; pid: number; daemon: boolean; parent: { name: string; pid: number } };
  parent: { name: string; pid: number; isAlive: boolean };
}

describe("currentProcess and parentProcess", () => {
  test("the root is MainProcess, alive, no daemon, with a key and without a parent", () => {
    expect(currentProcess()).toMatchObject({
      name: "MainProcess",
      pid: process.pid,
      daemon: false,
      isAlive: true,
      exitCode: undefined,
      parent: null,
    });
    expect(currentProcess().authKey.length).toBe(32);
    expect(parentProcess()).toBeNull();
  });

  test("a child knows its name and its parent", async () => {
    const child = await start({ target: fn("whoAmI"), name: "asked", daemon: true });
    const who = (await child.result) as Who;
    const root = { name: "MainProcess", pid: process.pid };
    expect(who.process).toMatchObject({
      name: "asked",
      pid: child.pid,
      daemon: true,
      parent: root,
    });
    expect(who.parent).toEqual({ ...root, isAlive: true });
    await child.join();
  });

  test("a grandchild is numbered below its parent", async () => {
    const child = await start({ target: fn("startProcess") });
    const who = (await child.result) as Who;
    expect(who.process.name).toBe(`${child.name}:1`);
    expect(who.parent).toMatchObject({ name: child.name, pid: child.pid });
    await child.join();
  });

  test("the key is inherited but neither shown nor sent", async () => {
    const child = await start({ target: fn("authKey") });
    const key = Buffer.from(currentProcess().authKey).toString("hex");
    expect(await child.result).toBe(key);
    expect(Object.keys(currentProcess())).not.toContain("authKey");
    expect(JSON.stringify(currentProcess())).not.toContain("authKey");
    expect(inspect(currentProcess(), { depth: 9 })).not.toContain("authKey");
    await child.join();
  });
});

describe("activeChildren", () => {
  test("lists the running ones in the order of their starts", async () => {
    expect(activeChildren()).toEqual([]);
    const first = await start({ target: fn("idle") });
    const second = await start({ target: fn("idle") });
    expect(activeChildren()).toEqual([first, second]);
    first.terminate();
    await first.join();
    expect(activeChildren()).toEqual([second]);
    second.kill();
    await second.join();
    expect(activeChildren()).toEqual([]);
  });
});

describe("Process", () => {
  test.each([
    ["SIGINT", -2],
    ["SIGKILL", -9],
    ["SIGTERM", -15],
  ])(
    "a child killed by %s has that signal's number, %i, as its exit code",
    async (signal, code) => {
      const child = await start({ target: fn("killSelf"), args: [signal] });
      expect(await child.join()).toBe(code);
      expect(await rejection(child.result)).toMatchObject({
        signal,
        pid: child.pid,
        task: "killSelf",
      });
    },
  );

  test("a child that calls process.abort() has the exit code -6, for SIGABRT", async () => {
    const child = await start({ target: fn("abort"), stdio: "ignore" });
    expect(await child.join()).toBe(-6);
  });

  test("one that ignores SIGTERM is killed after the grace has passed twice", async () => {
    const child = await start({ target: fn("stubborn"), stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.terminate({ grace: 50 });
    expect(await child.join()).toBe(-9);
  });

  test("one that ignores SIGTERM is killed by an async dispose", async () => {
    const child = await start({ target: fn("stubborn"), stdio: ["ignore", "pipe", "inherit"] });
    const pid = child.pid as number;
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    await child[Symbol.asyncDispose]();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("it ends when its event loop is empty, with its result long delivered", async () => {
    const child = await start({ target: fn("serve") });
    expect(await child.result).toBe("listening");
    expect(child.isAlive).toBe(true);
    expect(await child.join({ timeout: 20 })).toBeUndefined();
    child.interrupt();
    expect(await child.join()).toBe(0);
  });

  test("a run() that waits for nothing but the shutdown signal stays alive", async () => {
    const child = await start({ target: fn("neverSettles") });
    expect(await child.join({ timeout: 100 })).toBeUndefined();
    child.kill();
    expect(await child.join()).toBe(-9);
  });

  test("an uncaught error is on its stderr with its stack before it exits", async () => {
    const child = await start({
      target: fn("fail"),
      args: ["seen"],
      name: "unlucky",
      stdio: ["ignore", "inherit", "pipe"],
    });
    let text = "";
    for await (const chunk of child.stderr ?? []) text += String(chunk);
    expect(text).toMatch(
      /Uncaught error in process unlucky:\nRangeError: seen\n {4}at fail .*work\.js/,
    );
    expect(text).toContain("[cause]: TypeError: why");
    expect(await child.join()).toBe(1);
  });

  test("a daemon may not start processes, but its threads may run", async () => {
    const refused = await start({ target: fn("startProcess"), daemon: true, stdio: "ignore" });
    const error = await rejection(refused.result);
    expect(error).toBeInstanceOf(ProcessError);
    expect(error.message).toContain("daemon");
    const allowed = await start({ target: fn("startThread"), daemon: true });
    expect(await allowed.result).toMatchObject({ thread: { name: "Thread-1" } });
    await Promise.all([refused.join(), allowed.join()]);
  });

  test("a worker of a ProcessPoolExecutor may start processes, one of a Pool may not", async () => {
    const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    expect(await executor.submit(fn("startsWithin"))).toEqual({ daemon: false, result: "within" });
    await executor.shutdown();
    const pool = new Pool({ workers: 1 });
    const error = await rejection(pool.apply(fn("startsWithin"), []));
    expect(error).toBeInstanceOf(ProcessError);
    expect(error.message).toContain("a worker of a ProcessPoolExecutor is not");
    await pool.terminate();
  });

  test("what a worker of an executor has started ends with it", async () => {
    const executor = new ProcessPoolExecutor({ maxWorkers: 1 });
    const pid = (await executor.submit(fn("leaveBehind"), false)) as number;
    expect(isAlive(pid)).toBe(true);
    await executor.shutdown();
    await waitForDeath(pid);
  });

  test("cwd is the folder it runs in; one that is gone is an error of start()", async () => {
    const child = await start({ target: fn("folder"), cwd: "/" });
    expect(await child.result).toBe("/");
    await child.join();
    expect(() => new Process({ cwd: "/does/not/exist" })).toThrow(/`cwd`.*no such folder/);
    const folder = mkdtempSync(join(tmpdir(), "manycore-cwd-"));
    const nowhere = new Process({ target: fn("folder"), cwd: folder });
    rmdirSync(folder);
    const error = await rejection(nowhere.start());
    expect(error).toBeInstanceOf(ProcessError);
    expect((error.cause as { code: string }).code).toBe("ENOENT");
    expect(error.message).toContain(`no such folder: ${folder}`);
    expect(await rejection(nowhere.result)).toBeInstanceOf(WorkerCrashedError);
    expect(nowhere.isAlive).toBe(false);
  });

  test("options that Node refuses are an error of start() that says how it ended", async () => {
    const child = new Process({
      target: fn("nothing"),
      execArgv: ["--no-such-option"],
      stdio: "ignore",
    });
    const error = await rejection(child.start());
    expect(error).toBeInstanceOf(ProcessError);
    expect(error.message).toContain("exit code 9");
  });

  test("execArgv replaces the inherited options", async () => {
    const child = await start({ target: fn("options"), execArgv: ["--no-deprecation"] });
    expect(await child.result).toEqual(["--no-deprecation"]);
    await child.join();
  });

  test("inspect opens the inspector on a free port of 127.0.0.1", async () => {
    const child = await start({ target: fn("inspectorUrl"), inspect: true, stdio: "ignore" });
    expect(await child.result).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\//);
    await child.join();
    const plain = await start({ target: fn("inspectorUrl"), inspect: false });
    expect(await plain.result).toBeUndefined();
    await plain.join();
  });

  test("shared memory of threads cannot be an argument", async () => {
    const error = await rejection<SerializationError>(
      start({ target: fn("echo"), args: [new SharedArrayBuffer(8)] }),
    );
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.path).toBe("args[0]");
  });

  test("buffers to transfer are moved out of this process", async () => {
    const bytes = new Uint8Array(200_000).fill(7);
    const child = await start({ target: fn("echo"), args: [bytes], transfer: [bytes.buffer] });
    expect(bytes.length).toBe(0);
    expect((await child.result) as unknown[]).toEqual([new Uint8Array(200_000).fill(7)]);
    await child.join();
  });

  test.skipIf(!hasProc)("what a child has open does not depend on its siblings", async () => {
    const alone = await start({ target: fn("openSockets") });
    const count = await alone.result;
    await alone.join();
    const siblings = await Promise.all(
      Array.from({ length: 4 }, () => start({ target: fn("idle") })),
    );
    const last = await start({ target: fn("openSockets") });
    expect(await last.result).toBe(count);
    for (const each of siblings) each.kill();
    await Promise.all([last, ...siblings].map((each) => each.join()));
  });

  test("twenty started at once all end", async () => {
    const children = await Promise.all(
      Array.from({ length: 20 }, (_, i) => start({ target: fn("echo"), args: [i] })),
    );
    expect(await Promise.all(children.map((each) => each.result))).toEqual(
      Array.from({ length: 20 }, (_, i) => [i]),
    );
    expect(await Promise.all(children.map((each) => each.join()))).toEqual(Array(20).fill(0));
    expect(activeChildren()).toEqual([]);
  });

  test("a subclass that overrides nothing needs no export", async () => {
    class Local extends Process<unknown[], unknown> {}
    const child = await new Local({ target: fn("echo"), args: ["run by the base class"] }).start();
    expect(await child.result).toEqual(["run by the base class"]);
    await child.join();
  });

  test("a subclass that is not exported is refused at the start", async () => {
    class Hidden extends Process {
      override run(): number {
        return 1;
      }
    }
    expect(await rejection(new Hidden().start())).toMatchObject({
      code: "ERR_MANYCORE_TASK_NOT_FOUND",
    });
  });
});
