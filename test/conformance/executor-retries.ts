import { Readable } from "node:stream";
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { InvalidStateError, Manager, pipe, Queue, WorkerCrashedError } from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { endingAfterEach, type KindName, type Make, rejection } from "../executor/kit.ts";
import * as work from "../fixtures/executor/work.js";

async function* ten(): AsyncGenerator<number, void, undefined> {
  for (let i = 1; i <= 10; i++) yield i;
}

/** Inputs that can be read once, each in the form in which a caller may have it. */
const ONCE: readonly [string, () => unknown][] = [
  ["an asynchronous generator", ten],
  ["an object that makes one iterator", () => ({ [Symbol.asyncIterator]: ten })],
  ["a ReadableStream", () => ReadableStream.from(ten())],
  ["a stream of Node", () => Readable.from(ten())],
  ["a stream inside an object", () => ({ inner: ten() })],
];

/** What another attempt may find of what the one before it was given. */
export function testRetries(kind: KindName, makeOne: Make): void {
  useNamespace(`retries-${kind}`);
  const make = endingAfterEach(makeOne);

  test.each(ONCE)(
    "%s that a failed attempt has begun to read ends the retries",
    async (_, input) => {
      const executor = make({ maxWorkers: 1 });
      const sum = executor.with({ retries: 2 }).submit(work.sumButFail, "throw", input() as never);
      const error = await rejection(sum);
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toMatch(/Attempt 1 of task "sumButFail".*stream.*third/);
      expect(error.cause).toMatchObject({ name: "RangeError", message: "third" });
    },
  );

  test("so it is when the attempt ran out of time", async () => {
    const executor = make({ maxWorkers: 1, grace: 10 });
    const retrying = executor.with({ retries: 1, timeout: 300 });
    const error = await rejection(retrying.submit(work.sumButFail, "stall", ten()));
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.cause).toMatchObject({ name: "TimeoutError" });
  });

  test.skipIf(kind === "inline")("so it is when the worker died", async () => {
    const executor = make({ maxWorkers: 1 });
    const retrying = executor.with({ retries: 1 });
    const error = await rejection(retrying.submit(work.sumButFail, "exit", ten()));
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.cause).toBeInstanceOf(WorkerCrashedError);
  });

  test("a stream that no attempt has begun to read is there for the next one", async () => {
    const executor = make({ maxWorkers: 1 });
    const unread: AsyncIterable<number>[] = [ten(), ten()];
    const retrying = executor.with({ retries: 1 });
    expect(await retrying.submit(work.failBeforeReading, ...unread)).toBe(110);
  });

  test("a stream that is given to two tasks fails the second, which would find it empty", async () => {
    const executor = make({ maxWorkers: 1 });
    for (const stream of [ten(), ReadableStream.from(ten())]) {
      const both = [executor.submit(work.sum, stream), executor.submit(work.sum, stream)];
      expect(await both[0]).toBe(55);
      expect(await rejection(both[1]!)).toMatchObject({
        code: "ERR_MANYCORE_INVALID_STATE",
        message: expect.stringMatching(/given to another task/) as unknown,
      });
    }
  });

  test("an object that makes a new iterator each time serves any number of tasks", async () => {
    const executor = make({ maxWorkers: 1 });
    const source = { [Symbol.asyncIterator]: ten };
    const sums = [executor.submit(work.sum, source), executor.submit(work.sum, source)];
    expect(await Promise.all(sums)).toEqual([55, 55]);
  });

  test("each attempt gets a transferred buffer as the caller gave it, who has it no more", async () => {
    const executor = make({ maxWorkers: 1 });
    const bytes = new Uint8Array(100_000).fill(1);
    const moving = executor.with({ retries: 1, transfer: [bytes.buffer] });
    const future = moving.submit(work.changeButFail, bytes);
    expect(bytes.length).toBe(0);
    expect(await future).toEqual([1, 100_000]);
  });

  test("each attempt gets a copied buffer as the caller gave it", async () => {
    const executor = make({ maxWorkers: 1 });
    const bytes = new Uint8Array(100_000).fill(1);
    const future = executor.with({ retries: 1 }).submit(work.changeButFail, bytes);
    bytes.fill(9);
    expect(await future).toEqual([1, 100_000]);
  });

  test.skipIf(kind === "process")(
    "a port that has moved into a failed attempt ends the retries",
    async () => {
      const executor = make({ maxWorkers: 1 });
      const { port1, port2 } = new MessageChannel();
      const moving = executor.with({ retries: 1, transfer: [port2] });
      const error = await rejection(moving.submit(work.failWithPort, port2));
      port1.close();
      expect(error).toBeInstanceOf(InvalidStateError);
      expect(error.message).toMatch(/transfer/);
      expect(error.cause).toMatchObject({ message: "first" });
    },
  );

  test("the end of a pipe that a failed attempt has taken ends the retries", async () => {
    const executor = make({ maxWorkers: 1 });
    const [here, there] = pipe();
    const error = await rejection(executor.with({ retries: 1 }).submit(work.failWithPort, there));
    here.close();
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toMatch(/pipe/);
    expect(error.cause).toMatchObject({ message: "first" });
  });

  test("queues and proxies are there for each attempt", async () => {
    const executor = make({ maxWorkers: 1 });
    using queue = new Queue<number>();
    await using manager = await Manager.start();
    const list = await manager.list([1]);
    const retrying = executor.with({ retries: 1 });
    expect(await retrying.submit(work.putTwice, queue, list)).toBe("second");
    expect([await queue.get(), await queue.get()]).toEqual([1, 2]);
    expect(await list.copy()).toEqual([1, 1, 2]);
  });
}
