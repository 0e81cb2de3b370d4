import { describe, expect, test } from "vitest";
import { decodeValue, encodeValue } from "../../dist/wire/codec.js";
import { viaProcess, viaThread } from "./round-trip.ts";
import { difference } from "./same-graph.ts";

const numbers = [
  0,
  -0,
  1,
  127,
  128,
  255,
  256,
  65535,
  65536,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
];
function without(array: unknown[], indices: number[]): unknown[] {
  for (const index of indices) Reflect.deleteProperty(array, index);
  return array;
}
function ofLength(length: number): unknown[] {
  const array: unknown[] = [];
  array.length = length;
  return array;
}

const values: Record<string, unknown> = {
  numbers: [
    ...numbers,
    ...numbers.map((n) => -n),
    -32,
    -33,
    -128,
    -129,
    -32768,
    -32769,
    0.1,
    5e-324,
  ],
  "special numbers": [
    NaN,
    Infinity,
    -Infinity,
    { deep: [-0, new Map([[1, -0]]), new Set(["-0", 0])] },
  ],
  bigints: [
    0n,
    1n,
    -1n,
    2n ** 63n,
    2n ** 64n - 1n,
    2n ** 64n,
    -(2n ** 63n),
    -(2n ** 63n) - 1n,
    7n ** 999n,
    -(7n ** 1000n),
  ],
  strings: [
    "",
    "a",
    "é",
    "x".repeat(31),
    "x".repeat(32),
    "x".repeat(41),
    "ł".repeat(84),
    "ł".repeat(30_000),
    "y".repeat(70_000),
    "😀".repeat(30_000),
  ],
  "lone surrogates": [
    "\ud800",
    "a\udfff",
    `${"x".repeat(100)}\ud83d`,
    { "\udc00": 1 },
    "\ud83d".repeat(40_000),
  ],
  "nothing and booleans": [undefined, null, true, false, { a: undefined, b: null }],
  dates: [
    new Date(0),
    new Date(-1),
    new Date(8.64e15),
    new Date(NaN),
    new Date("2024-02-29T12:00:00.123Z"),
  ],
  "regular expressions": [/a/, /[\u{1f600}/]+\n/giu, new RegExp("")],
  "maps and sets": [
    new Map<unknown, unknown>([
      [{}, 1],
      ["k", new Set([1, "1", [NaN]])],
    ]),
    new Set(),
    new Map(),
  ],
  "boxed primitives": [Object(1), Object("text"), Object(false), Object(10n), Object(-0)],
  "arrays with holes": [
    ...[[0], [1], [2], [0, 1]].map((holes) => without([1, 2, 3], holes)),
    ofLength(3),
    ofLength(100),
    ofLength(5000),
  ],
  "sparse arrays": [
    Object.assign([], { 4_000_000_000: "far" }),
    Object.assign(ofLength(6000), { 5: 1, 5999: 2 }),
  ],
  "results of match": "2024-05".match(/(?<year>\d+)-(\d+)/),
  "objects without a prototype": [
    Object.create(null),
    Object.assign(Object.create(null), { a: 1 }),
  ],
  "awkward keys": JSON.parse(
    '{"__proto__":{"polluted":1},"constructor":2,"toString":3,"":4,"1":5,"a b":6}',
  ),
  "a bare object with an own __proto__": Object.defineProperty(Object.create(null), "__proto__", {
    value: 1,
    enumerable: true,
    configurable: true,
    writable: true,
  }),
  "wide objects": Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key${i}`, i])),
  "long arrays": Array.from({ length: 70_000 }, (_, i) => i / 3),
};

describe("encodeValue and decodeValue", () => {
  for (const [name, value] of Object.entries(values)) {
    test(`${name} arrive as they were sent`, () => {
      expect(difference(value, viaProcess(value))).toBeUndefined();
      expect(difference(value, viaThread(value))).toBeUndefined();
    });
  }

  test("a key __proto__ arrives as a property and changes no prototype", () => {
    const sent: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    const got = viaProcess(sent) as Record<string, unknown>;
    expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
    expect(Object.hasOwn(got, "__proto__")).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("objects that hold themselves do so on the other side", () => {
    const map = new Map<unknown, unknown>();
    const root = { list: [] as unknown[], map, set: new Set<unknown>() };
    root.list.push(root, root.list);
    map.set(root, map);
    root.set.add(root.set);
    expect(difference(root, viaProcess(root))).toBeUndefined();
  });

  test("an object met many times arrives once, however many objects lie between", () => {
    const shared = { shared: true };
    for (const between of [0, 5, 11, 12, 13, 300]) {
      const value = [shared, Array.from({ length: between }, () => ({})), shared, [shared]];
      expect(difference(value, viaProcess(value))).toBeUndefined();
    }
  });

  test("instances of classes nobody registered arrive as their own enumerable fields", () => {
    class Point {
      x = 1;
      #secret = 2;
      get secret(): number {
        return this.#secret;
      }
    }
    class Stack extends Array<number> {}
    const got = viaProcess([new Point(), Stack.from([1, 2])]) as unknown[];
    expect(difference(got, [{ x: 1 }, [1, 2]])).toBeUndefined();
  });

  test("URL and URLSearchParams arrive as such", () => {
    const [url, params] = viaProcess([
      new URL("https://example.org/a?b=c#d"),
      new URLSearchParams("x=1&x=2&é=ł"),
    ]) as [URL, URLSearchParams];
    expect(url).toBeInstanceOf(URL);
    expect(url.href).toBe("https://example.org/a?b=c#d");
    expect(params).toBeInstanceOf(URLSearchParams);
    expect(params.getAll("x")).toEqual(["1", "2"]);
    expect(params.get("é")).toBe("ł");
  });

  test("lists of records arrive, alike or not, in any order of their keys", () => {
    const point = { x: 1, y: "a" };
    const list: Record<string, unknown>[] = [
      ...Array.from({ length: 10 }, (_, i) => ({ id: i, name: `n${i}`, value: i / 2, ref: point })),
      { id: 1, other: 2, value: 3, ref: [point] },
      { id: 1, name: 2, value: { id: 5, name: { id: 6 }, value: null, ref: null }, wrong: 1 },
      { id: 7, name: 8, value: 9, ref: undefined },
      { 2: "two", 1: "one" },
      { 2: "two", 1: "one" },
      ...Array.from({ length: 4 }, () => JSON.parse('{"a":1,"__proto__":{"b":2}}') as object),
      ...Array.from({ length: 4 }, () => ({ é: 1, "ł ł": 2 })),
      ...Array.from({ length: 4 }, (_, i) => ({ x: i, y: i * 1.5 })),
    ] as Record<string, unknown>[];
    for (let i = 0; i < 3; i++) list.push({ id: 1, self: list, value: 1, ref: 1 });
    const tied: Record<string, unknown> = { k: 1, l: 2, m: 3 };
    const knots = Array.from({ length: 12 }, (): Record<string, unknown> => ({ k: 1, l: 2, m: 3 }));
    for (const knot of knots) knot["l"] = [knot, tied];
    expect(difference([list, knots], viaProcess([list, knots]))).toBeUndefined();
    const missed = knots.map((knot, i) => (i === 5 ? { k: knot, n: knots, o: 1 } : knot));
    expect(difference(missed, viaProcess(missed))).toBeUndefined();
  });

  test("bytes handed out are not written again", () => {
    const first = encodeValue("first", { destination: "process", root: "args" }).bytes;
    const copy = Buffer.from(first);
    for (let i = 0; i < 2000; i++) {
      encodeValue([i, "x".repeat(i * 10)], { destination: "process", root: "args" });
    }
    expect(copy.equals(first)).toBe(true);
  });

  test("small and large messages in turn do not disturb each other", () => {
    const kept: [unknown, Uint8Array][] = [];
    for (let i = 0; i < 300; i++) {
      const value = { i, text: "z".repeat(i % 7 === 0 ? 20_000 : i % 50), tail: [i, -i] };
      kept.push([value, encodeValue(value, { destination: "process", root: "args" }).bytes]);
    }
    for (const [value, bytes] of kept) expect(decodeValue(bytes, undefined)).toEqual(value);
  });

  test("a message larger than the memory that is kept arrives whole", () => {
    const value = Array.from({ length: 40 }, (_, i) => `${i}`.repeat(100_000));
    expect(
      decodeValue(encodeValue(value, { destination: "process", root: "args" }).bytes, undefined),
    ).toEqual(value);
    expect(viaProcess({ after: 1 })).toEqual({ after: 1 });
  });

  test("a getter may encode something itself", () => {
    const value = {
      before: [1],
      get inner() {
        return viaProcess({ nested: "x".repeat(10_000) });
      },
      after: [2],
    };
    expect(viaProcess(value)).toEqual({
      before: [1],
      inner: { nested: "x".repeat(10_000) },
      after: [2],
    });
  });

  test("a value that failed leaves nothing behind for the next", () => {
    const shared = {};
    expect(() => viaProcess([shared, new Uint8Array(10), () => {}])).toThrow(
      "args[2] is a function",
    );
    expect(difference(viaProcess([shared, shared]), [shared, shared])).toBeUndefined();
  });
});
