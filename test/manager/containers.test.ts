import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Manager, NamespaceProxy } from "manycore";
import { inspect } from "node:util";
import { useNamespace } from "../helpers/namespace.ts";
import { rejection } from "../connection/kit.ts";
import { collect } from "./kit.ts";

useNamespace("manager-containers");
let manager: Manager;
beforeAll(async () => {
  manager = await Manager.start();
});
afterAll(() => manager.shutdown());

describe("a dict of a manager", () => {
  test("has what a Map has, in one step each", async () => {
    const dict = await manager.dict<string, number>({ a: 1, b: 2 });
    await dict.set("c", 3);
    expect(await dict.get("a")).toBe(1);
    expect(await dict.get("zz")).toBeUndefined();
    expect(await dict.get("zz", 7)).toBe(7);
    expect([await dict.has("a"), await dict.has("zz")]).toEqual([true, false]);
    expect(await dict.size()).toBe(3);
    expect(await dict.keys()).toEqual(["a", "b", "c"]);
    expect(await dict.values()).toEqual([1, 2, 3]);
    expect(await dict.items()).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]);
    expect(await dict.copy()).toEqual(new Map(await dict.items()));
    expect([await dict.pop("a"), await dict.pop("a"), await dict.pop("a", 9)]).toEqual([
      1,
      undefined,
      9,
    ]);
    expect(await dict.popItem()).toEqual(["c", 3]);
    expect([await dict.setDefault("b", 5), await dict.setDefault("d", 5)]).toEqual([2, 5]);
    expect([await dict.delete("d"), await dict.delete("d")]).toEqual([true, false]);
    await dict.update(new Map([["e", 4]]));
    await dict.update({ f: 5 });
    expect([await dict.increment("e"), await dict.increment("new", 5)]).toEqual([5, 5]);
    await dict.clear();
    expect([await dict.size(), await dict.popItem()]).toEqual([0, undefined]);
  });

  test("takes what compares by value as keys, and nothing else", async () => {
    const dict = await manager.dict<unknown, number>([
      [NaN, 1],
      [1n, 2],
      [null, 3],
    ]);
    expect([await dict.get(NaN), await dict.get(1n), await dict.get(null)]).toEqual([1, 2, 3]);
    expect(await rejection(dict.set({}, 1))).toBeInstanceOf(TypeError);
    const many: [unknown, number][] = [
      ["good", 1],
      [[], 2],
    ];
    expect(await rejection(dict.update(many))).toBeInstanceOf(TypeError);
    expect(await dict.has("good")).toBe(false);
    expect(await rejection(dict.increment(null, "x" as never))).toBeInstanceOf(TypeError);
  });

  test("is iterated over as it is now, unless its size changes", async () => {
    const dict = await manager.dict({ a: 1, b: 2, c: 3 });
    const seen: [string, number][] = [];
    for await (const entry of dict) {
      seen.push(entry);
      await dict.set("c", 30);
    }
    expect(seen).toEqual([
      ["a", 1],
      ["b", 2],
      ["c", 30],
    ]);
    const growing = (async () => {
      for await (const [key] of dict) await dict.set(`${key}${key}`, 0);
    })();
    expect(await rejection(growing)).toMatchObject({ code: "ERR_MANYCORE_INVALID_STATE" });
    const before = await manager.objectCount();
    for await (const _ of dict) break;
    expect(await manager.objectCount()).toBe(before);
  });

  test("gives copies: a change counts when it is set again", async () => {
    const dict = await manager.dict<string, number[]>();
    const list = [1];
    await dict.set("list", list);
    list.push(2);
    const got = (await dict.get("list"))!;
    got.push(3);
    expect(await dict.get("list")).toEqual([1]);
    await dict.set("list", got);
    expect(await dict.get("list")).toEqual([1, 3]);
  });
});

describe("a list of a manager", () => {
  test("has what an Array has", async () => {
    const list = await manager.list([3, 1, 2]);
    expect([await list.push(5, 4), await list.length()]).toEqual([5, 5]);
    await list.sort();
    expect(await list.copy()).toEqual([1, 2, 3, 4, 5]);
    await list.sort({ descending: true });
    await list.reverse();
    expect([await list.at(0), await list.at(-1), await list.at(9)]).toEqual([1, 5, undefined]);
    await list.set(-1, 50);
    expect([await list.pop(), await list.pop(0), await list.shift()]).toEqual([50, 1, 2]);
    expect(await list.unshift(9)).toBe(3);
    await list.insert(1, 8);
    expect(await list.slice(0, 2)).toEqual([9, 8]);
    expect(await list.splice(1, 2, 7, 7)).toEqual([8, 3]);
    expect(await list.extend([1, 1])).toBe(6);
    expect([await list.indexOf(7), await list.includes(100), await list.count(1)]).toEqual([
      1,
      false,
      2,
    ]);
    expect([await list.remove(7), await list.remove(100)]).toEqual([true, false]);
    expect(await list.copy()).toEqual([9, 7, 4, 1, 1]);
    await list.clear();
    expect([await list.pop(), await list.shift(), await list.pop(5)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await rejection(list.set(0, 1))).toBeInstanceOf(RangeError);
    expect(await rejection(list.at(0.5))).toBeInstanceOf(RangeError);
  });

  test("compares by what items hold, and sorts lists item by item", async () => {
    const list = await manager.list<unknown>([{ a: [1] }, [2, "b"], [2, "a"]]);
    expect(await list.indexOf({ a: [1] })).toBe(0);
    await list.shift();
    await list.sort();
    expect(await list.copy()).toEqual([
      [2, "a"],
      [2, "b"],
    ]);
  });

  test("shows a loop what changes meanwhile; a loop that has ended stays ended", async () => {
    const list = await manager.list([0, 1]);
    const seen: number[] = [];
    const iterator = list[Symbol.asyncIterator]();
    for await (const item of { [Symbol.asyncIterator]: () => iterator }) {
      seen.push(item);
      if (item < 3) await list.push(item + 2);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    await list.push(100);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

test("a set of a manager has what a Set has", async () => {
  const set = await manager.set([1, 2]);
  await set.add(3);
  expect([await set.has(3), await set.delete(3), await set.delete(3)]).toEqual([true, true, false]);
  expect(await set.union([5])).toEqual(new Set([1, 2, 5]));
  expect(await set.intersection([2, 5])).toEqual(new Set([2]));
  expect(await set.difference([2, 5])).toEqual(new Set([1]));
  expect(await set.symmetricDifference([2, 5])).toEqual(new Set([1, 5]));
  expect(await set.isSubsetOf([1, 2, 3])).toBe(true);
  expect(await set.isSupersetOf([1, 2, 3])).toBe(false);
  expect(await set.isDisjointFrom([3])).toBe(true);
  await set.update([7]);
  expect(await collect(set)).toEqual([1, 2, 7]);
  expect([await set.pop(), await set.size()]).toEqual([1, 2]);
  expect(await set.copy()).toEqual(new Set([2, 7]));
  await set.clear();
  expect(await set.pop()).toBeUndefined();
  expect(await rejection(set.add([] as never))).toBeInstanceOf(TypeError);
});

test("a namespace of a manager keeps names that begin with _ here, and shows the others", async () => {
  const space = await manager.namespace<{ x: number; y: string; _own: number }>({ x: 1 });
  await space.set("y", "two");
  await space.set("_own", 3);
  expect(await space.get("_own")).toBe(3);
  expect([await space.has("_own"), await space.has("x")]).toEqual([true, true]);
  expect(await space.text()).toBe("Namespace(x=1, y='two')");
  expect(await space.copy()).toEqual({ x: 1, y: "two" });
  expect([await space.delete("x"), await space.delete("x")]).toEqual([true, false]);
  expect(await space.delete("_own")).toBe(true);
  expect(await space.get("x")).toBeUndefined();
  expect(space).toBeInstanceOf(NamespaceProxy);
  expect(inspect(space)).toMatch(/^<namespace proxy, object \d+>$/);
});

describe("a number or an array of a manager", () => {
  test("a value is one number of its type", async () => {
    const value = await manager.value("uint8", 250);
    expect([await value.get(), await value.add(10)]).toEqual([250, 4]);
    await value.set(7);
    expect([await value.compareExchange(7, 8), await value.compareExchange(7, 9)]).toEqual([7, 8]);
    expect(await (await manager.value("bigint64")).add(5n)).toBe(5n);
    expect(await rejection(manager.value("text" as "int8"))).toBeInstanceOf(RangeError);
    expect(await rejection(value.set(1n as never))).toBeInstanceOf(TypeError);
  });

  test("an array has a fixed length", async () => {
    const array = await manager.array("float64", [1.5, 2.5]);
    await array.set(1, 3.5);
    expect([await array.at(-1), await array.add(0, 1), await array.length()]).toEqual([
      3.5, 2.5, 2,
    ]);
    expect(await array.slice()).toEqual(new Float64Array([2.5, 3.5]));
    await array.fill(1);
    expect(await collect(array)).toEqual([1, 1]);
    expect(await rejection(array.set(2, 1))).toBeInstanceOf(RangeError);
    expect(await (await manager.array("int32", 3)).slice()).toEqual(new Int32Array(3));
  });
});

test("what cannot travel is refused by its path, and the proxy goes on", async () => {
  const list = await manager.list();
  expect(await rejection(list.push({ f: () => {} }))).toMatchObject({
    code: "ERR_MANYCORE_SERIALIZATION",
    path: "args[0].f",
  });
  expect(await list.push(1)).toBe(1);
});
