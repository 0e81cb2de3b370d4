import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { beforeAll, describe, expect, test } from "vitest";
import {
  InvalidStateError,
  Lock,
  Process,
  ProcessPoolExecutor,
  SharedMemory,
  Thread,
  ThreadPoolExecutor,
} from "manycore";
import { eventually } from "../helpers/processes.ts";
import { useNamespace } from "../helpers/namespace.ts";
import { collectGarbage } from "./garbage.ts";
import { inProgram, talkTo } from "./program.ts";
import {
  firstByte,
  holdOn,
  lengthOf,
  poke,
  same,
  writeAfterClose,
} from "../fixtures/shared/work.mjs";

const folder = useNamespace("shared-memory");
const segments = (): string[] => readdirSync(folder).filter((file) => file.startsWith("s."));

/** Those that were made since: the collector may not have found those of other tests yet. */
const segmentsSince = (before: string[]): string[] =>
  segments().filter((file) => !before.includes(file));

beforeAll(() => new Lock().close());

describe("SharedMemory", () => {
  test("is seen by its name by everyone who opens it", () => {
    using made = SharedMemory.create({ size: 512, name: "basics" });
    using opened = SharedMemory.open("basics");
    expect(made.size).toBe(512);
    expect(opened.size).toBe(512);
    const bytes = new Uint8Array(made.buffer);
    expect(bytes).toEqual(new Uint8Array(512));
    bytes[511] = 42;
    expect(new Uint8Array(opened.buffer)[511]).toBe(42);
    new Uint8Array(opened.buffer)[0] = 100;
    expect(bytes[0]).toBe(100);
  });

  test("has a name of its own by which an unrelated program opens it", async () => {
    using memory = SharedMemory.create({ size: 16 });
    const [seen] = await inProgram(`
      const memory = manycore.SharedMemory.open(${JSON.stringify(memory.name)});
      new Uint8Array(memory.buffer)[0] = 7;
      return memory.size;
    `);
    expect(seen).toBe(16);
    expect(new Uint8Array(memory.buffer)[0]).toBe(7);
  });

  test("refuses a name that is taken, and one that is missing", () => {
    using memory = SharedMemory.create({ size: 8, name: "taken" });
    expect(() => SharedMemory.create({ size: 8, name: "taken" })).toThrow(
      expect.objectContaining({ code: "ERR_MANYCORE_INVALID_STATE", reason: "exists" }),
    );
    memory.close();
    expect(() => SharedMemory.open("taken")).toThrow(
      expect.objectContaining({ code: "ERR_MANYCORE_INVALID_STATE", reason: "missing" }),
    );
    SharedMemory.create({ size: 8, name: "taken" }).close();
  });

  test("does not open what is something else", () => {
    using lock = new Lock({ name: "a lock" });
    expect(() => SharedMemory.open("a lock")).toThrow(/"a lock" is a Lock here/);
    expect(() => SharedMemory.create({ size: 1, name: "a lock" })).toThrow(/is a Lock here/);
    expect(lock.locked).toBe(false);
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53, Infinity, "8", undefined])(
    "refuses the size %s",
    (size) => {
      expect(() => SharedMemory.create({ size: size as number })).toThrow(/Expected `size` to be/);
      expect(segments()).toEqual([]);
    },
  );

  test("refuses names that no system takes", () => {
    for (const name of ["a\0b", "", 7 as unknown as string]) {
      expect(() => SharedMemory.create({ size: 1, name })).toThrow(/Expected `name` to be/);
      expect(() => SharedMemory.open(name)).toThrow(/Expected `name` to be/);
      expect(() => SharedMemory.unlink(name)).toThrow(/Expected `name` to be/);
    }
    expect(() => SharedMemory.create({ size: 1, name: "x".repeat(193) })).toThrow(RangeError);
    expect(() => SharedMemory.create({ size: 1, persistent: true })).toThrow(/Expected a `name`/);
  });

  test("is not made with new", () => {
    const Class = SharedMemory as unknown as new (options?: object) => SharedMemory;
    expect(() => new Class({ size: 1 })).toThrow(/SharedMemory.create/);
    expect(() => new Class()).toThrow(/SharedMemory.create/);
  });

  test("says what it is", () => {
    const memory = SharedMemory.create({ size: 10, name: "shown" });
    expect(inspect(memory)).toBe('SharedMemory { "shown", 10 bytes }');
    memory.close();
    expect(inspect(memory)).toBe("SharedMemory { closed }");
  });

  test("leaves harmless views behind when it is closed", async () => {
    const memory = SharedMemory.create({ size: 8192, name: "stale" });
    const other = talkTo(`
      const memory = manycore.SharedMemory.open("stale");
      say("open");
      await told();
      return [...new Uint8Array(memory.buffer, 0, 2)];
    `);
    await other.until(/open/);
    const view = new Uint8Array(memory.buffer);
    view.fill(5);
    memory.close();
    memory.close();
    expect(view[0]).toBe(0);
    view[0] = 9;
    expect(view[0]).toBe(9);
    expect(() => memory.buffer).toThrow(InvalidStateError);
    expect(() => memory.size).toThrow(/was closed/);
    other.tell("go");
    await other.until(/^\[5,5\]$/);
    await other.ended();
  });

  test("keeps a thread's other handle going", () => {
    const first = SharedMemory.create({ size: 4, name: "twice" });
    const second = SharedMemory.open("twice");
    const [a, b] = [new Uint8Array(first.buffer), new Uint8Array(second.buffer)];
    a[0] = 1;
    first.close();
    b[1] = 2;
    expect([...b]).toEqual([1, 2, 0, 0]);
    second.close();
    expect([...a, ...b]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(segments()).toEqual([]);
  });

  test("lives as long as a view of it", async () => {
    const view = new Uint8Array(SharedMemory.create({ size: 4, name: "kept" }).buffer);
    view[0] = 3;
    await collectGarbage();
    using again = SharedMemory.open("kept");
    expect(new Uint8Array(again.buffer)[0]).toBe(3);
    expect(view[0]).toBe(3);
  });

  test("ends by itself when nothing of it is used any more", async () => {
    (() => {
      for (let i = 0; i < 10; i++) {
        new Uint8Array(SharedMemory.create({ size: 4096 }).buffer)[0] = i;
      }
    })();
    expect(segments()).not.toEqual([]);
    await eventually("the collector ends them", async () => {
      await collectGarbage();
      return segments().length === 0;
    });
    const maps = readFileSync("/proc/self/maps", "utf8");
    expect(maps).not.toContain(`${folder}/s.`);
  });
});

describe("unlink", () => {
  test("makes the name free at once, and users keep the memory", () => {
    using memory = SharedMemory.create({ size: 4, name: "unlinked" });
    using user = SharedMemory.open("unlinked");
    memory.unlink();
    expect(() => SharedMemory.open("unlinked")).toThrow(/There is no SharedMemory/);
    expect(() => memory.unlink()).toThrow(/was unlinked before/);
    using other = SharedMemory.create({ size: 8, name: "unlinked" });
    new Uint8Array(memory.buffer)[0] = 1;
    expect(new Uint8Array(user.buffer)[0]).toBe(1);
    expect(new Uint8Array(other.buffer)[0]).toBe(0);
    expect(memory.name).toBe("unlinked");
  });

  test("ends what is persistent; until then it outlives its users", async () => {
    await inProgram(`
      const memory = manycore.SharedMemory.create({ size: 4, name: "stays", persistent: true });
      new Uint8Array(memory.buffer)[0] = 8;
    `);
    expect(segments()).toHaveLength(1);
    const memory = SharedMemory.open("stays");
    expect(new Uint8Array(memory.buffer)[0]).toBe(8);
    memory.close();
    expect(SharedMemory.unlink("stays")).toBe(true);
    expect(segments()).toEqual([]);
    expect(SharedMemory.unlink("stays")).toBe(false);
    expect(() => SharedMemory.open("stays")).toThrow(/There is no SharedMemory/);
  });
});

describe.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("SharedMemory among %s", (_, Executor) => {
  test("travels there and back, and all see the same bytes", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using memory = SharedMemory.create({ size: 100 });
    new Uint8Array(memory.buffer)[1] = 11;
    expect(await pool.submit(poke, memory, 1, 12)).toEqual({
      name: memory.name,
      size: 100,
      before: 11,
    });
    expect(new Uint8Array(memory.buffer)[1]).toBe(12);
    const back = (await pool.submit(same, memory)) as SharedMemory;
    expect(back).toBeInstanceOf(SharedMemory);
    new Uint8Array(back.buffer)[2] = 22;
    expect(new Uint8Array(memory.buffer)[2]).toBe(22);
    back.close();
    expect(new Uint8Array(memory.buffer)[2]).toBe(22);
  });

  test("is attached in task after task without piling up", async () => {
    await using pool = new Executor({ maxWorkers: 2 });
    using memory = SharedMemory.create({ size: 1 << 20 });
    new Uint8Array(memory.buffer)[0] = 6;
    const sent = Array.from({ length: 5000 }, () => memory);
    let sum = 0;
    for await (const byte of pool.map(firstByte, sent)) sum += byte;
    expect(sum).toBe(30_000);
    if (Executor === ThreadPoolExecutor) {
      const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
      expect(maps.filter((line) => line.includes(`${folder}/s.`)).length).toBeLessThan(10);
    }
  });

  test("a view that outlives its handle there does not write here", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using memory = SharedMemory.create({ size: 2 });
    expect(await pool.submit(writeAfterClose, memory)).toEqual([2, 3]);
    expect([...new Uint8Array(memory.buffer)]).toEqual([1, 0]);
  });

  test.each([64, 1 << 20])(
    "its buffer is a copy when it is sent itself (%i bytes)",
    async (size) => {
      await using pool = new Executor({ maxWorkers: 1 });
      using memory = SharedMemory.create({ size });
      const view = new Uint8Array(memory.buffer);
      view[size - 1] = 4;
      expect(await pool.submit(lengthOf, view)).toBe(size);
      const copy = (await pool.submit(same, view)) as Uint8Array;
      expect(copy[size - 1]).toBe(4);
      copy[size - 1] = 5;
      expect(view[size - 1]).toBe(4);
      const buffer = (await pool.submit(same, memory.buffer)) as ArrayBuffer;
      expect(new Uint8Array(buffer)[size - 1]).toBe(4);
    },
  );
});

test.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("its buffer cannot be moved to %s", async (_, Executor) => {
  await using pool = new Executor({ maxWorkers: 1 });
  using memory = SharedMemory.create({ size: 70_000 });
  const view = new Uint8Array(memory.buffer);
  const moved = pool.with({ transfer: [memory.buffer] }).submit(lengthOf, view);
  await expect(moved).rejects.toMatchObject({
    code: "ERR_MANYCORE_SERIALIZATION",
    message: expect.stringMatching(/transfer\[0\] is memory that processes share/),
  });
  expect(await pool.submit(lengthOf, view)).toBe(70_000);
  expect(view.length).toBe(70_000);
  const buffer = memory.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  if (buffer.transfer !== undefined) expect(() => buffer.transfer?.()).toThrow(TypeError);
});

test("structuredClone and postMessage copy what they get of a buffer", async () => {
  using memory = SharedMemory.create({ size: 8 });
  const copy = structuredClone(memory.buffer);
  new Uint8Array(memory.buffer)[0] = 1;
  expect(new Uint8Array(copy)[0]).toBe(0);
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<Uint8Array>((resolve) => port2.once("message", resolve));
  port1.postMessage(new Uint8Array(memory.buffer));
  new Uint8Array(memory.buffer)[0] = 2;
  expect((await arrived)[0]).toBe(1);
  port1.close();
});

describe("the end of a user", () => {
  test("of a creator that is killed ends the memory, unless others have it", async () => {
    const before = segments();
    const creator = talkTo(`
      const memory = manycore.SharedMemory.create({ size: 64, name: "orphan" });
      const lone = manycore.SharedMemory.create({ size: 64, name: "lone" });
      new Uint8Array(memory.buffer)[0] = 9;
      say("made");
      await told();
      say(memory.size + lone.size);
    `);
    await creator.until(/made/);
    using memory = SharedMemory.open("orphan");
    await creator.kill();
    expect(new Uint8Array(memory.buffer)[0]).toBe(9);
    using again = SharedMemory.open("orphan");
    expect(again.size).toBe(64);
    expect(() => SharedMemory.open("lone")).toThrow(/There is no SharedMemory named "lone"/);
    // What the dead had without a name goes with the next one that joins.
    await inProgram(`new manycore.Lock()`);
    expect(segmentsSince(before)).toHaveLength(1);
  });

  test("of a thread in the midst of its work gives its memory back", async () => {
    const before = segments();
    const memory = SharedMemory.create({ size: 1 << 24 });
    const file = segmentsSince(before)[0]!;
    const { port1, port2 } = new MessageChannel();
    const holding = new Promise((resolve) => port1.once("message", resolve));
    const thread = new Thread({ target: holdOn, args: [port2, memory], transfer: [port2] });
    await thread.start();
    await holding;
    const mappings = (): number =>
      readFileSync("/proc/self/maps", "utf8").split(join(folder, file)).length - 1;
    expect(mappings()).toBe(2);
    thread.kill();
    await thread.join();
    memory.close();
    port1.close();
    // The last user that lives has closed it: the file is gone at once, what the thread had mapped soon after.
    expect(segments()).not.toContain(file);
    await eventually("the thread's mapping is taken down", () => mappings() === 0);
  });

  test("of a process that ends in good order leaves nothing", async () => {
    const before = segments();
    const memory = SharedMemory.create({ size: 16 });
    const process_ = new Process({ target: poke, args: [memory, 0, 1] });
    await process_.start();
    await process_.join();
    expect(segmentsSince(before)).toHaveLength(1);
    memory.close();
    expect(segmentsSince(before)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });
});
