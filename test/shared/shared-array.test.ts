import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  InvalidStateError,
  Lock,
  Process,
  ProcessPoolExecutor,
  SharedArray,
  Thread,
  ThreadPoolExecutor,
  type ElementType,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { collectGarbage } from "./garbage.ts";
import { inProgram, talkTo } from "./program.ts";
import { addToAll, describeArray, same } from "../fixtures/shared/work.mjs";

useNamespace("shared-array");

const TYPES: [type: ElementType, name: string, bytes: number][] = [
  ["int8", "Int8Array", 1],
  ["uint8", "Uint8Array", 1],
  ["int16", "Int16Array", 2],
  ["uint16", "Uint16Array", 2],
  ["int32", "Int32Array", 4],
  ["uint32", "Uint32Array", 4],
  ["float32", "Float32Array", 4],
  ["float64", "Float64Array", 8],
  ["bigint64", "BigInt64Array", 8],
  ["biguint64", "BigUint64Array", 8],
];

describe("SharedArray", () => {
  test.each(TYPES)("of %s is a %s of zeros", (type, name, bytes) => {
    using array = new SharedArray(type, 5);
    expect(array.array.constructor.name).toBe(name);
    expect(array.array.BYTES_PER_ELEMENT).toBe(bytes);
    expect(array.length).toBe(5);
    expect([...array].map(Number)).toEqual([0, 0, 0, 0, 0]);
    const value = (bytes === 8 && name.startsWith("Big") ? 7n : 7) as never;
    array.set(-1, value);
    expect(array.at(4)).toBe(value);
    expect(inspect(array)).toBe(`SharedArray { ${type} × 5 }`);
  });

  test("takes its first values from any iterable", () => {
    expect([...new SharedArray("int16", [1, 2, 3])]).toEqual([1, 2, 3]);
    expect([...new SharedArray("float64", new Set([0.5]))]).toEqual([0.5]);
    expect([...new SharedArray("uint8", Buffer.from("ab"))]).toEqual([97, 98]);
    expect([...new SharedArray("int32", new SharedArray("int8", [4, 5]))]).toEqual([4, 5]);
    expect([...new SharedArray("bigint64", [1n])]).toEqual([1n]);
  });

  test("may be empty", () => {
    using array = new SharedArray("float64", []);
    expect(array.length).toBe(0);
    expect(array.at(0)).toBeUndefined();
    expect(() => array.set(0, 1)).toThrow(RangeError);
    expect([...array]).toEqual([]);
  });

  test("counts from the end, and ends at its ends", () => {
    using array = new SharedArray("int32", [1, 2, 3]);
    array.set(-3, 10);
    expect(array.at(-3)).toBe(10);
    expect(array.at(3)).toBeUndefined();
    for (const index of [3, -4, 0.5, Number.NaN]) {
      expect(() => array.set(index, 1)).toThrow(RangeError);
    }
    const copy = array.slice(1);
    copy[0] = 99;
    expect([...array]).toEqual([10, 2, 3]);
    expect([...array.slice(-1)]).toEqual([3]);
  });

  test("refuses wrong types, lengths and values", () => {
    for (const length of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => new SharedArray("int8", length)).toThrow(RangeError);
    }
    expect(() => new SharedArray("float64", 2 ** 50)).toThrow(RangeError);
    expect(() => new SharedArray("bool" as never, 1)).toThrow(/Expected `type`/);
    expect(() => new SharedArray("int8", ["1"] as never)).toThrow(TypeError);
    expect(() => new SharedArray("int8", [1n] as never)).toThrow(TypeError);
    expect(() => new SharedArray("int8", new BigInt64Array(1) as never)).toThrow(TypeError);
    expect(() => new SharedArray("int8", undefined as never)).toThrow(TypeError);
    expect(() => new SharedArray("int8", null as never)).toThrow(TypeError);
    expect(() => new SharedArray("int8", 1, { persistent: true })).toThrow(/Expected a `name`/);
    expect(() => new SharedArray("int8", 1, { name: "n", persistent: 1 as never })).toThrow(
      TypeError,
    );
    expect(() => new SharedArray("int8", 1).set(0, "1" as never)).toThrow(TypeError);
  });

  test("cannot be used after it was closed, and old views are harmless", () => {
    const array = new SharedArray("int32", [1]);
    const view = array.array;
    array.close();
    expect(view[0]).toBe(0);
    view[0] = 5;
    for (const use of [() => array.array, () => array.length, () => [...array]]) {
      expect(use).toThrow(InvalidStateError);
    }
    expect(inspect(array)).toBe("SharedArray { closed }");
  });

  test("stays for as long as its typed array", async () => {
    const view = new SharedArray("int32", [1, 2], { name: "view only" }).array;
    await collectGarbage();
    expect(SharedArray.open("int32", "view only").at(1)).toBe(2);
    expect(view[1]).toBe(2);
  });

  test("its integers can be changed with Atomics", () => {
    using array = new SharedArray("int32", 1, { lock: false });
    expect(Atomics.add(array.array, 0, 5)).toBe(0);
    expect(array.at(0)).toBe(5);
    expect(array.lock).toBeUndefined();
  });
});

describe("a named array", () => {
  test("is one for all programs", async () => {
    using array = new SharedArray("float64", [1, 2], { name: "sums" });
    const [seen] = await inProgram(`
      const array = new manycore.SharedArray("float64", 2, { name: "sums" });
      const same = manycore.SharedArray.open("float64", "sums");
      await array.lock.run(() => array.set(0, 5));
      return [...same, same.lock.locked];
    `);
    expect(seen).toEqual([5, 2, false]);
    expect(array.at(0)).toBe(5);
  });

  test("is not opened as something else", () => {
    const lock = new Lock();
    using array = new SharedArray("float64", 3, { name: "typed", lock });
    const open = (type: ElementType, length: number, o = {}): unknown =>
      new SharedArray(type, length, { name: "typed", ...o });
    expect(() => open("float32", 3)).toThrow(/is a SharedArray of float64, not of float32/);
    expect(() => open("float64", 4)).toThrow(/has 3 elements, not 4/);
    expect(() => open("float64", 3, { lock: false })).toThrow(/was made with a lock/);
    expect(() => open("float64", 3, { lock: new Lock() })).toThrow(/another lock/);
    expect(() => SharedArray.open("int8", "typed")).toThrow(/is a SharedArray of float64/);
    expect(() => SharedArray.open("int8", "missing")).toThrow(/There is no SharedArray/);
    expect(() => SharedArray.open("int9" as never, "typed")).toThrow(RangeError);
    expect(array.lock).toBe(lock);
  });

  test("that is persistent waits for its next user, whose lock says that its holder has ended", async () => {
    await inProgram(`
      const array = new manycore.SharedArray("int32", [4, 5], { name: "kept", persistent: true });
      array.lock.acquireSync();
    `);
    const array = SharedArray.open("int32", "kept");
    expect([...array]).toEqual([4, 5]);
    expect(array.lock?.tryAcquire()).toBe(true);
    expect(array.lock?.abandoned).toBe(true);
    array.lock?.release();
    array.unlink();
    array.close();
    expect(() => SharedArray.open("int32", "kept")).toThrow(/There is no SharedArray/);
  });

  test("is made once, however many make it at a time", async () => {
    const text = `
      const array = new manycore.SharedArray("int32", 4, { name: "race" });
      Atomics.add(array.array, 0, 1);
      say("added");
      await told();
    `;
    const makers = Array.from({ length: 4 }, () => talkTo(text));
    await Promise.all(makers.map((maker) => maker.until(/added/)));
    expect(SharedArray.open("int32", "race").at(0)).toBe(4);
    for (const maker of makers) maker.tell("end");
    await Promise.all(makers.map((maker) => maker.ended()));
  });
});

describe.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("SharedArray among %s", (_, Executor) => {
  test("arrives as itself", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using array = new SharedArray("int16", [1, -2], { name: "travels" });
    expect(await pool.submit(describeArray, array)).toEqual({
      type: "int16",
      values: [1, -2],
      name: "travels",
      locked: false,
    });
    const back = (await pool.submit(same, array)) as SharedArray<"int16">;
    back.set(0, 7);
    expect(array.at(0)).toBe(7);
    array.lock.acquireSync();
    expect(back.lock.locked).toBe(true);
    array.lock.release();
    back.close();
  });

  test("a typed array over it is copied when it is sent itself", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using array = new SharedArray("int32", [1, 2, 3]);
    const copy = (await pool.submit(same, array.array.subarray(1))) as Int32Array;
    copy[0] = 9;
    expect([...copy]).toEqual([9, 3]);
    expect([...array]).toEqual([1, 2, 3]);
  });
});

test("the lock keeps processes, threads and tasks apart", async () => {
  using array = new SharedArray("float64", 32);
  const members = [
    new Process({ target: addToAll, args: [array, 50] }),
    new Thread({ target: addToAll, args: [array, 50] }),
  ];
  for (const member of members) await member.start();
  await Promise.all([addToAll(array, 50), addToAll(array, 50)]);
  for (const member of members) expect(await member.join()).toBe(0);
  expect([...array]).toEqual(Array.from({ length: 32 }, () => 200));
});
