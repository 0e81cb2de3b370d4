import { readdirSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { JoinableQueue, Queue } from "manycore";
import { runProgram, startProgram, untilLine } from "../helpers/leaks.ts";
import type { Program } from "../helpers/run-program.ts";
import { useNamespace } from "../helpers/namespace.ts";

const folder = useNamespace("queue-faults");
const CHILD = new URL("../fixtures/queue/child.mjs", import.meta.url);
/** What a death has broken is mended within a slice of 100 ms; a loaded machine may take longer. */
const BOUND_MS = 20_000;

type Item = { i: number; pad?: Uint8Array };
let count = 0;
const programs: Program[] = [];

afterEach(async () => {
  for (const { child } of programs.splice(0)) child.kill("SIGKILL");
});

function open(options: { maxSize?: number; capacityBytes?: number } = {}): Queue<Item> {
  return new Queue({ name: `fault ${++count}`, ...options });
}

/** Runs a child until it dies at a point. */
async function dieAt(point: string, queue: Queue<Item>, ...args: string[]): Promise<string> {
  const ended = await runProgram(CHILD, [queue.constructor.name, queue.name!, ...args], {
    env: { MANYCORE_FAULT: point },
  });
  expect(ended.signal).toBe("SIGKILL");
  return ended.stdout;
}

async function start(queue: Queue<Item>, args: string[], point?: string): Promise<Program> {
  const program = startProgram(CHILD, [queue.constructor.name, queue.name!, ...args], {
    env: { MANYCORE_FAULT: point },
  });
  programs.push(program);
  await untilLine(program, /^(ready|buffered|put 0)$/);
  return program;
}

async function takeAll(queue: Queue<Item>): Promise<number[]> {
  queue.shutdown();
  const seen: number[] = [];
  for await (const { i } of queue) seen.push(i);
  return seen;
}

describe.each(["put", "putSync"])("a producer that dies in %s", (form) => {
  test("before its item is published has put nothing, and blocks nobody", async () => {
    using queue = open();
    const said = await dieAt("queue:before-put@3", queue, form, "10");
    expect(said).toBe("put 0\nput 1\n");
    expect(queue.size).toBe(2);
    queue.putNowait({ i: 77 });
    expect(await takeAll(queue)).toEqual([0, 1, 77]);
  });

  test("after its item is published has put it", async () => {
    using queue = open();
    const said = await dieAt("queue:after-put@3", queue, form, "10");
    expect(said).toBe("put 0\nput 1\n");
    await queue.put({ i: 77 });
    expect(await takeAll(queue)).toEqual([0, 1, 2, 77]);
  });

  test("before it wakes the one that waits leaves that one to look for itself", async () => {
    using queue = open();
    const waiting = queue.get({ timeout: BOUND_MS });
    await dieAt("queue:before-ring", queue, form, "1");
    expect((await waiting).i).toBe(0);
  });
});

describe.each(["get", "getSync"])("a consumer that dies in %s", (form) => {
  test("before it has taken an item leaves it to others", async () => {
    using queue = open();
    for (const i of [0, 1, 2, 3]) await queue.put({ i });
    expect(await dieAt("queue:before-take@2", queue, form, "4")).toBe("ready\ngot 0\n");
    expect(await takeAll(queue)).toEqual([1, 2, 3]);
  });

  test("with an item in its hands takes it along", async () => {
    using queue = open();
    for (const i of [0, 1, 2, 3]) await queue.put({ i });
    expect(await dieAt("queue:after-take@2", queue, form, "4")).toBe("ready\ngot 0\n");
    expect(await takeAll(queue)).toEqual([2, 3]);
  });

  test("before it makes room known leaves a wait for room to look for itself", async () => {
    using queue = open({ maxSize: 1 });
    await queue.put({ i: 0 });
    const waiting = queue.put({ i: 1 }, { timeout: BOUND_MS });
    await dieAt("queue:before-ring", queue, form, "1");
    await waiting;
    expect(await takeAll(queue)).toEqual([1]);
  });

  test("after it was woken, before it passes that on, leaves the item to others", async () => {
    using queue = open();
    const first = await start(queue, [form, "1"], "queue:before-pass");
    const second = await start(queue, [form, "1"]);
    const third = await start(queue, [form, "1"]);
    for (const i of [0, 1, 2]) queue.putNowait({ i });
    await Promise.all([second, third].map((program) => untilLine(program, /^got/)));
    await first.ended;
    expect(queue.size).toBe(0);
  });

  test("asleep leaves its place to others", async () => {
    using queue = open();
    const dead = await start(queue, [form, "1"]);
    dead.child.kill("SIGKILL");
    await dead.ended;
    const alive = await start(queue, [form, "1"]);
    queue.putNowait({ i: 5 });
    await untilLine(alive, /^got 5$/);
    expect(queue.empty).toBe(true);
  });
});

describe("large items", () => {
  const size = String(5 << 20);

  test("a producer that dies with a file written has put nothing", async () => {
    using queue = open();
    await dieAt("queue:file-written@2", queue, "put", "3", size);
    expect(queue.size).toBe(1);
    expect((await queue.get()).pad).toHaveLength(5 << 20);
    await queue.put({ i: 9, pad: new Uint8Array(6 << 20) });
    expect((await queue.get()).i).toBe(9);
  });

  test("a consumer that dies while it reads one takes it along", async () => {
    using queue = open();
    for (const i of [0, 1]) await queue.put({ i, pad: new Uint8Array(5 << 20) });
    await dieAt("queue:file-read", queue, "get", "2");
    expect(await takeAll(queue)).toEqual([1]);
  });

  test("files of the dead go with the queue", async () => {
    const queue = open();
    await dieAt("queue:file-written@2", queue, "put", "3", size);
    queue.close();
    // Whoever comes next sweeps what the dead had open.
    using other = open();
    await runProgram(CHILD, ["Queue", other.name!, "put", "0"]);
    other.close();
    expect(readdirSync(folder).filter((file) => file.startsWith("s."))).toEqual([]);
  });
});

describe("what a thread keeps", () => {
  test("dies with the thread, and a shut queue ends without it", async () => {
    using queue = open({ capacityBytes: 4096 });
    const program = await start(queue, ["buffer", "1000"]);
    const stored = queue.size;
    queue.shutdown();
    const rest = (async () => {
      const seen: number[] = [];
      for await (const { i } of queue) seen.push(i);
      return seen;
    })();
    program.child.kill("SIGKILL");
    const seen = await rest;
    expect(seen.length).toBeGreaterThanOrEqual(stored);
    expect(seen.length).toBeLessThan(1000);
    expect(seen).toEqual(seen.map((_, i) => i));
  });

  test("is waited for after a shutdown while it lives", async () => {
    using queue = open({ capacityBytes: 4096 });
    const ended = startProgram(CHILD, ["Queue", queue.name!, "put", "1000"]);
    programs.push(ended);
    // Puts far more than fits and goes on storing after the shutdown.
    await untilLine(ended, /^put 999$/);
    expect(await takeAll(queue)).toHaveLength(1000);
    expect((await ended.ended).code).toBe(0);
  });
});

describe("a join", () => {
  test("ends when the last worker that lives has done the last item", async () => {
    using queue = new JoinableQueue<Item>({ name: `fault ${++count}` });
    await queue.put({ i: 0 });
    const joiner = await start(queue, ["join"]);
    await queue.get();
    queue.taskDone();
    await untilLine(joiner, /^joined true$/);
    expect(queue.unfinished).toBe(0);
  });
});

test("a stopped consumer does not stop the others", async () => {
  using queue = open();
  const stopped = await start(queue, ["get", "1"]);
  stopped.child.kill("SIGSTOP");
  for (const i of [0, 1, 2]) queue.putNowait({ i });
  expect((await queue.get({ timeout: BOUND_MS })).i).toBe(0);
  expect((await queue.get({ timeout: BOUND_MS })).i).toBe(1);
  expect(queue.getNowait().i).toBe(2);
});
