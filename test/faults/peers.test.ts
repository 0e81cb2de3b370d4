// What other pools get wrong (hanging promises, lost places, lost errors), one test for each case.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, isAlive } from "../helpers/leaks.ts";
import { runProgram } from "../helpers/run-program.ts";
import { hasProc, processesOf } from "../helpers/processes.ts";
import {
  brokenModule,
  crash,
  errorOf,
  fixture,
  fn,
  linesOf,
  type PoolExecutor,
  PROCESS,
  RunLog,
  THREAD,
} from "./kit.ts";

const MANY = 100_000;

describe.each([THREAD, PROCESS])("$name pool", (kind) => {
  const log = new RunLog();
  let executor: PoolExecutor;
  let round = 0;

  beforeAll(() => {
    executor = kind.make();
  });
  afterAll(async () => {
    await executor.shutdown();
    log.remove();
  });

  /** Both places of the pool can be used at the same time. */
  async function expectAllPlaces(): Promise<void> {
    const file = log.file(`places-${++round}`);
    const pair = ["a", "b"].map((name) => executor.submit(fn("meet"), file, name, 2));
    expect(await Promise.all(pair)).toEqual(["a", "b"]);
  }

  test("process.exit(3) in a task rejects it with the exit code; no place is lost", async () => {
    const failures = await Promise.all(
      [1, 2, 3, 4].map(() => errorOf(executor.submit(fn("fail"), "exit"))),
    );
    for (const failure of failures) expect(failure).toMatchObject(crash("fail", { exitCode: 3 }));
    await expectAllPlaces();
  });

  test.runIf(kind.name === "process")(
    "SIGKILL of a worker rejects its task with the signal; no place is lost",
    async () => {
      const file = log.file("killed");
      const victim = executor.submit(fn("recordUntil"), file, "victim", log.gate());
      await eventually("it runs", () => linesOf(file).length > 0);
      process.kill(victimPid(executor) as number, "SIGKILL");
      expect(await errorOf(victim)).toMatchObject(crash("recordUntil", { signal: "SIGKILL" }));
      await expectAllPlaces();
    },
  );

  test("an uncaught throw in a callback rejects the task that runs, with what was thrown as the cause", async () => {
    expect(await errorOf(executor.submit(fn("fail"), "throwInTimer"))).toMatchObject({
      ...crash("fail", { exitCode: 1 }),
      cause: { name: "CustomError", message: "thrown on purpose" },
    });
    await expectAllPlaces();
  });

  test("an abort ends a task in `for (;;)`, and its worker; later tasks run", async () => {
    const short = kind.make({ grace: 50, maxWorkers: 1 });
    const controller = new AbortController();
    const started = log.file(`computing-${kind.name}`);
    await short.submit(fn("take"));
    const pid = short.stats().workers[0]?.pid as number;
    const stuck = short.with({ signal: controller.signal }).submit(fn("recordAndCompute"), started);
    const behind = short.submit(fn("take"));
    await eventually("it computes", () => linesOf(started).length > 0);
    controller.abort(new Error("enough"));
    expect(await errorOf(stuck)).toMatchObject({ message: "enough" });
    expect(await behind.result({ timeout: 5_000 })).toBe("taken");
    if (kind.name === "process") await eventually("the loop is ended", () => !isAlive(pid));
    await short.shutdown();
  });

  test("an argument that cannot be cloned rejects with its path, however often; no place is lost", async () => {
    const argument = { list: [1, { callback: () => {} }] };
    for (let i = 0; i < 5; i++) {
      expect(await errorOf(executor.submit(fn("take"), 1, argument))).toMatchObject({
        code: "ERR_MANYCORE_SERIALIZATION",
        path: "args[1].list[1].callback",
      });
    }
    await expectAllPlaces();
  });

  test("a result that cannot be cloned rejects with its path, however often; no place is lost", async () => {
    for (let i = 0; i < 5; i++) {
      expect(await errorOf(executor.submit(fn("giveFunction")))).toMatchObject({
        code: "ERR_MANYCORE_SERIALIZATION",
        path: "result.deep[0].callback",
      });
    }
    await expectAllPlaces();
  });

  test("a custom error arrives whole: class, name, code, own fields, cause and both stacks", async () => {
    const failure = await errorOf(executor.submit(fn("throwCustom")));
    expect(failure).toBeInstanceOf(Error);
    expect(failure.constructor.name).toBe("CustomError");
    expect(failure).toMatchObject({
      name: "CustomError",
      message: "whole",
      code: "E_CUSTOM",
      extra: { list: [1, new Date(0)] },
      cause: { name: "RangeError", message: "root" },
    });
    expect(failure.cause).toBeInstanceOf(RangeError);
    const [remote, local] = ["throwCustom", "peers.test.ts"].map((frame) =>
      String(failure.stack).indexOf(frame),
    ) as [number, number];
    expect(remote).toBeGreaterThan(0);
    expect(local).toBeGreaterThan(remote);
  });

  test("a plain function that returns a promise is awaited", async () => {
    expect(await executor.submit(fn("plainPromise"), 7)).toBe(7);
  });

  test("100,000 in flight, more than 65,536, all resolve", async () => {
    const futures = Array.from({ length: MANY }, (_, i) => executor.submit(fn("plainPromise"), i));
    const values = await Promise.all(futures);
    expect(values.every((value, i) => value === i)).toBe(true);
  });

  test("a broken worker file is not started over and over: each task fails, one worker each", async () => {
    const { crashed } = executor.stats();
    const tries = [1, 2, 3].map(() => executor.submit(brokenModule("exits-at-import")));
    for (const future of tries) {
      expect(await errorOf(future)).toMatchObject(crash("neverThere", { exitCode: 4 }));
    }
    expect(executor.stats().crashed - crashed).toBe(3);
    await expectAllPlaces();
  });

  test("the environment of workers is complete", async () => {
    process.env["FAULTS_SENTINEL"] = "here";
    const fresh = kind.make({ maxWorkers: 1 });
    expect(await fresh.submit(fn("environment"))).toMatchObject({ ...process.env });
    await fresh.shutdown();
    delete process.env["FAULTS_SENTINEL"];
  });
});

describe.runIf(hasProc)("process pool without file descriptors", () => {
  test("tasks go to the workers there are; without any the pool says why, and leaves no file open", async () => {
    const sentence = `ulimit -n 100 && exec "${process.execPath}" "${fixture("too-many-files.mjs")}"`;
    const { code, stdout, stderr } = await runProgram("-c", [sentence], { node: "/bin/sh" });
    expect(stderr).toBe("");
    expect(stdout.split("\n").slice(0, -1)).toEqual([
      "with 0 left: 40 true",
      "with 3 left: 40 true",
      "with 5 left: 40 true",
      "no worker: ERR_MANYCORE_BROKEN_EXECUTOR EMFILE 0",
      "end",
    ]);
    expect(code).toBe(0);
    expect(processesOf(process.pid).filter((row) => row.command.includes("too-many"))).toEqual([]);
  });
});

describe.runIf(hasProc)("thirty at once where there are files for a few", () => {
  test.each(["threads", "processes", "pool"])("%s: each failure names the reason", async (kind) => {
    // Node could not write the coverage down there, and says so.
    const sentence = `unset NODE_V8_COVERAGE && ulimit -n 64 && exec "${process.execPath}" "${fixture("few-files.mjs")}" ${kind}`;
    const { code, stdout, stderr } = await runProgram("-c", [sentence], { node: "/bin/sh" });
    const seen = JSON.parse(stdout) as { failed: boolean };
    expect(seen).toMatchObject({ settled: 30, unnamed: 0, wrong: 0 });
    // A pool leaves the work to the workers it has, if these can load it.
    if (kind !== "pool") expect(seen.failed).toBe(true);
    if (kind !== "threads") expect(stderr).toBe("");
    expect(code).toBe(0);
  });
});

function victimPid(executor: PoolExecutor): number | undefined {
  return executor.stats().workers.find((worker) => worker.state === "busy")?.pid;
}
