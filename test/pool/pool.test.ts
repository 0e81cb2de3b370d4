import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  BrokenExecutorError,
  CancelledError,
  InvalidStateError,
  Pool,
  type PoolOptions,
  SerializationError,
  TimeoutError,
  WorkerCrashedError,
} from "manycore";
import { collect, gate, linesOf, rejection, scratch, started, thrown } from "../executor/kit.ts";
import { eventually, runProgram } from "../helpers/leaks.ts";
import * as work from "../fixtures/executor/work.js";

const PROGRAM = new URL("../fixtures/executor/pool-program.mjs", import.meta.url);
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

async function* later<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  for (const item of items) yield item;
}

describe.each(["process", "thread"] as const)("Pool of kind %s", (kind) => {
  const path = scratch();

  describe("calls", () => {
    let pool: Pool;
    beforeAll(() => {
      pool = new Pool({ kind, workers: 2 });
    });
    afterAll(() => pool.terminate());

    test("apply needs no list of arguments where the function takes none", async () => {
      expect(await pool.apply(work.all)).toEqual([]);
      expect(await pool.applyAsync(work.all)).toEqual([]);
    });

    test("starmap refuses an item that is no list of arguments, by its place", async () => {
      for (const items of [[1, 2], later([[1], 2]), [[1, 2], null], new Set(["ab"])]) {
        const error = await rejection(pool.starmap(work.add, items as never));
        expect(error).toMatchObject({
          code: "ERR_MANYCORE_INVALID_ARGUMENT",
          message: expect.stringMatching(/^Expected `items\[[01]\]` to be an array of arguments/),
        });
      }
      expect(await pool.starmap(work.add, [[1, 2]])).toEqual([3]);
    });

    test("apply gives the value, or throws the task's error with both stacks", async () => {
      expect(await pool.apply(work.add, [2, 3])).toBe(5);
      const error = await rejection(pool.apply(work.fail, ["bad"]));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.stack).toMatch(/at fail .*work\.js[\s\S]*pool\.test\.ts/);
      expect(await rejection(pool.apply(work.echo, [() => {}]))).toBeInstanceOf(SerializationError);
    });

    test("applyAsync gives a Future: ready or not, successful or not, with timeouts", async () => {
      const hold = gate();
      const future = pool.applyAsync(work.gated, [hold.stream, "value"]);
      await started(future);
      expect(future).toMatchObject({ done: false, running: true });
      expect(await rejection(future.result({ timeout: 20 }))).toBeInstanceOf(TimeoutError);
      expect(future.done).toBe(false);
      hold.open();
      expect(await future.result({ timeout: 30_000 })).toBe("value");
      expect(await pool.applyAsync(work.failLater, ["x"]).exception()).toBeInstanceOf(TypeError);
    });

    test("exactly one callback is called, once, before those who await the Future go on", async () => {
      const calls: unknown[] = [];
      const callbacks = {
        callback: (value: unknown) => void calls.push("value", value),
        errorCallback: (error: unknown) => void calls.push("error", (error as Error).message),
      };
      await pool.applyAsync(work.square, [3], callbacks);
      expect(calls.splice(0)).toEqual(["value", 9]);
      await rejection(pool.applyAsync(work.failLater, ["x"], callbacks));
      expect(calls.splice(0)).toEqual(["error", "x"]);
      await pool.mapAsync(work.square, [1, 2], callbacks);
      expect(calls.splice(0)).toEqual(["value", [1, 4]]);
      await rejection(pool.starmapAsync(work.failAt, [[3, 3]], callbacks));
      expect(calls.splice(0)).toEqual(["error", "item 3"]);
    });

    test.each([undefined, 1, 20, 1000])(
      "map and starmap give what a loop gives, chunks of %s",
      async (chunkSize) => {
        const options = chunkSize === undefined ? {} : { chunkSize };
        expect(await pool.map(work.square, range(100), options)).toEqual(
          range(100).map((x) => x * x),
        );
        const pairs = range(100).map((x): [number, number] => [x, 1]);
        expect(await pool.starmap(work.add, pairs, options)).toEqual(range(100).map((x) => x + 1));
        expect(await pool.mapAsync(work.square, new Set(range(9)), options)).toEqual(
          range(9).map((x) => x * x),
        );
        expect(await pool.starmapAsync(work.add, later(pairs), options)).toEqual(
          range(100).map((x) => x + 1),
        );
      },
    );

    test("map over nothing gives nothing, promptly, whatever the chunk size", async () => {
      expect(await pool.map(work.square, [])).toEqual([]);
      expect(await pool.map(work.square, [], { chunkSize: 20 })).toEqual([]);
      expect(await pool.starmap(work.add, later<[number, number]>([]))).toEqual([]);
      expect(await collect(pool.imap(work.square, []))).toEqual([]);
    });

    test("map fails with the first error and the pool stays usable", async () => {
      expect((await rejection(pool.map(work.failAt3, range(50)))).message).toBe("item 3");
      expect(await rejection(pool.map(work.echo, [1, () => {}]))).toBeInstanceOf(
        SerializationError,
      );
      function* broken(): Generator<number, void, undefined> {
        yield 1;
        throw new RangeError("the input is broken");
      }
      expect((await rejection(pool.map(work.square, broken()))).message).toBe(
        "the input is broken",
      );
      expect(await pool.map(work.square, [4])).toEqual([16]);
    });

    test("an argument that is a list is one argument of map", async () => {
      expect(await pool.map(work.echo, [[1, 2], [3]])).toEqual([[1, 2], [3]]);
    });

    test.each([0, -1, 1.5, NaN])(
      "a chunk size or buffer of %d is refused and nothing hangs",
      async (bad) => {
        expect(await rejection(pool.map(work.square, [1], { chunkSize: bad }))).toBeInstanceOf(
          RangeError,
        );
        expect(
          await rejection(pool.starmap(work.add, [[1, 2]], { chunkSize: bad })),
        ).toBeInstanceOf(RangeError);
        expect(thrown(() => pool.imap(work.square, [1], { chunkSize: bad })).message).toContain(
          "chunkSize",
        );
        expect(
          thrown(() => pool.imapUnordered(work.square, [1], { buffer: bad })).message,
        ).toContain("buffer");
      },
    );

    test("an unsendable result fails each time with its path, and the workers survive", async () => {
      for (let i = 0; i < 20; i++) {
        const error = await rejection<SerializationError>(pool.apply(work.returnFunction, []));
        expect(error.path).toBe("result.inner[0]");
      }
      expect(pool.stats().crashed).toBe(0);
    });

    // ---- imap

    test("imap yields in order, then ends; so with chunks and an asynchronous input", async () => {
      const squares = range(300).map((x) => x * x);
      expect(await collect(pool.imap(work.square, range(300)))).toEqual(squares);
      expect(await collect(pool.imap(work.square, range(300), { chunkSize: 100 }))).toEqual(
        squares,
      );
      expect(await collect(pool.imap(work.square, later(range(300))))).toEqual(squares);
      const iterator = pool.imap(work.square, [3]);
      expect(await iterator.next()).toEqual({ done: false, value: 9 });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
    });

    test("imapUnordered yields the same values in any order", async () => {
      const values = await collect(pool.imapUnordered(work.square, range(300)));
      expect(values.sort((a, b) => a - b)).toEqual(range(300).map((x) => x * x));
    });

    test("imapUnordered gives the first that is done first", async () => {
      const hold = gate();
      async function* open(): AsyncGenerator<number, void, undefined> {
        yield 1;
      }
      const gates = [hold.stream, open(), open()];
      const results = pool.imapUnordered(work.sum, gates);
      expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 1]);
      const third = results.next();
      hold.open();
      expect((await third).value).toBe(1);
      expect((await results.next()).done).toBe(true);
    });

    test("after an item's error imap goes on with the next", async () => {
      const results = pool.imap(work.failAt3, range(6));
      const seen: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        seen.push(
          await results.next().then(
            ({ value }) => value as unknown,
            (error: Error) => error.message,
          ),
        );
      }
      expect(seen).toEqual([0, 1, 2, "item 3", 4, 5]);
      expect((await results.next()).done).toBe(true);
    });

    test("with chunks the error stands for the rest of its chunk", async () => {
      const results = pool.imap(work.failAt3, range(9), { chunkSize: 3 });
      const seen: unknown[] = [];
      for (let i = 0; i < 7; i++) {
        seen.push(
          await results.next().then(
            ({ value }) => value as unknown,
            (error: Error) => error.message,
          ),
        );
      }
      expect(seen).toEqual([0, 1, 2, "item 3", 6, 7, 8]);
      expect((await results.next()).done).toBe(true);
    });

    test("next({ timeout }) throws when nothing is there, and the iterator stays usable", async () => {
      const hold = gate();
      const results = pool.imap(work.sum, [hold.stream]);
      expect(await rejection(results.next({ timeout: 20 }))).toBeInstanceOf(TimeoutError);
      expect(await rejection(results.next({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
      hold.open();
      expect(await results.next({ timeout: 30_000 })).toEqual({ done: false, value: 1 });
      expect((await results.next({ timeout: 30_000 })).done).toBe(true);
    });

    test("an error of the input comes at its place, without a worker's stack, and ends the iterator", async () => {
      function* broken(): Generator<number, void, undefined> {
        yield 1;
        throw new RangeError("the input is broken");
      }
      for (const results of [
        pool.imap(work.square, broken()),
        pool.imapUnordered(work.square, broken()),
      ]) {
        expect((await results.next()).value).toBe(1);
        const error = await rejection(results.next());
        expect(error.message).toBe("the input is broken");
        expect(error.stack).not.toContain(`${kind} worker`);
        expect((await results.next()).done).toBe(true);
      }
    });

    test("imap pulls an endless input only as far as its buffer, and closes it", async () => {
      let pulled = 0;
      let closed = false;
      function* endless(): Generator<number, void, undefined> {
        try {
          for (;;) yield pulled++;
        } finally {
          closed = true;
        }
      }
      const results = pool.imap(work.square, endless(), { buffer: 8 });
      for (let i = 0; i < 40; i++) {
        expect((await results.next()).value).toBe(i * i);
        expect(pulled).toBeLessThanOrEqual(i + 10);
      }
      await results.return();
      expect(closed).toBe(true);
    });

    test("what generator tasks yield comes one by one, ordered and unordered", async () => {
      expect(await collect(pool.imap(work.count, [2, 0, 3]))).toEqual([0, 1, 0, 1, 2]);
      const values = await collect(pool.imapUnordered(work.countLater, [2, 0, 3]));
      expect(values.sort((a, b) => a - b)).toEqual([0, 0, 1, 1, 2]);
    });

    test("next({ timeout }) holds for a generator that stalls, and nothing of it is lost", async () => {
      const hold = gate();
      const results = pool.imap(work.double, [hold.stream]);
      expect(await rejection(results.next({ timeout: 30 }))).toBeInstanceOf(TimeoutError);
      expect(await rejection(results.next({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
      hold.open();
      expect(await results.next({ timeout: 30_000 })).toEqual({ done: false, value: 2 });
      expect((await results.next()).done).toBe(true);
    });

    test("a generator that fails gives its values, its error, then the next generator", async () => {
      const results = pool.imap(work.failAfter, [2, 1]);
      const seen: unknown[] = [];
      for (let i = 0; i < 5; i++) {
        seen.push(
          await results.next().then(
            ({ value }) => value as unknown,
            (error: Error) => error.message,
          ),
        );
      }
      expect(seen).toEqual([0, 1, "after 2", 0, "after 1"]);
      expect((await results.next()).done).toBe(true);
    });

    test("leaving a generator's stream closes the generator in the worker", async () => {
      const log = path();
      for await (const value of pool.imap(work.endless, [log])) if (value === 100) break;
      await eventually("the generator is closed", () => linesOf(log).length === 1);
      expect(await pool.apply(work.square, [2])).toBe(4);
    });
  });

  describe("workers and states", () => {
    const pools: Pool[] = [];
    const make = (options: PoolOptions<never[]> = {}): Pool => {
      const pool = new Pool({ kind, workers: 1, ...options });
      pools.push(pool);
      return pool;
    };
    afterEach(async () => {
      await Promise.all(pools.splice(0).map((pool) => pool.terminate()));
    });

    test.each<[object, string]>([
      [{ workers: 0 }, "workers"],
      [{ workers: -1 }, "workers"],
      [{ workers: Infinity }, "workers"],
      [{ workers: "2" }, "workers"],
      [{ maxTasksPerWorker: 0 }, "maxTasksPerWorker"],
      [{ maxTasksPerWorker: -1 }, "maxTasksPerWorker"],
      [{ maxTasksPerWorker: 0.5 }, "maxTasksPerWorker"],
      [{ maxTasksPerWorker: "2" }, "maxTasksPerWorker"],
      [{ initializer: 5 }, "initializer"],
      [{ kind: "fork" }, "kind"],
    ])("options such as %o are refused by name", (options, name) => {
      expect(thrown(() => make(options as never)).message).toContain(`\`${name}\``);
    });

    test("three workers are three, named after the pool", async () => {
      const pool = make({ workers: 3 });
      await Promise.all(range(30).map((x) => pool.apply(work.later, [x])));
      const { workers, maxWorkers } = pool.stats();
      expect(maxWorkers).toBe(3);
      expect(workers.length).toBeLessThanOrEqual(3);
      for (const worker of workers) expect(worker.name).toMatch(/^PoolWorker-\d+$/);
      expect(inspect(pool)).toMatch(new RegExp(`^<Pool open ${kind} \\d/3 busy, 0 waiting>$`));
    });

    test("the initializer runs once in every worker", async () => {
      const pool = make({
        workers: 2,
        initializer: work.initialize,
        initializerArgs: ["db"] as never[],
      });
      expect(await pool.map(work.readInitialized, range(20), { chunkSize: 1 })).toEqual(
        range(20).map(() => "db"),
      );
    });

    test("a failing initializer fails every call instead of starting workers for ever", async () => {
      const pool = make({ initializer: work.failingInitializer });
      expect(await rejection(pool.apply(work.square, [1]))).toBeInstanceOf(BrokenExecutorError);
      expect(await rejection(pool.map(work.square, [1]))).toBeInstanceOf(BrokenExecutorError);
      pool.close();
      await pool.join();
    });

    test("maxTasksPerWorker replaces every worker in time, and a chunk counts as one", async () => {
      const pool = make({ workers: 3, maxTasksPerWorker: 10 });
      const ids = await pool.map(work.workerOf, range(100), {
        chunkSize: 1,
      });
      for (const id of new Set(ids)) {
        expect(ids.filter((other) => other === id).length).toBeLessThanOrEqual(10);
      }
      expect(new Set(ids).size).toBeGreaterThanOrEqual(10);
      const chunked = await pool.map(work.workerOf, range(90), {
        chunkSize: 30,
      });
      expect(chunked.length).toBe(90);
      expect(pool.stats().crashed).toBe(0);
      pool.close();
      await pool.join();
    });

    test("a worker that is killed in a task fails that call, and the pool goes on", async () => {
      const pool = make({ workers: 2 });
      const dying = kind === "process" ? pool.apply(work.killSelf, []) : pool.apply(work.exit, [9]);
      const error = await rejection<WorkerCrashedError>(dying);
      expect(error).toBeInstanceOf(WorkerCrashedError);
      expect(error).toMatchObject(kind === "process" ? { signal: "SIGKILL" } : { exitCode: 9 });
      expect(await rejection(pool.map(work.dieAt20, range(40)))).toBeInstanceOf(WorkerCrashedError);
      expect(await pool.map(work.square, range(10))).toEqual(range(10).map((x) => x * x));
    });

    test("imap goes on after the item that killed its worker", async () => {
      const pool = make({ workers: 1 });
      const results = pool.imap(work.dieAt20, [19, 20, 21]);
      expect((await results.next()).value).toBe(19);
      expect(await rejection(results.next())).toBeInstanceOf(WorkerCrashedError);
      expect((await results.next()).value).toBe(21);
    });

    test("close() takes no more, lets what was accepted finish, and join() waits for the workers' end", async () => {
      const pool = make({ workers: 2 });
      const mapped = pool.mapAsync(work.square, range(200), { chunkSize: 1 });
      const lazy = pool.imap(work.square, later(range(50)));
      pool.close();
      expect(inspect(pool)).toContain("<Pool closed");
      expect(await rejection(pool.apply(work.square, [1]))).toBeInstanceOf(InvalidStateError);
      expect(await rejection(pool.map(work.square, [1]))).toBeInstanceOf(InvalidStateError);
      expect(await rejection(pool.starmap(work.add, [[1, 2]]))).toBeInstanceOf(InvalidStateError);
      for (const refused of [
        () => pool.applyAsync(work.square, [1]),
        () => pool.mapAsync(work.square, [1]),
        () => pool.starmapAsync(work.add, [[1, 2]]),
        () => pool.imap(work.square, [1]),
        () => pool.imapUnordered(work.square, [1]),
      ]) {
        expect(thrown(refused)).toBeInstanceOf(InvalidStateError);
      }
      expect(await mapped).toEqual(range(200).map((x) => x * x));
      expect(await collect(lazy)).toEqual(range(50).map((x) => x * x));
      await pool.join();
      expect(pool.stats().workers).toEqual([]);
      pool.close();
      await pool.join();
    });

    test("join() of an open pool is refused", async () => {
      const pool = make();
      const error = await rejection(pool.join());
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toContain("close()");
    });

    test("terminate() rejects what runs, waits and is still to come, and ends the workers", async () => {
      const pool = make({ workers: 1 });
      const running = pool.applyAsync(work.stubborn, []);
      await started(running);
      const waiting = pool.applyAsync(work.square, [1]);
      const mapped = pool.mapAsync(work.square, range(100));
      const lazy = pool.imap(work.square, range(1000));
      // An input that says nothing any more must not keep its reader waiting.
      const silent = pool.imap(work.square, gate().stream);
      const hearing = silent.next();
      const ended = pool.terminate();
      for (const each of [running, waiting, mapped, hearing, lazy.next()]) {
        expect(await rejection(each)).toBeInstanceOf(CancelledError);
      }
      await ended;
      expect(pool.stats()).toMatchObject({ workers: [], completed: 0 });
      await pool.join();
      await pool.terminate();
      expect(inspect(pool)).toContain("<Pool terminated");
      expect(await rejection(pool.apply(work.square, [1]))).toBeInstanceOf(InvalidStateError);
    });

    test("leaving its scope terminates the pool", async () => {
      const pool = make();
      const running = pool.applyAsync(work.stubborn, []);
      await started(running);
      await pool[Symbol.asyncDispose]();
      expect(running.cancelled).toBe(true);
      expect(thrown(() => pool.mapAsync(work.square, [1]))).toBeInstanceOf(InvalidStateError);
    });

    test.each([
      ["callbacks", "a throwing callback is an uncaught exception and stops nothing"],
      ["half-callbacks", "a callback for the other outcome makes no unhandledRejection"],
      ["forgotten", "a pool that is not ended does not keep the program open"],
    ])("program %s: %s", async (name) => {
      const { stdout, stderr, code } = await runProgram(PROGRAM, [kind, name]);
      expect({ stdout, stderr, code }).toEqual({ stdout: `${name}: ok\n`, stderr: "", code: 0 });
    });
  });
});
