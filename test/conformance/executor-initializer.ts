import { expect, test } from "vitest";
import {
  type Executor,
  type ExecutorOptions,
  Lock,
  Manager,
  pipe,
  Queue,
  SharedArray,
  SharedMemory,
  SharedValue,
} from "manycore";
import { endingAfterEach, type KindName, type Make, rejection } from "../executor/kit.ts";
import { useNamespace } from "../helpers/namespace.ts";
import * as init from "../fixtures/executor/init.js";
import { doubled, keepPoint, Point } from "../fixtures/executor/point.js";
import * as work from "../fixtures/executor/work.js";

/** What an initializer can be given. */
export function testInitializer(kind: KindName, makeOne: Make): void {
  useNamespace(`initializer-${kind}`);
  const make = endingAfterEach(makeOne) as (options: ExecutorOptions<unknown[]>) => Executor;
  const workers = kind === "inline" ? 1 : 2;

  test("shared objects, a queue and a proxy reach every worker", async () => {
    await using manager = await Manager.start();
    using lock = new Lock();
    using queue = new Queue<string>();
    using value = new SharedValue("int32", 0);
    using array = new SharedArray("int32", 2);
    using memory = SharedMemory.create({ size: 16 });
    const list = await manager.list<string>();
    const shared = { lock, queue, value, array, memory, list };
    const executor = make({ maxWorkers: 2, initializer: init.keep, initializerArgs: [shared, 7] });
    expect(await executor.runOnAll(init.useAll)).toEqual(Array(workers).fill(7));
    expect(value.value).toBe(workers);
    expect(array.array[0]).toBe(workers);
    expect(new Uint8Array(memory.buffer)[0]).toBe(workers);
    expect(await list.copy()).toEqual(Array(workers).fill("here"));
    for (let i = 0; i < workers; i++) expect(await queue.get({ timeout: 10_000 })).toBe("here");
  });

  test("a class that the initializer's module registers arrives as itself", async () => {
    const executor = make({
      maxWorkers: 1,
      initializer: keepPoint as never,
      initializerArgs: [new Point(21)],
    });
    expect(await executor.submit(doubled)).toBe(42);
  });

  test("large buffers and strings arrive", async () => {
    const initializerArgs = [new Uint8Array(300_000), "x".repeat(300_000)];
    const executor = make({ maxWorkers: 2, initializer: init.keep, initializerArgs });
    expect(await executor.runOnAll(init.lengths)).toEqual(
      Array.from({ length: workers }, () => [300_000, 300_000]),
    );
  });

  test.skipIf(kind === "inline")("a worker that replaces another gets them as well", async () => {
    using lock = new Lock();
    const executor = make({ maxWorkers: 1, initializer: init.keep, initializerArgs: [lock] });
    await rejection(executor.submit(work.exit, 3));
    expect(await executor.submit(init.describe)).toEqual(["Lock"]);
  });

  test("the end of a pipe reaches the only worker", async () => {
    const [here, there] = pipe<string>();
    const executor = make({ maxWorkers: 1, initializer: init.keep, initializerArgs: [there] });
    expect(await executor.submit(init.sendBack)).toBe("sent");
    expect(await here.recv()).toBe("hello");
    here.close();
  });

  test.skipIf(kind === "inline")(
    "the end of a pipe is refused by name when there may be several workers",
    async () => {
      const [here, there] = pipe();
      const executor = make({ maxWorkers: 2, initializer: init.keep, initializerArgs: [[there]] });
      const error = await rejection(executor.submit(init.describe));
      expect(error.code).toBe("ERR_MANYCORE_BROKEN_EXECUTOR");
      expect(error.message).toMatch(/initializerArgs\[0\]\[0\].*given away once.*up to 2 workers/);
      there.close();
      here.close();
    },
  );

  test("what cannot travel is named", async () => {
    const initializerArgs = [{ call: (): void => {} }];
    const executor = make({ maxWorkers: 1, initializer: init.keep, initializerArgs });
    const error = await rejection(executor.submit(init.describe));
    expect(error.message).toMatch(/initializerArgs\[0\]\.call/);
  });

  test("a context may hold shared objects and large buffers, for any number of tasks", async () => {
    using lock = new Lock();
    const executor = make({ maxWorkers: 1 });
    const tasks = executor.with({ context: [lock, new Uint8Array(300_000)] });
    for (let i = 0; i < 2; i++)
      expect(await tasks.submit(work.contextParts)).toEqual(["Lock", 300_000]);
    const [here, there] = pipe();
    const error = await rejection(executor.with({ context: there }).submit(work.contextParts));
    expect(error.message).toMatch(/context could not be encoded: .*make it an argument/);
    there.close();
    here.close();
  });
}
