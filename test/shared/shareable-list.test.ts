import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  InvalidStateError,
  Process,
  ProcessPoolExecutor,
  ShareableList,
  Thread,
  ThreadPoolExecutor,
  type ShareableItem,
} from "manycore";
import { useNamespace } from "../helpers/namespace.ts";
import { inProgram } from "./program.ts";
import { alternate, same, setItem, writeForEver } from "../fixtures/shared/work.mjs";

useNamespace("shareable-list");

const ITEMS: ShareableItem[] = [
  "howdy",
  Buffer.from("HoWdY"),
  -273.154,
  100,
  2n ** 63n - 1n,
  null,
  true,
  42,
  false,
  "",
  "späßchen 🎉",
  Number.NaN,
  -0,
];

describe("ShareableList", () => {
  test("is read like an array by at and includes", () => {
    using list = new ShareableList([1, "two", null]);
    expect([0, -1, 3, -4].map((index) => list.at(index))).toEqual(
      [0, -1, 3, -4].map((index) => [1, "two", null].at(index)),
    );
    expect(list.includes("two")).toBe(true);
    expect(list.includes("three")).toBe(false);
  });

  test("holds what it was made of", () => {
    using list = new ShareableList(ITEMS);
    expect(list.length).toBe(ITEMS.length);
    expect([...list]).toEqual(ITEMS.map((x) => (Buffer.isBuffer(x) ? new Uint8Array(x) : x)));
    expect(list.get(-2)).toBe(Number.NaN);
    expect(Object.is(list.get(-1), -0)).toBe(true);
    expect(list.get(0)).toBe("howdy");
    expect(list.count(42)).toBe(1);
    expect(list.count("absent")).toBe(0);
    expect(list.indexOf(Buffer.from("HoWdY"))).toBe(1);
    expect(list.indexOf(Number.NaN)).toBe(11);
    expect(list.indexOf("absent")).toBe(-1);
  });

  test("a slot may change its type", () => {
    using list = new ShareableList(["howdy", 1, null]);
    for (const value of [5, "x", null, false, -1n, new Uint8Array([0, 1, 0]), "\0\0", "\uFEFFa"]) {
      for (let i = 0; i < 3; i++) {
        list.set(i, value);
        expect(list.get(i)).toEqual(value);
      }
    }
  });

  test("a text longer than its slot is refused, old value and neighbours stay", () => {
    using list = new ShareableList([1, "howdy", 2]);
    list.set(1, "12345678");
    expect(() => list.set(1, "123456789")).toThrow(RangeError);
    expect(() => list.set(1, "äöüß+")).toThrow(/room for 8 bytes, and this value has 9/);
    expect(() => list.set(0, new Uint8Array(9))).toThrow(RangeError);
    expect([...list]).toEqual([1, "12345678", 2]);
    list.set(1, "äöüß");
    expect([...list]).toEqual([1, "äöüß", 2]);
    using longer = new ShareableList(["12345678"]);
    longer.set(0, "1234567890123456");
    expect(() => longer.set(0, "12345678901234567")).toThrow(RangeError);
  });

  test("refuses what it cannot hold", () => {
    using list = new ShareableList([1]);
    for (const value of [undefined, {}, [], Symbol("s"), () => 1, new Date()]) {
      expect(() => list.set(0, value as never)).toThrow(TypeError);
      expect(() => new ShareableList([value as never])).toThrow(TypeError);
    }
    expect(() => list.set(0, 2n ** 63n)).toThrow(RangeError);
    for (const index of [1, -2, 0.5, Number.NaN]) {
      expect(() => list.get(index)).toThrow(RangeError);
      expect(() => list.set(index, 1)).toThrow(RangeError);
    }
    expect([...list]).toEqual([1]);
  });

  test("may be empty", () => {
    using list = new ShareableList([]);
    expect(list.length).toBe(0);
    expect([...list]).toEqual([]);
    expect(() => list.get(0)).toThrow(RangeError);
  });

  test("bytes that were read are a copy", () => {
    using list = new ShareableList([new Uint8Array([1])]);
    (list.get(0) as Uint8Array)[0] = 2;
    expect(list.get(0)).toEqual(new Uint8Array([1]));
  });

  test("cannot be used after it was closed", () => {
    const list = new ShareableList([1, "a"]);
    expect(inspect(list)).toBe("ShareableList [ 1, 'a' ]");
    list.close();
    expect(inspect(list)).toBe("ShareableList { closed }");
    expect(() => list.get(0)).toThrow(InvalidStateError);
    expect(() => list.length).toThrow(InvalidStateError);
  });
});

describe("a named list", () => {
  test("is opened by any program, which sees what was written", async () => {
    using list = new ShareableList(["howdy", 1], { name: "settings" });
    const [seen] = await inProgram(`
      const list = manycore.ShareableList.open("settings");
      list.set(1, "changed");
      return [...list];
    `);
    expect(seen).toEqual(["howdy", "changed"]);
    expect(list.get(1)).toBe("changed");
    expect(() => new ShareableList([1], { name: "settings" })).toThrow(
      expect.objectContaining({ reason: "exists" }),
    );
    expect(() => ShareableList.open("missing")).toThrow(/There is no ShareableList/);
  });

  test("is copied under a new name, and the copy goes its own way", () => {
    using list = new ShareableList(["howdy", 1, null], { name: "original" });
    using copy = new ShareableList(list, { name: "copy" });
    copy.set(0, "hallo");
    list.set(1, 2);
    expect([...list]).toEqual(["howdy", 2, null]);
    expect([...ShareableList.open("copy")]).toEqual(["hallo", 1, null]);
    list.unlink();
    expect(() => ShareableList.open("original")).toThrow(/There is no ShareableList/);
  });
});

describe.each([
  ["threads", ThreadPoolExecutor],
  ["processes", ProcessPoolExecutor],
] as const)("ShareableList among %s", (_, Executor) => {
  test("arrives as itself", async () => {
    await using pool = new Executor({ maxWorkers: 1 });
    using list = new ShareableList(["a", 2]);
    expect(await pool.submit(setItem, list, 0, "bb")).toEqual(["bb", 2]);
    expect(list.get(0)).toBe("bb");
    const back = (await pool.submit(same, list)) as ShareableList;
    back.set(1, false);
    expect(list.get(1)).toBe(false);
  });

  test("a reader never sees half a write", async () => {
    await using pool = new Executor({ maxWorkers: 2 });
    using list = new ShareableList(["-".repeat(60)]);
    const writers = [0, 1].map(() => pool.submit(alternate, list, 3000));
    const state = { isDone: false };
    const done = Promise.all(writers).finally(() => (state.isDone = true));
    const seen = new Set<string>();
    while (!state.isDone) {
      for (let i = 0; i < 500; i++) seen.add(list.get(0) as string);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    const whole = ["-".repeat(60), ...["a", "b"].flatMap((c) => [c.repeat(3), c.repeat(60)])];
    for (const text of seen) expect(whole).toContain(text);
    expect(seen.size).toBeGreaterThan(1);
  });
});

test("a writer that is killed in the midst leaves a whole value, and the next one writes on", async () => {
  using list = new ShareableList(["-".repeat(4000), "neighbour"]);
  for (let round = 0; round < 8; round++) {
    list.set(0, "-");
    const Writer = round % 2 === 0 ? Process : Thread;
    const writer = new Writer({ target: writeForEver, args: [list] });
    await writer.start();
    for (let i = 0; list.get(0) === "-" && i < 1000; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    writer.kill();
    await writer.join();
    expect(list.get(0)).toMatch(/^(x{3000}|y{3001})$/);
    list.set(0, "free");
    expect([...list]).toEqual(["free", "neighbour"]);
  }
});
