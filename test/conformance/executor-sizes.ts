import { afterEach, beforeEach, expect, test } from "vitest";
import { frameLimit } from "../../dist/wire/limits.js";
import type { Executor, SerializationError } from "manycore";
import { endingAfterEach, type Make, rejection } from "../executor/kit.ts";
import * as sizes from "../fixtures/executor/sizes.js";
import * as work from "../fixtures/executor/work.js";

const MIB = 1024 * 1024;
const TOO_LARGE = 3 * MIB;

/** What is larger than a message between processes, with a limit of 2 MiB instead of 1 GiB on both sides. */
export function testSizes(makeOne: Make): void {
  const make = endingAfterEach(makeOne);
  const usual = frameLimit.bytes;
  let executor: Executor;

  beforeEach(async () => {
    frameLimit.bytes = 2 * MIB;
    executor = make({ maxWorkers: 1, initializer: sizes.lower as never });
    await executor.submit(work.square, 1);
  });
  afterEach(() => {
    frameLimit.bytes = usual;
  });

  /** The path in the error of a call that is too large; neither the program nor the worker suffers. */
  const refusedPath = async (promise: PromiseLike<unknown>): Promise<string> => {
    const error = await rejection<SerializationError>(promise);
    expect(error.message).toMatch(/takes \d+ bytes, more than the \d+ of one message/);
    expect(await executor.submit(work.square, 3)).toBe(9);
    expect(executor.stats().crashed).toBe(0);
    return error.path;
  };

  test.each([
    ["a buffer", () => new Uint8Array(TOO_LARGE)],
    ["a string", () => "x".repeat(TOO_LARGE)],
    ["many that are small", () => Array.from({ length: 100 }, () => new Uint8Array(100_000))],
  ])("as an argument, %s fails its own call", async (_, input) => {
    expect(await refusedPath(executor.submit(work.echo, input()))).toBe("args");
  });

  test("a buffer that is to move stays the caller's when it is too large", async () => {
    const bytes = new Uint8Array(TOO_LARGE);
    expect(
      await refusedPath(executor.with({ transfer: [bytes.buffer] }).submit(work.echo, bytes)),
    ).toBe("args");
    expect(bytes.length).toBe(TOO_LARGE);
  });

  test.each(["buffer", "string"] as const)(
    "a result that is too large a %s fails its task",
    async (what) => {
      expect(await refusedPath(executor.submit(sizes.large, what, TOO_LARGE))).toBe("result");
    },
  );

  test("a thrown error that is too large arrives in words", async () => {
    const error = await rejection(executor.submit(sizes.throwLarge, TOO_LARGE));
    expect(error.message).toMatch(/^x+… \(3145728 characters\).*could not be sent: error takes/);
    expect(await executor.submit(work.square, 3)).toBe(9);
  });

  test("a report of progress, an item of a stream and a context", async () => {
    expect(await refusedPath(executor.submit(sizes.reportLarge, TOO_LARGE))).toBe("progress");
    const items = async function* (): AsyncGenerator<string, void, undefined> {
      yield "x".repeat(TOO_LARGE);
    };
    expect(await refusedPath(executor.submit(work.take, items() as never, 1))).toBe("item");
    const given = await executor.submit(sizes.giveLarge, TOO_LARGE);
    expect(await refusedPath(given.next())).toBe("item");
    expect(
      await refusedPath(executor.with({ context: "x".repeat(TOO_LARGE) }).submit(work.context)),
    ).toBe("context");
  });

  test("arguments of the initializer break the executor, and say so", async () => {
    const other = make({
      initializer: work.rememberPath as never,
      initializerArgs: ["x".repeat(TOO_LARGE)] as never[],
    });
    const error = await rejection(other.submit(work.square, 1));
    expect(error.code).toBe("ERR_MANYCORE_BROKEN_EXECUTOR");
    expect(error.message).toMatch(/initializerArgs takes/);
  });

  test("many tasks of one tick that are too large only together all run", async () => {
    const text = "x".repeat(60_000);
    const futures = Array.from({ length: 200 }, () => executor.submit(work.echo, text));
    expect(new Set(await Promise.all(futures))).toEqual(new Set([text]));
  });

  test("an item of a map that is too large fails at its place", async () => {
    const inputs = [1, "x".repeat(TOO_LARGE)];
    const results = executor.with({ chunkSize: 1 }).map(work.echo, inputs);
    expect(await results.next()).toMatchObject({ value: 1 });
    expect(await refusedPath(results.next())).toBe("args");
  });
}
