import { EventEmitter } from "node:events";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import { SerializationError } from "../../dist/errors/index.js";
import { registerClass } from "../../dist/wire/class-registry.js";
import { viaProcess } from "./round-trip.ts";

function refusalOf(value: unknown): SerializationError {
  try {
    viaProcess([value]);
  } catch (error) {
    if (error instanceof SerializationError) return error;
    throw error;
  }
  throw new Error("The value has travelled");
}

const sent = (value: unknown): unknown => (viaProcess([value]) as [unknown])[0];

describe("what hangs on a value", () => {
  test("named properties of arrays travel, whatever the array's length", () => {
    for (const length of [0, 1, 3, 32, 33, 5000]) {
      const array = Array.from({ length }, (_, i) => i);
      const got = sent(Object.assign(array, { columns: ["a"], "007": 7 })) as typeof array;
      expect(got).toEqual(array);
      expect(Object.keys(got)).toEqual(Object.keys(array));
      expect(got).toHaveLength(length);
    }
    const match = /(?<all>a+)/.exec("caab") as RegExpExecArray;
    expect(sent(match)).toEqual(match);
    expect((sent(match) as RegExpExecArray).groups).toEqual({ all: "aa" });
  });

  test("holes stay holes, with and without names", () => {
    const holey = (length: number, elements: Record<number, number>): unknown[] =>
      Object.assign([], { length }, elements);
    for (const array of [
      holey(2, { 1: 1 }),
      holey(3, { 0: 1, 2: 2 }),
      holey(2, { 0: 1 }),
      holey(2, {}),
      holey(40, { 3: 1 }),
      holey(40, { 39: 1 }),
    ]) {
      for (const names of [{}, { name: 1 }]) {
        const value = Object.assign(array.slice(), names);
        const got = sent(value) as unknown[];
        expect(Object.keys(got)).toEqual(Object.keys(value));
        expect(got).toHaveLength(value.length);
      }
    }
  });

  test.each([
    ["a Map", new Map([[1, 2]])],
    ["a Set", new Set([1])],
    ["a Date", new Date(0)],
    ["a RegExp", /x/g],
    ["a Uint8Array", new Uint8Array(3)],
    ["a long Uint8Array", new Uint8Array(3000)],
    ["an empty Buffer", Buffer.alloc(0)],
    ["a DataView", new DataView(new ArrayBuffer(8))],
    ["an ArrayBuffer", new ArrayBuffer(8)],
    ["a String", new String("abc")],
  ])("a property of %s is refused by its name", (_, value) => {
    expect(sent(value)).toEqual(value);
    const error = refusalOf(Object.assign(value, { extra: 1 }));
    expect(error.path).toBe("args[0]");
    expect(error.message).toContain('"extra"');
  });

  test("properties whose keys are symbols are refused, hidden ones are left", () => {
    const key = Symbol("mark");
    for (const value of [
      { [key]: 1 },
      { a: 1, [key]: 1 },
      Object.assign(new Map(), { [key]: 1 }),
    ]) {
      expect(refusalOf({ deep: value }).message).toContain(
        "args[0].deep has a property whose key is a symbol, Symbol(mark)",
      );
    }
    const bare = Object.assign(Object.create(null) as object, { [key]: 1 });
    expect(refusalOf(bare).message).toContain("Symbol(mark)");
    const hidden = Object.defineProperty({ a: 1 }, key, { value: 1 });
    expect(sent(hidden)).toEqual({ a: 1 });
  });

  test("getters are read, frozen and sealed objects arrive as they are, but open", () => {
    const value = Object.freeze({
      get now() {
        return 3;
      },
      list: Object.seal([1]),
    });
    expect(sent(value)).toEqual({ now: 3, list: [1] });
    expect(Object.isFrozen(sent(value))).toBe(false);
  });
});

describe("classes that nobody registered", () => {
  test("derived from Array, Map, Set, Date and Uint8Array arrive as these", () => {
    class List extends Array<number> {}
    class Table extends Map<string, number> {}
    class Group extends Set<number> {}
    class Day extends Date {}
    class Bytes extends Uint8Array {}
    expect(sent(Object.assign(List.of(1, 2), { note: "n" }))).toEqual(
      Object.assign([1, 2], { note: "n" }),
    );
    for (const [value, base] of [
      [new Table([["a", 1]]), new Map([["a", 1]])],
      [new Group([1]), new Set([1])],
      [new Day(5), new Date(5)],
      [Bytes.of(1, 2), Uint8Array.of(1, 2)],
    ]) {
      const got = sent(value);
      expect(got).toEqual(base);
      expect(Object.getPrototypeOf(got)).toBe(Object.getPrototypeOf(base));
    }
  });

  test("with state that these do not have are refused", () => {
    class Table extends Map<string, number> {
      label = "x";
    }
    class Secret extends Map<string, number> {
      #label = "x";
      label(): string {
        return this.#label;
      }
    }
    expect(refusalOf(new Table()).message).toContain('"label"');
    expect(refusalOf(new Secret()).message).toContain("#label");
    expect(refusalOf(new (class Mine extends Headers {})()).message).toContain(
      "derived from Headers",
    );
    const registered = registerClass(class Plain extends Map<string, number> {});
    expect(refusalOf(new registered()).message).toContain(
      "give registerClass `encode` and `decode`",
    );
    const secret = registerClass(Secret);
    expect(refusalOf(new secret()).message).toContain("#label");
  });

  test("with nothing but private fields are refused, text that looks like one is not", () => {
    class Money {
      #cents = 3;
      get cents(): number {
        return this.#cents;
      }
    }
    expect(refusalOf(new Money()).message).toContain("registerClass(Money, { encode, decode })");
    class Page {
      text(): string {
        return `
#title;
`;
      }
    }
    expect(sent(new Page())).toEqual({});
    class Counter {
      count = 0;
      static #made = 0;
      static make(): Counter {
        Counter.#made++;
        return Object.assign(new Counter(), { count: Counter.#made });
      }
    }
    expect(sent(Counter.make())).toEqual({ count: 1 });
  });

  test("with properties that are all hidden are refused", () => {
    class Hidden {
      constructor() {
        Object.defineProperty(this, "state", { value: 1 });
      }
      look(): unknown {
        return this;
      }
    }
    expect(refusalOf(new Hidden()).message).toContain("none of whose properties is enumerable");
  });

  test("emitters of the user's own are their fields, Node's own are refused", () => {
    class Job extends EventEmitter {
      id = 7;
    }
    expect(sent(new Job())).toMatchObject({ id: 7, _eventsCount: 0 });
    const heard = new Job().on("x", () => {});
    expect(refusalOf(heard).path).toBe("args[0]._events.x");
    expect(refusalOf(new EventEmitter()).path).toBe("args[0]");
  });

  test("an object whose prototype was changed is refused when nothing shows its content", () => {
    for (const value of [new Map([[1, 2]]), new Set([1]), new Date(), Promise.resolve()]) {
      expect(refusalOf(Object.setPrototypeOf(value, null)).path).toBe("args[0]");
    }
    expect(refusalOf(Object.setPrototypeOf(new Map([[1, 2]]), Object.prototype)).path).toBe(
      "args[0]",
    );
    expect(refusalOf(Math).message).toContain("is Math");
    expect(sent({})).toEqual({});
    expect(sent(Object.create(null))).toEqual({});
  });

  test("proxies arrive as what they show, if they show it", () => {
    expect(sent(new Proxy({ a: 1 }, { get: (_, key) => (key === "a" ? 2 : undefined) }))).toEqual({
      a: 2,
    });
    expect(sent(new Proxy([1, 2], {}))).toEqual([1, 2]);
    for (const target of [new Map([[1, 2]]), new Date(), new Headers()]) {
      expect(refusalOf(new Proxy(target, {})).path).toBe("args[0]");
    }
  });
});

test("values of another realm arrive as what they are", () => {
  const there = vm.runInNewContext(
    `({
      array: [1, , 2], object: { a: 1 }, bare: Object.create(null), map: new Map([[1, { b: 2 }]]),
      set: new Set([1]), date: new Date(5), regexp: /x/g, bytes: new Uint8Array([1]),
      error: new TypeError("t", { cause: new RangeError("r") }), many: new AggregateError([new Error("e")], "m"),
      big: Object(1n), instance: new (class Point { x = 1 })(),
    })`,
  ) as Record<string, unknown>;
  const got = sent(there) as Record<string, Error & AggregateError & { cause: Error }>;
  expect(got["array"]).toStrictEqual(Object.assign([1], { length: 3, 2: 2 }));
  expect(got["object"]).toStrictEqual({ a: 1 });
  expect(got["instance"]).toStrictEqual({ x: 1 });
  expect(got["map"]).toStrictEqual(new Map([[1, { b: 2 }]]));
  expect(got["set"]).toStrictEqual(new Set([1]));
  expect(got["date"]).toStrictEqual(new Date(5));
  expect(got["regexp"]).toStrictEqual(/x/g);
  expect(got["bytes"]).toStrictEqual(new Uint8Array([1]));
  expect(got["error"]).toBeInstanceOf(TypeError);
  expect(got["error"]?.cause).toBeInstanceOf(RangeError);
  expect(got["many"]).toBeInstanceOf(AggregateError);
  expect(got["many"]?.errors[0]).toBeInstanceOf(Error);
  const headers = vm.runInNewContext("new Intl.NumberFormat()") as object;
  expect(refusalOf(headers).message).toContain("NumberFormat");
});
