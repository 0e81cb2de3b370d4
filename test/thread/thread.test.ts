import { describe, expect, test } from "vitest";
import { MessageChannel, threadId } from "node:worker_threads";
import {
  activeChildren,
  currentThread,
  mainThread,
  NotSupportedError,
  Thread,
  threadLocal,
  type ThreadOptions,
  threads,
  type WorkerCrashedError,
} from "manycore";
import { eventually } from "../helpers/processes.ts";
import { runProgram } from "../helpers/run-program.ts";
import { fn, rejection, thrown } from "../process/work.ts";

const start = (options: ThreadOptions<unknown[], unknown>): Promise<Thread<unknown[], unknown>> =>
  new Thread(options).start();

describe("Thread", () => {
  test.each(["module", "commonjs"])("a thread starts under --input-type=%s", async (type) => {
    const program = `import("manycore").then(async ({ Thread, ThreadPoolExecutor }) => {
      const { echo } = await import("./test/fixtures/process/work.js");
      const thread = await new Thread({ target: echo, args: ["thread"] }).start();
      console.log(await thread.result);
      const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
      console.log(await executor.submit(echo, "executor"));
      await executor.shutdown();
    });`;
    const { stdout, stderr, code } = await runProgram(program, [], {
      execArgv: [`--input-type=${type}`, "-e"],
      env: { NODE_V8_COVERAGE: undefined },
    });
    expect({ stdout, stderr, code }).toEqual({
      stdout: "[ 'thread' ]\n[ 'executor' ]\n",
      stderr: "",
      code: 0,
    });
  });

  test("shared memory is shared, and a port can be moved", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const { port1, port2 } = new MessageChannel();
    const thread = await start({
      target: fn("computeUntil"),
      args: [words, port2],
      transfer: [port2],
    });
    Atomics.wait(words, 0, 0, 30_000);
    expect(Atomics.load(words, 0)).toBe(1);
    Atomics.store(words, 1, 1);
    expect(await thread.join()).toBe(0);
    port1.close();
  });

  test("the state of a thread follows its life", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const thread = new Thread({ target: fn("computeUntil"), args: [words] });
    expect(thread.state).toBe("new");
    const starting = thread.start();
    expect(thread.state).toBe("runnable");
    await starting;
    await eventually("it runs", () => thread.state === "running");
    Atomics.store(words, 1, 1);
    await thread.join();
    expect(thread.state).toBe("terminated");
  });

  test("a thread is blocked while its event loop waits", async () => {
    const thread = await start({ target: fn("idle") });
    await eventually("it waits", () => thread.state === "blocked");
    thread.terminate();
    expect(await thread.join()).toBe(-15);
  });

  test("a thread is blocked while it says that it waits synchronously", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    const thread = await start({ target: fn("waitSync"), args: [words] });
    await eventually("it waits", () => thread.state === "blocked");
    // Woken until it has noticed: it says that it waits a moment before it does.
    await eventually("it goes on", () => {
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
      return thread.state === "running";
    });
    Atomics.store(words, 1, 1);
    expect(await thread.join()).toBe(0);
  });

  test("terminate() stops a thread inside a blocking wait", async () => {
    const thread = await start({ target: fn("block") });
    thread.terminate();
    expect(thread.joinSync({ timeout: 30_000 })).toBe(-15);
  });

  test.each(["join", "joinSync"] as const)(
    "one that fills its heap ends with 1: %s",
    async (how) => {
      const thread = await start({
        target: fn("eatMemory"),
        resourceLimits: { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4 },
      });
      const failed = rejection<WorkerCrashedError>(thread.result);
      expect(await thread[how]()).toBe(1);
      const error = await failed;
      expect(error).toMatchObject({ exitCode: 1, task: "eatMemory", pid: process.pid });
      if (how === "join")
        expect((error.cause as { code: string }).code).toBe("ERR_WORKER_OUT_OF_MEMORY");
    },
  );

  test("what only a process can do is refused", () => {
    const options = { target: fn("nothing"), cwd: "/" } as ThreadOptions<unknown[], unknown>;
    expect(thrown(() => new Thread(options))).toBeInstanceOf(NotSupportedError);
    expect(
      thrown(() => new Thread({ target: fn("nothing"), stdio: ["ignore", 1, 2] })),
    ).toBeInstanceOf(NotSupportedError);
  });

  test("a thread is no active child process", async () => {
    const thread = await start({ target: fn("idle") });
    expect(activeChildren()).toEqual([]);
    thread.kill();
    await thread.join();
  });
});

describe("currentThread, mainThread and threads", () => {
  test("the thread of the tests is the main thread", () => {
    const main = { name: "MainThread", daemon: false, threadId: 0, isAlive: true };
    expect(currentThread()).toEqual({ ...main, threadId });
    expect(mainThread()).toEqual(main);
    expect(threads()).toEqual([main]);
  });

  test("started threads are listed while they run", async () => {
    const thread = new Thread({ target: fn("idle"), name: "listed" });
    expect(threads()).toHaveLength(1);
    await thread.start();
    expect(threads()[1]).toBe(thread);
    thread.kill();
    await thread.join();
    expect(threads()).toHaveLength(1);
  });

  test("a thread sees itself, the main thread and its process", async () => {
    const thread = await start({ target: fn("whoAmI"), name: "looks", daemon: true });
    expect(await thread.result).toMatchObject({
      process: { name: "MainProcess", pid: process.pid, parent: null },
      parent: null,
      thread: { name: "looks", id: thread.threadId, daemon: true },
      main: { name: "MainThread", threadId: 0 },
      threads: ["MainThread", "looks"],
      isMainThread: false,
    });
    await thread.join();
  });

  test("a thread's own threads are numbered below it", async () => {
    const thread = await start({ target: fn("startThread") });
    const who = (await thread.result) as { thread: { name: string } };
    expect(who.thread.name).toBe(`${thread.name}:1`);
    await thread.join();
  });

  test("a thread may start a process, whose parent is this process", async () => {
    const thread = await start({ target: fn("startProcess"), args: ["from a thread"] });
    expect(await thread.result).toMatchObject({
      process: { name: "from a thread", parent: { name: "MainProcess", pid: process.pid } },
    });
    expect(await thread.join()).toBe(0);
  });
});

describe("threadLocal", () => {
  test("each thread has its own value, made on first use", async () => {
    const made: number[] = [];
    const local = threadLocal(() => made.push(1));
    expect(made).toEqual([]);
    expect([local.value, local.value]).toEqual([1, 1]);
    local.value = 5;
    expect(local.value).toBe(5);
    expect(made).toEqual([1]);
  });

  test("a change in one thread is not seen in another", async () => {
    expect(fn("countUp")()).toBe(11);
    const [a, b] = await Promise.all([
      start({ target: fn("countUp") }),
      start({ target: fn("countUp") }),
    ]);
    expect(await Promise.all([a.result, b.result])).toEqual([11, 11]);
    await Promise.all([a.join(), b.join()]);
    expect(fn("countUp")()).toBe(12);
  });
});
