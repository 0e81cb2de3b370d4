import * as manycore from "manycore";
import { describe, expect, test } from "vitest";
import * as work from "../fixtures/executor/work.js";
import { useNamespace } from "../helpers/namespace.ts";

useNamespace("caller-stack");

const timeout = 20;

/** Calls of each room that fail, and the class of the error; `theCaller` is the function that makes them. */
const ROWS: Readonly<Record<string, readonly [string, () => Promise<unknown>]>> = {
  ...Object.fromEntries(
    (["thread", "process"] as const).flatMap((kind) => {
      const make = (): manycore.Executor =>
        kind === "thread"
          ? new manycore.ThreadPoolExecutor({ maxWorkers: 1 })
          : new manycore.ProcessPoolExecutor({ maxWorkers: 1 });
      return [
        [
          `${kind}: a worker that dies`,
          [
            "WorkerCrashedError",
            async function theCaller() {
              await using executor = make();
              await executor.submit(work.exit, 3);
            },
          ],
        ],
        [
          `${kind}: a worker that dies under a map`,
          [
            "WorkerCrashedError",
            async function theCaller() {
              await using executor = make();
              await executor.map(work.exit, [3]).toArray();
            },
          ],
        ],
        [
          `${kind}: a task that takes too long`,
          [
            "TimeoutError",
            async function theCaller() {
              await using executor = make();
              await executor.with({ timeout }).submit(work.stubborn);
            },
          ],
        ],
        [
          `${kind}: a task that throws`,
          [
            "RangeError",
            async function theCaller() {
              await using executor = make();
              await executor.submit(work.fail, "no");
            },
          ],
        ],
      ] as const;
    }),
  ),
  "inline: a task that takes too long": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.InlineExecutor().with({ timeout }).submit(work.stubborn);
    },
  ],
  "future.result": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.Future().result({ timeout });
    },
  ],
  "future.exception": [
    "TimeoutError",
    async function theCaller() {
      await new manycore.Future().exception({ timeout });
    },
  ],
  asCompleted: [
    "TimeoutError",
    async function theCaller() {
      for await (const _ of manycore.asCompleted([new manycore.Future()], { timeout }));
    },
  ],
  "lock.hold": [
    "TimeoutError",
    async function theCaller() {
      const lock = new manycore.Semaphore(0);
      await lock.hold({ timeout });
    },
  ],
  "queue.get": [
    "QueueEmptyError",
    async function theCaller() {
      await new manycore.Queue().get({ timeout });
    },
  ],
  "queue.getSync": [
    "QueueEmptyError",
    async function theCaller() {
      new manycore.Queue().getSync({ timeout });
    },
  ],
  "connection.recv": [
    "TimeoutError",
    async function theCaller() {
      const [here] = manycore.pipe();
      await here.recv({ timeout });
    },
  ],
  "barrier.wait": [
    "BrokenBarrierError",
    async function theCaller() {
      await new manycore.Barrier(2).wait({ timeout });
    },
  ],
};

/** Frames of this package that may stand above the caller's: the public function, and what it waits in. */
const MOST_ABOVE = 4;

describe("an error has the frame of the call that it comes from near its top", () => {
  test.each(Object.entries(ROWS))("%s", async (_, [name, theCaller]) => {
    const error = await theCaller().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.name).toBe(name);
    const lines = error?.stack?.split("\n").filter((line) => /^ +at /.test(line)) ?? [];
    // When a promise settles between two timers, Node has frames of its own there.
    const frames = lines.filter((line) => !/[( ]node:internal\//.test(line));
    const at = frames.findIndex((line) => line.includes("theCaller"));
    expect(at, error?.stack).toBeGreaterThanOrEqual(0);
    expect(at, error?.stack).toBeLessThanOrEqual(MOST_ABOVE);
  });
});
