import {
  Future,
  InlineExecutor,
  Lock,
  Pool,
  Process,
  ProcessPoolExecutor,
  Queue,
  Semaphore,
  ThreadPoolExecutor,
  Timer,
  wait,
} from "manycore";
import { describe, expect, test } from "vitest";
import { square } from "../fixtures/executor/work.js";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("option-names");

type Make = (options: never) => unknown;

const pool: Make = (options) => new Pool(options);
const executor: Make = (options) => new ThreadPoolExecutor(options);

describe("a name that must mean an option is refused, and says which:", () => {
  test.each<[string, Make, object, string]>([
    ["what the executors say, to a Pool", pool, { maxWorkers: 3 }, "workers"],
    ["what the command says, to a Pool", pool, { jobs: 3 }, "workers"],
    ["Python's, to a Pool", pool, { processes: 3 }, "workers"],
    ["Python's, of executors, to a Pool", pool, { max_workers: 3 }, "workers"],
    ["what a Pool says, to an executor", executor, { workers: 3 }, "maxWorkers"],
    ["Python's, to an executor", executor, { max_workers: 3 }, "maxWorkers"],
    ["Python's initargs", executor, { initargs: [] }, "initializerArgs"],
    ["Python's maxtasksperchild", pool, { maxtasksperchild: 3 }, "maxTasksPerWorker"],
    ["Python's maxsize", (options) => new Queue(options), { maxsize: 3 }, "maxSize"],
    ["a letter missing", (options) => new Lock().acquireSync(options), { timout: 3 }, "timeout"],
    ["a letter wrong", (options) => new Lock().acquireSync(options), { timeaut: 3 }, "timeout"],
    ["two exchanged", (options) => new Lock().acquireSync(options), { timoeut: 3 }, "timeout"],
    ["one too many", (options) => new Process(options), { daemonn: true }, "daemon"],
    [
      "Python's blocking",
      (options) => new Lock().acquireSync(options),
      { blocking: false },
      "timeout",
    ],
    ["another spelling", (options) => new Process(options), { exec_argv: [] }, "execArgv"],
  ])("%s", (_, make, options, meant) => {
    const name = Object.keys(options)[0];
    expect(() => make(options as never)).toThrow(
      new RegExp(`Unknown option \`${name}\` of .*: did you mean \`${meant}\``),
    );
  });

  test("by rejection where the call is asynchronous", async () => {
    const lock = new Lock();
    await expect(lock.acquire({ timout: 5 } as object)).rejects.toThrow("`timout`");
    await expect(wait([new Future()], { return_when: "ALL" } as object)).rejects.toThrow(
      "did you mean `returnWhen`",
    );
    expect(lock.locked).toBe(false);
  });
});

describe("other names are let through:", () => {
  test("settings of the caller's own that have more than was asked for", () => {
    const settings = { timeout: 5, signal: undefined, log: true, retries: 3 };
    expect(new Lock().acquireSync(settings)).toBe(true);
    expect(new Semaphore(1, { max: 2, clock: 5 } as object).value).toBe(1);
  });

  test("a sister's name next to the right one", async () => {
    const both = new Pool({ workers: 1, maxWorkers: 1 } as object);
    expect(both.stats().maxWorkers).toBe(1);
    await both.terminate();
  });

  test("the number of workers where there is only one", () => {
    expect(new InlineExecutor({ maxWorkers: 4 } as object).stats().maxWorkers).toBe(1);
  });
});

test("a number in place of options says what it must mean", () => {
  expect(() => new Pool(4 as never)).toThrow("write { workers: … }");
  expect(() => new ProcessPoolExecutor(4 as never)).toThrow("write { maxWorkers: … }");
  expect(() => new Lock().acquireSync(100 as never)).toThrow("write { timeout: … }");
});

test("options of the other kind of pool are refused", () => {
  expect(() => new Pool({ kind: "thread", env: {} })).toThrow(
    /`env` is an option of pools of proc/,
  );
  expect(() => new Pool({ resourceLimits: {} })).toThrow(
    /`resourceLimits` is an option of pools of t/,
  );
});

test("what stands behind the function of a Timer is checked, too", () => {
  const make = (...rest: unknown[]) => new Timer(1, ...([square, ...rest] as unknown as [never]));
  expect(() => make("x")).toThrow('Expected `args` to be an array, got `"x"` (a string)');
  expect(() => make([1], 5)).toThrow("Expected `settings` to be an object, got `5` (a number)");
  expect(() => make([1], { daemon: 1 })).toThrow("Expected `daemon` to be true or false");
});

test("what was received is shown without running its code", () => {
  const trap = new Proxy(
    {},
    {
      get: () => {
        throw new Error("looked into");
      },
      ownKeys: () => {
        throw new Error("looked into");
      },
    },
  );
  expect(() => new Lock({ name: trap as never })).toThrow("got `{ … }` (an object)");
});
