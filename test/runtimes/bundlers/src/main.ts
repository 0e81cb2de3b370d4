import {
  inline,
  isMain,
  Lock,
  Manager,
  Process,
  ProcessPoolExecutor,
  Queue,
  SharedValue,
  task,
  ThreadPoolExecutor,
} from "manycore";
import plusOne, * as work from "./work.ts";

/** Exported by the program itself. */
export function own(x: number): number {
  return x + 100;
}

const registered = task(import.meta, function plusTwo(x: number): number {
  return x + 2;
});

type Executor = ProcessPoolExecutor | ThreadPoolExecutor;

/** Each check by its name, and what it must give. */
const CHECKS: Record<string, readonly [(executor: Executor, kind: string) => unknown, unknown]> = {
  function: [(it) => it.submit(work.square, 4), 16],
  arrow: [(it) => it.submit(work.half, 4), 2],
  default: [(it) => it.submit(plusOne, 4), 5],
  method: [(it) => it.submit(work.math.times, 4), 12],
  async: [(it) => it.submit(work.later, 4), 40],
  kind: [async (it, kind) => (await it.submit(work.kind)) === kind, true],
  error: [
    (it) =>
      it.submit(work.refuseOdd, 3).then(
        () => "nothing",
        (error: unknown) =>
          error instanceof work.OddError &&
          error.message === "3 is odd" &&
          error.stack !== undefined,
      ),
    true,
  ],
  lock: [
    async (it) => {
      const counter = new SharedValue("int32", 0);
      const lock = new Lock();
      await Promise.all([1, 2, 3].map(() => it.submit(work.add, counter, lock)));
      return counter.value;
    },
    3,
  ],
  queue: [
    async (it) => {
      const queue = new Queue<number>();
      await it.submit(work.pass, queue, 7);
      return await queue.get();
    },
    7,
  ],
  inline: [
    (it) =>
      it.submit(
        inline((x: number) => x * 3),
        4,
      ),
    12,
  ],
  closure: [
    (it) =>
      it.submit(work.makeAdder(1), 1).then(
        () => "nothing",
        (error: { code?: string; message?: string }) =>
          `${error.code} ${/made inside another function/.test(error.message ?? "")}`,
      ),
    "ERR_MANYCORE_TASK_NOT_FOUND true",
  ],
  own: [(it) => it.submit(own, 4), 104],
  "task here": [(it) => it.submit(registered, 4), 6],
  "task there": [(it) => it.submit(work.minusOne, 4), 3],
};

class Shop extends Manager {}
Shop.register("Stock", work.Stock);

async function check(result: Record<string, unknown>, name: string, body: () => unknown) {
  try {
    result[name] = await body();
  } catch (error) {
    result[name] = String(error).split("\n")[0];
  }
}

async function main(): Promise<void> {
  const failed: Record<string, unknown> = {};
  let held = 0;
  for (const [kind, Executor] of [
    ["thread", ThreadPoolExecutor],
    ["process", ProcessPoolExecutor],
  ] as const) {
    const executor = new Executor({ maxWorkers: 2 });
    for (const [name, [body, expected]] of Object.entries(CHECKS)) {
      const result: Record<string, unknown> = {};
      await check(result, "is", () => body(executor, kind));
      if (result["is"] === expected) held++;
      else failed[`${kind} ${name}`] = result["is"];
    }
    await executor.shutdown();
  }
  const alone: Record<string, unknown> = {};
  await check(alone, "subclass", async () => {
    const counter = new SharedValue("int32", 0);
    const process = new work.Adder(counter, 5);
    await process.start();
    await process.join();
    return counter.value;
  });
  await check(alone, "target", async () => {
    const process = new Process({ target: work.square, args: [5] });
    await process.start();
    return await process.result;
  });
  await check(alone, "manager", async () => {
    const shop = await Shop.start();
    const stock = await shop.create(work.Stock);
    const left = await stock.take(3);
    await shop.shutdown();
    return left;
  });
  console.log(JSON.stringify({ held, failed, ...alone }));
}

if (isMain(import.meta)) void main();
