import * as fc from "fast-check";
import v8 from "node:v8";
import { describe, expect, test } from "vitest";
import { SerializationError } from "../../dist/errors/index.js";
import { registerClass } from "../../dist/wire/class-registry.js";
import { decodeValue, encodeValue } from "../../dist/wire/codec.js";
import { framed, viaProcess, viaThread } from "./round-trip.ts";
import { difference } from "./same-graph.ts";

const key = fc.oneof(
  fc.string({ maxLength: 45 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("__proto__", "constructor", "toString", "then", "length", "index", "0", "\ud800"),
);
const leaf = fc.oneof(
  fc.string({ unit: "binary", maxLength: 90 }),
  fc.bigInt(),
  fc.constantFrom(-0, NaN, "\udc00x", undefined),
);
const anything = fc.anything({
  key,
  values: [leaf, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string()],
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  maxDepth: 4,
});

class Known {
  a: unknown = 1;
}
registerClass(Known, { name: "test.Known" });

/** Ties random objects of a value together, so that it has cycles and shared parts. */
const tangled = fc
  .tuple(fc.array(anything, { maxLength: 5 }), fc.array(fc.tuple(fc.nat(), fc.nat())))
  .map(([items, ties]) => {
    const containers: unknown[][] = [items];
    for (const item of items) if (Array.isArray(item) && item.length < 100) containers.push(item);
    for (const [from, to] of ties)
      (containers[from % containers.length] as unknown[]).push(containers[to % containers.length]);
    return items;
  });

/** Bytes of real values with a few of them changed, dropped or repeated. */
const mutated = fc
  .tuple(
    fc.oneof(
      tangled,
      fc.constant([
        new Known(),
        new Error("e", { cause: [1] }),
        /x/g,
        new URL("a:b"),
        Object.assign([], { 1: 1 }),
      ]),
    ),
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat({ max: 3 })), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([value, edits]) => {
    let bytes = [...encodeValue(value, { destination: "process", root: "args" }).bytes];
    for (const [at, byte, how] of edits) {
      const place = at % Math.max(bytes.length, 1);
      if (how < 2) bytes[place] = byte;
      else if (how === 2) bytes.splice(place, 1 + (byte % 8));
      else bytes = [...bytes.slice(0, place), ...bytes.slice(Math.max(0, place - (byte % 16)))];
    }
    return Uint8Array.from(bytes);
  });

const random = fc
  .tuple(
    fc.constantFrom(0, 1),
    fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom(0xc1, 0x91, 0x81, 0xa1, 0xdd, 0xdf, 0xdb),
      ),
      { maxLength: 120 },
    ),
  )
  .map(([lead, rest]) => Uint8Array.of(lead, ...rest));

describe("encodeValue and decodeValue, for any value", () => {
  test("they agree with structuredClone", () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(difference(structuredClone(value), viaProcess(value))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test("they keep cycles and shared parts, also on the way to threads", () => {
    fc.assert(
      fc.property(tangled, (value) => {
        const clone = structuredClone(value);
        expect(difference(clone, viaProcess(value))).toBeUndefined();
        expect(difference(clone, viaThread(value))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("lists of records agree with structuredClone", () => {
    const field = fc.constantFrom("a", "b", "c", "__proto__", "1", "\u00e9");
    const record = fc.dictionary(field, fc.oneof(fc.integer(), fc.string(), fc.array(fc.nat())), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fc.array(record, { minLength: 8, maxLength: 30 }), (list) => {
        expect(difference(structuredClone(list), viaProcess(list))).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  test("what was decoded encodes to the same bytes", () => {
    fc.assert(
      fc.property(tangled, (value) => {
        const first = encodeValue(value, { destination: "process", root: "args" });
        const again = encodeValue(decodeValue(...framed(first)), {
          destination: "process",
          root: "args",
        });
        expect(Buffer.compare(first.bytes, again.bytes)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe("decodeValue, for any bytes", () => {
  const calls = { bytes: 0, refused: 0 };

  function attempt(bytes: Uint8Array): void {
    calls.bytes++;
    try {
      const value = decodeValue(bytes, [Uint8Array.of(1, 2, 3)]);
      onlyKnownClasses(value);
    } catch (error) {
      calls.refused++;
      expect(error).toBeInstanceOf(SerializationError);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.keys(Array.prototype)).toEqual([]);
  }

  test("mutated messages give a value or a SerializationError, and nothing else", () => {
    fc.assert(fc.property(mutated, attempt), { numRuns: 5000 });
    expect(calls.refused).toBeGreaterThan(calls.bytes / 20);
  });

  test("random messages give a value or a SerializationError, and nothing else", () => {
    fc.assert(fc.property(random, attempt), { numRuns: 10_000 });
  });

  test("every message cut short is refused", () => {
    const value = [
      { a: [1, 2.5, "text", 10n ** 40n] },
      new Map([[1, new Date()]]),
      new Uint8Array(9),
      new Error("e"),
      new Known(),
    ];
    const { bytes } = encodeValue(value, { destination: "process", root: "args" });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeValue(bytes.subarray(0, length), undefined)).toThrow(SerializationError);
    }
    expect(() => decodeValue(Buffer.concat([bytes, bytes]), undefined)).toThrow(SerializationError);
  });

  const huge = [0xce, 255, 255, 255, 255];
  const hostile: [string, number[]][] = [
    ["an array of four billion", [0, 0xdd, 255, 255, 255, 255]],
    ["an object of four billion keys", [0, 0xdf, 255, 255, 255, 255]],
    ["a string of four billion bytes", [0, 0xdb, 255, 255, 255, 255]],
    ["a map of four billion", [0, 0xc1, 7, ...huge]],
    ["a set of four billion", [0, 0xc1, 8, ...huge]],
    ["a bigint of four billion bytes", [0, 0xc1, 4, 0, ...huge]],
    ["a UTF-16 string of four billion bytes", [0, 0xc1, 3, 0xce, 255, 255, 255, 254]],
    [
      "a sparse array that sets its length",
      [0, 0xc1, 9, 5, 0x81, 0xa6, ...Buffer.from("length"), 0xce, 1, 255, 255, 255],
    ],
    ["a view outside its buffer", [1, 0xc1, 13, 3, 0, 0, 100, 0x91, 0, 0, 2, 1, 2, 0, 0, 0, 7]],
    [
      "a view with an offset that is not aligned",
      [1, 0xc1, 13, 7, 0, 1, 1, 0x91, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 7],
    ],
    ["a buffer that is not there", [0, 0xc1, 12, 0]],
    ["an attachment that is not there", [0, 0xc1, 14, 9]],
    ["a reference that is not there", [0, 0x91, 0xc1, 1, 7]],
    ["a class nobody registered", [0, 0xc1, 18, 0xa6, ...Buffer.from("Object"), 0x80]],
    ["an error class that is none", [0, 0xc1, 17, 0, 0xa8, ...Buffer.from("Function"), 0, 0]],
    ["a stream nobody can read", [0, 0xc1, 20, 1]],
    ["a regular expression that is none", [0, 0xc1, 6, 0xa1, 0x28, 0xa0]],
    ["a URL that is none", [0, 0xc1, 15, 0xa1, 0x21]],
  ];

  test.each(hostile)("%s is refused", (_, bytes) => {
    expect(() => decodeValue(Uint8Array.from(bytes), undefined)).toThrow(SerializationError);
  });

  test("a nest of a million levels is refused", () => {
    for (const fill of [[0x91], [0x81, 0xa0], [0xc1, 8, 1], [0xc1, 7, 1], [0xc1, 10, 0x81, 0xa0]]) {
      const bytes = Uint8Array.from({ length: 1_000_000 }, (__, i) =>
        i === 0 ? 0 : (fill[(i - 1) % fill.length] as number),
      );
      expect(() => decodeValue(bytes, undefined)).toThrow(SerializationError);
    }
    expect(decodeValue(Uint8Array.of(0, 1), undefined)).toBe(1);
  });

  test("containers cannot together announce more than there is", () => {
    // Each of 20,000 nested arrays claims all of the remaining 100 kB: 2 GB if each were believed.
    const bytes = new Uint8Array(100_001);
    const view = new DataView(bytes.buffer);
    for (let at = 1; at + 5 <= bytes.length; at += 5) {
      bytes[at] = 0xdd;
      view.setUint32(at + 1, bytes.length - at - 5);
    }
    expect(peakGrowth(() => attempt(bytes))).toBeLessThan(64 * 1024 * 1024);
  });

  test("arrays that say they are long take memory for what they hold", () => {
    const one = [0xc1, 9, 0xce, 1, 255, 255, 255, 0x80];
    const bytes = Uint8Array.of(
      0,
      0xdc,
      3,
      0xe8,
      ...Array.from({ length: 1000 }, () => one).flat(),
    );
    const growth = peakGrowth(() => {
      const arrays = decodeValue(bytes, undefined) as unknown[][];
      expect(arrays[999]?.length).toBe(0x1ffffff);
    });
    expect(growth).toBeLessThan(64 * 1024 * 1024);
  });
});

function peakGrowth(run: () => void): number {
  const before = v8.getHeapStatistics();
  run();
  const after = v8.getHeapStatistics();
  return (
    after.total_heap_size + after.external_memory - before.total_heap_size - before.external_memory
  );
}

const LANGUAGE: ReadonlySet<unknown> = new Set([
  null,
  Object.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  RegExp.prototype,
  Number.prototype,
  String.prototype,
  Boolean.prototype,
  BigInt.prototype,
  ArrayBuffer.prototype,
  URL.prototype,
  URLSearchParams.prototype,
  Known.prototype,
  Buffer.prototype,
  DataView.prototype,
]);

function onlyKnownClasses(root: unknown): void {
  const seen = new Set<object>();
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    expect(typeof value).not.toBe("function");
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (!LANGUAGE.has(prototype) && !(value instanceof Error) && !ArrayBuffer.isView(value)) {
      throw new TypeError(`An object of an unexpected class came out: ${String(prototype)}`);
    }
    if (ArrayBuffer.isView(value)) continue;
    if (value instanceof Map) stack.push(...value.keys(), ...value.values());
    if (value instanceof Set) stack.push(...value);
    stack.push(...Object.values(value));
  }
}
