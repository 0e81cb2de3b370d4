import { inspect } from "node:util";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  InvalidStateError,
  Lock,
  Process,
  ProcessPoolExecutor,
  RLock,
  SharedValue,
  Thread,
  ThreadPoolExecutor,
  TimeoutError,
  type LockChoice,
  type ValueType,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { collectGarbage } from "./garbage.ts";
import { inProgram, talkTo } from "./program.ts";
import { addMany, same, updateMany } from "../fixtures/shared/work.mjs";

useNamespace("shared-value");

const LIMITS: [
  type: ValueType,
  value: number | bigint,
  added: number | bigint,
  sum: number | bigint,
][] = [
  ["int8", 127, 1, -128],
  ["uint8", 255, 1, 0],
  ["int16", 32_767, 1, -32_768],
  ["uint16", 65_535, 1, 0],
  ["int32", 2 ** 31 - 1, 1, -(2 ** 31)],
  ["uint32", 2 ** 32 - 1, 1, 0],
  ["float32", 1.5, 0.25, 1.75],
  ["float64", 0.1, 0.2, 0.1 + 0.2],
  ["bigint64", 2n ** 63n - 1n, 1n, -(2n ** 63n)],
  ["biguint64", 2n ** 64n - 1n, 1n, 0n],
];

describe("SharedValue", () => {
  test.each(LIMITS)("of %s holds %s, and wraps as typed arrays do", (type, value, added, sum) => {
    const shared = new SharedValue(type, value);
    expect(shared.value).toBe(value);
    expect(shared.add(added as never)).toBe(value);
    expect(shared.value).toBe(sum);
    expect(shared.exchange(value as never)).toBe(sum);
    expect(shared.compareExchange(sum as never, sum as never)).toBe(value);
    expect(shared.compareExchange(value as never, sum as never)).toBe(value);
    expect(shared.value).toBe(sum);
    shared.value = value as never;
    expect(shared.value).toBe(value);
  });

  test("is 0 or false at first", () => {
    expect(new SharedValue("float64").value).toBe(0);
    expect(new SharedValue("biguint64").value).toBe(0n);
    expect(new SharedValue("bool").value).toBe(false);
  });

  test("of bool is true or false, and cannot be added to", () => {
    const flag = new SharedValue("bool", true);
    expect(flag.exchange(false)).toBe(true);
    expect(flag.compareExchange(true, true)).toBe(false);
    expect(flag.value).toBe(false);
    expect(flag.compareExchange(false, true)).toBe(false);
    expect(flag.value).toBe(true);
    expect(() => flag.add(true)).toThrow(TypeError);
  });

  test("takes -0 for 0 and NaN for NaN", async () => {
    const value = new SharedValue("float64", -0);
    expect(value.compareExchange(0, 5)).toBe(-0);
    expect(value.value).toBe(5);
    value.value = Number.NaN;
    expect(value.compareExchange(Number.NaN, -0)).toBe(Number.NaN);
    let calls = 0;
    expect(await value.update((x) => (calls++, x === 0 ? Number.NaN : 1))).toBe(Number.NaN);
    expect(value.updateSync((x) => (calls++, Number.isNaN(x) ? 2 : 3))).toBe(2);
    expect(calls).toBe(2);
  });

  test("refuses what is no value of its type", () => {
    const value = new SharedValue("int32", 1);
    expect(() => (value.value = "2" as never)).toThrow(
      /Expected `value` to be a number, for int32, got `"2"` \(a string\)/,
    );
    expect(() => value.add(1n as never)).toThrow(TypeError);
    expect(() => value.exchange(undefined as never)).toThrow(TypeError);
    expect(() => value.compareExchange(1, null as never)).toThrow(TypeError);
    expect(value.value).toBe(1);
    expect(() => new SharedValue("int64" as never)).toThrow(/one of int8, /);
    expect(() => new SharedValue("toString" as never)).toThrow(RangeError);
    expect(() => new SharedValue("bigint64", 1 as never)).toThrow(TypeError);
    expect(() => new SharedValue("bool", 1 as never)).toThrow(TypeError);
    expect(() => new SharedValue("int8", 0, { lock: {} as never })).toThrow(/Expected `lock`/);
  });

  test("cannot be used after it was closed", async () => {
    const value = new SharedValue("int8", 1);
    value.close();
    expect(() => value.value).toThrow(InvalidStateError);
    expect(() => value.add(1)).toThrow(/was closed/);
    await expect(value.update((x) => x)).rejects.toThrow(/was closed/);
    expect(inspect(value)).toBe("SharedValue { closed }");
  });

  test("says what it is", () => {
    expect(inspect(new SharedValue("float64", 0.5))).toBe("SharedValue { float64 0.5 }");
    expect(inspect(new SharedValue("bigint64", 5n))).toBe("SharedValue { bigint64 5 }");
  });

  test("neighbours do not touch each other", () => {
    const values = Array.from({ length: 1100 }, (_, i) => new SharedValue("int8", i % 100));
    values[550]!.value = -1;
    for (const [i, { value }] of values.entries()) expect(value).toBe(i === 550 ? -1 : i % 100);
    for (const value of values) value.close();
  });
});

describe("its lock", () => {
  test("is its own unless another is given, or none", () => {
    const own = new SharedValue("int32");
    expect(own.lock).toBeInstanceOf(RLock);
    const reentrant = new RLock();
    expect(new SharedValue("int32", 1, { lock: reentrant }).lock).toBe(reentrant);
    const shared = new Lock();
    const [a, b] = [0, 1].map((i) => new SharedValue("int32", i, { lock: shared }));
    expect(a!.lock).toBe(shared);
    expect(b!.lock).toBe(shared);
    expect(new SharedValue("int32", 0, { lock: false }).lock).toBeUndefined();
  });

  test("holds an update up, which keeps to its timeout", async () => {
    const value = new SharedValue("int32", 1, { name: "held" });
    const holder = talkTo(`
      const value = new manycore.SharedValue("int32", 0, { name: "held" });
      await value.lock.run(async () => {
        say("held");
        await told();
      });
    `);
    await holder.until(/held/);
    await expect(value.update((x) => x + 1, { timeout: 5 })).rejects.toThrow(TimeoutError);
    expect(() => value.updateSync((x) => x + 1, { timeout: 5 })).toThrow(TimeoutError);
    expect(value.value).toBe(1);
    holder.tell("release");
    expect(await value.update((x) => x + 1)).toBe(2);
    await holder.ended();
  });

  test("is released when the function throws, and the value stays", async () => {
    const value = new SharedValue("int32", 1);
    const fail = (): never => {
      throw new RangeError("no");
    };
    await expect(value.update(fail)).rejects.toThrow("no");
    expect(() => value.updateSync(fail)).toThrow("no");
    await expect(value.update(() => "2" as never)).rejects.toThrow(TypeError);
    expect(value.lock.locked).toBe(false);
    expect(value.value).toBe(1);
  });

  test("an update counts what others add without the lock meanwhile", async () => {
    for (const lock of [true, false] as LockChoice[]) {
      const value = new SharedValue("int32", 0, { lock });
      let isFirst = true;
      const result = await value.update(async (x) => {
        await Promise.resolve();
        if (isFirst) value.add(10);
        isFirst = false;
        return x + 1;
      });
      expect([result, value.value]).toEqual([11, 11]);
    }
  });

  test("may be held already when the value is updated", async () => {
    const value = new SharedValue("int32", 1);
    const result = await value.lock.run(() => value.update((x) => x + 1));
    expect(result).toBe(2);
    using guard = value.lock.holdSync();
    expect(value.updateSync((x) => x + 1)).toBe(3);
    expect(guard.released).toBe(false);
  });

  test("travels with it", async () => {
    await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const value = new SharedValue("int32");
    const back = (await pool.submit(same, value)) as SharedValue<"int32">;
    const guard = back.lock.holdSync();
    expect(value.lock.locked).toBe(true);
    guard.release();
    expect(value.lock.locked).toBe(false);
    const free = (await pool.submit(
      same,
      new SharedValue("int8", 1, { lock: false }),
    )) as typeof value;
    expect(free.lock).toBeUndefined();
  });

  test("is made anew when the last one has ended", async () => {
    const value = new SharedValue("int32", 4, { name: "locks come and go" });
    value.lock.close();
    const again = new SharedValue("int32", 0, { name: "locks come and go" });
    expect(again.value).toBe(4);
    expect(await again.update((x) => x + 1)).toBe(5);
  });
});

test("types of values and locks follow what it was made with", () => {
  const own = new SharedValue("int32");
  expectTypeOf(own.value).toEqualTypeOf<number>();
  expectTypeOf(own.lock).toEqualTypeOf<RLock>();
  expectTypeOf(new SharedValue("int32", 0, { name: "t" }).lock).toEqualTypeOf<RLock>();
  expectTypeOf(new SharedValue("bool").value).toEqualTypeOf<boolean>();
  const free = new SharedValue("bigint64", 1n, { lock: false });
  expectTypeOf(free.value).toEqualTypeOf<bigint>();
  expectTypeOf(free.lock).toEqualTypeOf<undefined>();
  expectTypeOf(new SharedValue("int8", 1, { lock: new Lock() }).lock).toEqualTypeOf<Lock>();
  // @ts-expect-error a number is no bigint
  expect(() => new SharedValue("bigint64", 1)).toThrow(TypeError);
});

describe("a named value", () => {
  test("is one for all programs, and keeps what it is", async () => {
    const value = new SharedValue("int32", 5, { name: "counter" });
    const text = `
      const value = new manycore.SharedValue("int32", 100, { name: "counter" });
      await value.update((x) => x + 1);
      return value.add(1);
    `;
    expect(await inProgram(text)).toEqual([6]);
    expect(value.value).toBe(7);
  });

  test("is not opened as something else", () => {
    const value = new SharedValue("int32", 5, { name: "typed" });
    expect(() => new SharedValue("float64", 5, { name: "typed" })).toThrow(
      /"typed" is a SharedValue of int32, not of float64/,
    );
    expect(() => new SharedValue("int32", 5, { name: "typed", lock: false })).toThrow(
      /was made with a lock/,
    );
    expect(() => new SharedValue("int32", 5, { name: "typed", lock: new Lock() })).toThrow(
      /has another lock than the one given/,
    );
    expect(() => new Lock({ name: "typed" })).toThrow(/is a SharedValue here/);
    const free = new SharedValue("int32", 5, { name: "free", lock: false });
    expect(() => new SharedValue("int32", 5, { name: "free" })).toThrow(/made with `lock: false`/);
    const lock = new Lock();
    const given = new SharedValue("int32", 1, { name: "given", lock });
    expect(new SharedValue("int32", 9, { name: "given", lock }).value).toBe(1);
    const attached = new SharedValue("int32", 9, { name: "given" });
    lock.acquireSync();
    expect(attached.lock.locked).toBe(true);
    lock.release();
    expect([value.value, free.value, given.value]).toEqual([5, 5, 1]);
  });

  test("ends with its last user", async () => {
    const other = talkTo(`
      const value = new manycore.SharedValue("int8", 3, { name: "passing" });
      say("made");
      await told();
      value.close();
    `);
    await other.until(/made/);
    const value = new SharedValue("int8", 1, { name: "passing" });
    expect(value.value).toBe(3);
    await other.kill();
    expect(value.value).toBe(3);
    value.close();
    const again = new SharedValue("int8", 1, { name: "passing" });
    expect(again.value).toBe(1);
    again.close();
  });

  test("is collected when nobody has it", async () => {
    (() => new SharedValue("int8", 3, { name: "dropped" }).value)();
    await collectGarbage();
    const again = new SharedValue("int8", 1, { name: "dropped" });
    expect(again.value).toBe(1);
  });
});

describe.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("SharedValue among %s", (_, Executor) => {
  test.each(["int32", "uint8", "float32", "float64", "bigint64"] as const)(
    "of %s loses no count",
    async (type) => {
      await using pool = new Executor({ maxWorkers: 2 });
      const one = (type === "bigint64" ? 1n : 1) as never;
      const value = new SharedValue(type, undefined, { lock: false });
      const times = 20_000;
      await Promise.all([0, 1].map(() => pool.submit(addMany, value, times, one)));
      const sum = type === "uint8" ? (2 * times) % 256 : 2 * times;
      expect(Number(value.value)).toBe(sum);
    },
  );

  test("updates exclude each other, with a lock and without", async () => {
    await using pool = new Executor({ maxWorkers: 2 });
    for (const lock of [true, false] as const) {
      const value = new SharedValue("float64", 0, { lock });
      await Promise.all([0, 1].map(() => pool.submit(updateMany, value, 300)));
      expect(value.value).toBe(1200);
    }
  });
});

test("processes, threads and this one count together", async () => {
  const value = new SharedValue("int32");
  const members = [
    new Process({ target: updateMany, args: [value, 200] }),
    new Thread({ target: updateMany, args: [value, 200] }),
    new Thread({ target: addMany, args: [value, 1000, 1] }),
  ];
  for (const member of members) await member.start();
  await updateMany(value, 200);
  for (const member of members) expect(await member.join()).toBe(0);
  expect(value.value).toBe(2200);
});
