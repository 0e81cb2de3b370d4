import { afterAll, describe, expect, test } from "vitest";
import { rejection } from "../helpers/failures.ts";
import {
  Manager,
  Pool,
  Process,
  ProcessPoolExecutor,
  tasks,
  Thread,
  ThreadPoolExecutor,
} from "manycore";
import type { Executor } from "manycore";

const work = tasks<typeof import("../fixtures/wire/classes.js")>(
  new URL("../fixtures/wire/classes.js", import.meta.url),
);

class Point {
  x = 1;
  twice(): number {
    return 2 * this.x;
  }
}

const HINT =
  "arrived as a plain object: its class Point is not registered. Call registerClass(Point)";

const executors: [string, Executor][] = [
  ["a thread", new ThreadPoolExecutor({ maxWorkers: 1 })],
  ["a process", new ProcessPoolExecutor({ maxWorkers: 1 })],
];
afterAll(() => Promise.all(executors.map(([, executor]) => executor.shutdown())));

describe.each(executors)("a task in %s", (_, executor) => {
  test("that misses a class that nobody registered says which, and where", async () => {
    const error = await rejection(executor.submit(work.twice, new Point()));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`p.twice is not a function (args[0] ${HINT}`);
    expect(error.stack).toContain(HINT);
    const later = await rejection(executor.submit(work.twiceLater, { list: [new Point()] }));
    expect(later.message).toContain(`(args[0].list[0] ${HINT}`);
  });

  test("that fails for other reasons, or with plain data, says nothing of it", async () => {
    const plain = await rejection(executor.submit(work.twice, { x: 1 } as unknown as Point));
    expect(plain.message).toBe("p.twice is not a function");
  });

  test("gets the beginning of a long chain of causes, as long in every kind of worker", async () => {
    const error = await rejection(executor.submit(work.chain, 5000));
    let depth = 0;
    let at: unknown = error;
    for (; at instanceof Error; at = at.cause) depth++;
    expect(depth).toBe(501);
    expect(at).toContain("left out");
  });

  test("a platform object is refused both ways with its path", async () => {
    const headers = new Headers([["a", "b"]]);
    const given = await rejection(executor.submit(work.echo, { deep: [headers] }));
    expect(given).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION", path: "args[0].deep[0]" });
    expect(given.message).toContain("Headers");
  });
});

test("an item of a chunk says it too", async () => {
  await using pool = new Pool({ workers: 1 });
  const error = await rejection(pool.map(work.twice, [new Point(), new Point()], { chunkSize: 2 }));
  expect(error.message).toContain(`(items[0] ${HINT}`);
});

test("a Process, a Thread, an initializer and a manager's object say it too", async () => {
  for (const Kind of [Process, Thread]) {
    const child = new Kind({ target: work.twice, args: [new Point()] });
    await child.start();
    expect((await rejection(child.result)).message).toContain(`(args[0] ${HINT}`);
  }
  const executor = new ThreadPoolExecutor({
    maxWorkers: 1,
    initializer: work.initialize,
    initializerArgs: [new Point()],
  });
  const broken = await rejection(executor.submit(work.getInitialized));
  expect(`${broken.message} ${String(broken.cause)}`).toContain(HINT);
  await executor.shutdown();
  await using manager = await Manager.start();
  const dict = await manager.dict<string, Headers>();
  const refused = await rejection(dict.set("a", new Headers()));
  expect(refused).toMatchObject({ code: "ERR_MANYCORE_SERIALIZATION" });
});
