import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Future } from "manycore";
import { eventually } from "../helpers/leaks.ts";
import {
  BOUND_MS,
  brokenModule,
  crash,
  errorOf,
  type Facts,
  fixture,
  fn,
  type Kind,
  linesOf,
  make,
  type PoolExecutor,
  PROCESS,
  QUIET,
  RunLog,
  THREAD,
} from "./kit.ts";

interface Row {
  readonly when: string;
  readonly what: string;
  /** Kinds of workers it can happen to; default both. A thread cannot die of a signal alone. */
  readonly only?: Kind["name"];
  readonly submit: (executor: PoolExecutor) => Future<unknown>;
  readonly error: Facts | ((kind: Kind) => Facts);
  /** How long the worker may take to die, in milliseconds. */
  readonly dyingMs?: number;
}

const thrown: Facts = { name: "CustomError", code: "E_CUSTOM", message: "thrown on purpose" };
const unreadable = { name: "SerializationError", code: "ERR_MANYCORE_SERIALIZATION" };

function running(fault: string, what: string, error: Row["error"], only?: Kind["name"]): Row {
  const row = { when: "running", what, error };
  const submit: Row["submit"] = (executor) => executor.submit(fn("fail"), fault);
  return only === undefined ? { ...row, submit } : { ...row, submit, only };
}

/** A fault in code that runs while a value is encoded or decoded in the worker. */
function coding(
  when: string,
  what: string,
  task: string,
  submit: (fault: string) => Row["submit"],
  error: Facts,
): Row[] {
  return [
    { when, what: `${what} throws`, submit: submit("throw"), error },
    { when, what: `${what} exits`, submit: submit("exit"), error: crash(task, { exitCode: 3 }) },
    {
      when,
      what: `${what} is killed`,
      submit: submit("kill"),
      error: crash(task, { signal: "SIGKILL" }),
      only: "process",
    },
  ];
}

function loading(module: string, what: string, error: Facts, only?: Kind["name"]): Row {
  const row: Row = {
    when: "loading its module",
    what,
    submit: (executor) => executor.submit(brokenModule(module)),
    error,
  };
  return only === undefined ? row : { ...row, only };
}

const ROWS: readonly Row[] = [
  running("throw", "throws", thrown),
  running("reject", "throws after an await", thrown),
  running("throwString", "throws what is no Error", {
    name: "RemoteError",
    code: "ERR_MANYCORE_REMOTE",
    cause: "just a string" as Facts,
  }),
  running("exit", "calls process.exit", crash("fail", { exitCode: 3 })),
  running("exitLater", "calls process.exit after an await", crash("fail", { exitCode: 3 })),
  running("throwInTimer", "throws in a timer", {
    ...crash("fail", { exitCode: 1 }),
    cause: thrown,
  }),
  running("unhandledRejection", "forgets a rejected promise", {
    ...crash("fail", { exitCode: 1 }),
    cause: { name: "CustomError", message: "rejected on purpose" },
  }),
  running("kill", "is killed by SIGKILL", crash("fail", { signal: "SIGKILL" }), "process"),
  running("abort", "calls process.abort", crash("fail", { signal: "SIGABRT" }), "process"),
  {
    ...running("memory", "runs out of memory", (kind) =>
      kind.name === "process"
        ? crash("fail", { signal: "SIGABRT" })
        : { ...crash("fail", { exitCode: 1 }), cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } },
    ),
    // The collector tries for a second of computing; other programs may compute as well.
    dyingMs: 20_000,
  },
  ...coding(
    "decoding its arguments",
    "a class's decode",
    "take",
    (fault) => (executor) => executor.submit(fn("take"), make("DecodeBomb", fault, -1)),
    { ...unreadable, cause: thrown },
  ),
  ...coding(
    "encoding its result",
    "a class's encode",
    "giveEncodeBomb",
    (fault) => (executor) => executor.submit(fn("giveEncodeBomb"), fault),
    { ...unreadable, path: "result" },
  ),
  ...coding(
    "encoding its result",
    "a getter",
    "giveGetter",
    (fault) => (executor) => executor.submit(fn("giveGetter"), fault),
    { ...unreadable, path: "result.value" },
  ),
  {
    when: "decoding its result at home",
    what: "a class's decode throws",
    submit: (executor) => executor.submit(fn("giveDecodeBomb"), "throw", process.pid),
    error: { ...unreadable, cause: thrown },
  },
  {
    when: "encoding its arguments at home",
    what: "a class's encode throws",
    submit: (executor) => executor.submit(fn("take"), make("EncodeBomb", "throw")),
    error: { ...unreadable, path: "args[0]" },
  },
  loading("throws-at-import", "throws", {
    name: "RangeError",
    message: expect.stringContaining("this module is broken"),
  }),
  loading("no-such-file", "is missing", { code: "ERR_MODULE_NOT_FOUND" }),
  loading("no-such-export", "lacks the export", { code: "ERR_MANYCORE_TASK_NOT_FOUND" }),
  loading("exits-at-import", "exits", crash("neverThere", { exitCode: 4 })),
  loading("killed-at-import", "is killed", crash("neverThere", { signal: "SIGKILL" }), "process"),
];

describe.each([THREAD, PROCESS])("a task of a $name pool fails alone", (kind) => {
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

  /** One neighbour runs all the time, others wait behind the victim; afterwards both places are there. */
  async function amongNeighbours(body: () => Promise<void>): Promise<void> {
    const file = log.file(`round-${++round}`);
    const gate = log.gate();
    const neighbour = executor.submit(fn("recordUntil"), file, "neighbour", gate);
    await eventually("the neighbour runs", () => linesOf(file).length > 0);
    try {
      const done = body();
      const queued = Array.from({ length: 20 }, (_, i) =>
        executor.submit(fn("record"), file, `${i}`),
      );
      await done;
      expect(await Promise.all(queued)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
    } finally {
      // Whatever has failed, the next test finds both places free.
      log.open(gate);
    }
    expect(await neighbour).toBe("neighbour");
    expect(new Set(linesOf(file)).size).toBe(21);
    expect(linesOf(file)).toHaveLength(21);
    const place = log.file(`places-${round}`);
    await Promise.all(["a", "b"].map((name) => executor.submit(fn("meet"), place, name, 2)));
    expect(executor.stats()).toMatchObject({ pending: 0, running: 0 });
  }

  const rows = ROWS.filter((row) => row.only === undefined || row.only === kind.name);
  test.each(rows)("$when: $what", async ({ submit, error, dyingMs = 0 }) => {
    await amongNeighbours(async () => {
      const failure = await errorOf(submit(executor), dyingMs + BOUND_MS);
      expect(failure).toMatchObject(typeof error === "function" ? error(kind) : error);
    });
  });

  test.each(["exit", "throw", ...(kind.name === "process" ? ["kill"] : [])])(
    "streaming its result: %s",
    async (fault) => {
      await amongNeighbours(async () => {
        const stream = (await executor.submit(fn("yieldThenFail"), fault)) as AsyncIterable<number>;
        const values: number[] = [];
        const reading = (async () => {
          for await (const value of stream) values.push(value);
        })();
        const failure = await reading.then(undefined, (reason: unknown) => reason);
        const how = fault === "kill" ? { signal: "SIGKILL" } : { exitCode: 3 };
        expect(failure).toMatchObject(fault === "throw" ? thrown : crash("yieldThenFail", how));
        expect(values).toEqual([1, 2]);
      });
    },
  );

  test.each(["exit", "throw", ...(kind.name === "process" ? ["kill"] : [])])(
    "idle: %s, from a timer that a task left behind; nobody fails",
    async (fault) => {
      const { crashed } = executor.stats();
      await executor.submit(fn("failWhenIdle"), fault);
      await eventually("the death is noticed", () => executor.stats().crashed > crashed);
      await amongNeighbours(async () => {
        expect(await executor.submit(fn("take")).result({ timeout: BOUND_MS })).toBe("taken");
      });
    },
  );

  test("ten crashes in a row, the first task of their worker each, break nothing", async () => {
    const fresh = kind.make();
    for (let i = 0; i < 5; i++) {
      const pair = [fresh.submit(fn("fail"), "exit"), fresh.submit(fn("fail"), "exit")];
      for (const future of pair) {
        expect(await errorOf(future)).toMatchObject(crash("fail", { exitCode: 3 }));
      }
    }
    expect(await fresh.submit(fn("take"))).toBe("taken");
    await fresh.shutdown();
  });

  test("an item of a map that ends its worker fails at its place, after the values before it", async () => {
    const values: unknown[] = [];
    const faults = ["none", "none", "exit", "none"];
    const reading = (async () => {
      const results = executor.with({ chunkSize: 1 }).map(fn("fail"), faults, [1, 2, 3, 4]);
      for await (const value of results) values.push(value);
    })();
    const failure = await reading.then(undefined, (reason: unknown) => reason);
    expect(failure).toMatchObject(crash("fail", { exitCode: 3 }));
    expect(values).toEqual([1, 2]);
    expect(await executor.submit(fn("take"))).toBe("taken");
  });

  test("retries give a task that ended its worker another one", async () => {
    const failure = await errorOf(executor.with({ retries: 2 }).submit(fn("fail"), "exit"));
    expect(failure).toMatchObject(crash("fail", { exitCode: 3 }));
    const file = log.file("retries");
    const again = executor.with({ retries: 1 }).submit(fn("recordThenExit"), file, "x", "x");
    expect(await errorOf(again)).toMatchObject(crash("recordThenExit", { exitCode: 7 }));
    expect(linesOf(file)).toEqual(["x", "x"]);
  });
});

interface StartRow {
  readonly what: string;
  readonly only?: Kind["name"];
  readonly options: NonNullable<Parameters<Kind["make"]>[0]>;
  readonly cause: Facts;
}

function initializer(fault: string, what: string, cause: Facts, only?: Kind["name"]): StartRow {
  const options = { initializer: fn("fail"), initializerArgs: [fault] as never[] };
  const row: StartRow = { what: `the initializer ${what}`, options, cause };
  return only === undefined ? row : { ...row, only };
}

const died = (how: { exitCode?: number; signal?: string }): Facts => ({
  name: "WorkerCrashedError",
  ...how,
  task: undefined,
});

const START_ROWS: readonly StartRow[] = [
  initializer("throw", "throws", thrown),
  initializer("reject", "throws after an await", thrown),
  initializer("exit", "calls process.exit", died({ exitCode: 3 })),
  initializer("exitLater", "calls process.exit after an await", died({ exitCode: 3 })),
  initializer("throwInTimer", "throws in a timer", { ...died({ exitCode: 1 }), cause: thrown }),
  initializer("kill", "is killed", died({ signal: "SIGKILL" }), "process"),
  initializer("abort", "calls process.abort", died({ signal: "SIGABRT" }), "process"),
  {
    what: "the initializer cannot be found",
    options: { initializer: () => {} },
    cause: { code: "ERR_MANYCORE_TASK_NOT_FOUND" },
  },
  {
    what: "the initializer's module is broken",
    options: { initializer: brokenModule("throws-at-import") },
    cause: { name: "RangeError", message: expect.stringContaining("this module is broken") },
  },
  {
    what: "the initializer's module exits",
    options: { initializer: brokenModule("exits-at-import") },
    cause: died({ exitCode: 4 }),
  },
  {
    what: "Node does not know its options",
    only: "process",
    options: { execArgv: [...QUIET, "--no-such-option"] },
    cause: died({ exitCode: 9 }),
  },
  {
    what: "it exits before it says a word",
    only: "process",
    options: { execArgv: [...QUIET, "--require", fixture("exits-at-boot.cjs")] },
    cause: died({ exitCode: 5 }),
  },
  {
    what: "the system takes no such environment",
    only: "process",
    // Linux takes 128 KiB of one variable.
    options: { env: { LARGE: "x".repeat(256 * 1024) } },
    cause: { code: "E2BIG" },
  },
  {
    what: "it has no memory to start with",
    only: "thread",
    options: { resourceLimits: { maxOldGenerationSizeMb: 1 } },
    cause: { name: "WorkerCrashedError", cause: { code: "ERR_WORKER_OUT_OF_MEMORY" } },
  },
];

describe.each([THREAD, PROCESS])("a $name pool whose workers cannot start says why", (kind) => {
  const rows = START_ROWS.filter((row) => row.only === undefined || row.only === kind.name);
  test.each(rows)("$what", async ({ options, cause }) => {
    const executor = kind.make(options);
    const futures = [1, 2, 3].map(() => executor.submit(fn("take")));
    const broken = { code: "ERR_MANYCORE_BROKEN_EXECUTOR", cause };
    for (const future of futures) expect(await errorOf(future)).toMatchObject(broken);
    expect(() => executor.submit(fn("take"))).toThrow(
      expect.objectContaining({ code: "ERR_MANYCORE_BROKEN_EXECUTOR" }),
    );
    // Three tries at the most: it does not go on starting.
    expect(executor.stats().crashed).toBeLessThanOrEqual(3);
    await executor.shutdown();
    expect(executor.stats().workers).toEqual([]);
  });
});

describe.each([THREAD, PROCESS])("a $name pool ends although its finalizer fails", (kind) => {
  test.each([
    "finalizeThrow",
    "finalizeExit",
    ...(kind.name === "process" ? ["finalizeKill"] : []),
  ])("%s", async (name) => {
    const executor = kind.make({ finalizer: fn(name) as never });
    expect(await executor.submit(fn("take"))).toBe("taken");
    await executor.shutdown();
    expect(executor.stats()).toMatchObject({ workers: [], completed: 1, failed: 0 });
  });
});
