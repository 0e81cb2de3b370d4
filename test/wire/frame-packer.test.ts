import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SerializationError } from "../../dist/errors/index.js";
import { isPlain, packFrame, unpackFrame } from "../../dist/wire/codec.js";

const scalar = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, "\ud800"),
);
const bytes = fc.uint8Array({ maxLength: 300 });
const { frame } = fc.letrec<{ frame: unknown[]; item: unknown }>((tie) => ({
  item: fc.oneof({ depthSize: "small" }, scalar, bytes, tie("frame")),
  frame: fc.array(tie("item"), { maxLength: 20 }),
}));

describe("packFrame and unpackFrame", () => {
  test("they give back what was packed", () => {
    fc.assert(
      fc.property(frame, (sent) => {
        expect(bare(unpackFrame(packFrame(sent)))).toEqual(bare(sent));
      }),
      { numRuns: 1000 },
    );
  });

  test("they speak MessagePack, so that its tools can read what we send", () => {
    // [item, its encoding in the specification of MessagePack]
    const vectors: [unknown, string][] = [
      [0, "00"],
      [127, "7f"],
      [128, "cc80"],
      [256, "cd0100"],
      [65_536, "ce00010000"],
      [2 ** 32 - 1, "ceffffffff"],
      [-1, "ff"],
      [-32, "e0"],
      [-33, "d0df"],
      [-129, "d1ff7f"],
      [-32_769, "d2ffff7fff"],
      [1.5, "cb3ff8000000000000"],
      [-0, "cb8000000000000000"],
      [null, "c0"],
      [false, "c2"],
      [true, "c3"],
      ["", "a0"],
      ["é", "a2c3a9"],
      ["x".repeat(32), `d920${"78".repeat(32)}`],
      ["ł".repeat(200), `da0190${"c582".repeat(200)}`],
      [[1, [2]], "92019102"],
      [Array.from({ length: 16 }, () => 0), `dc0010${"00".repeat(16)}`],
      [Uint8Array.of(1, 2), "c4020102"],
      [new Uint8Array(256), `c50100${"00".repeat(256)}`],
    ];
    for (const [item, hex] of vectors) {
      expect(Buffer.from(packFrame([item])).toString("hex")).toBe(`91${hex}`);
      expect(bare(unpackFrame(Buffer.from(`91${hex}`, "hex")))).toEqual(bare([item]));
    }
  });

  test("long lists of numbers travel as columns, and arrive as they were", () => {
    const integer = fc.oneof(
      fc.integer(),
      fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53),
    );
    const number = fc.oneof(integer, fc.double(), fc.constantFrom(-0, NaN, Infinity));
    const list = fc.oneof(
      fc.array(integer, { minLength: 30, maxLength: 300 }),
      fc.array(number, { minLength: 30, maxLength: 300 }),
      fc.array(fc.oneof({ weight: 60, arbitrary: integer }, scalar), { minLength: 30 }),
    );
    fc.assert(
      fc.property(list, list, (some, others) => {
        expect(bare(unpackFrame(packFrame([some, "x", others])))).toEqual(
          bare([some, "x", others]),
        );
      }),
      { numRuns: 1000 },
    );
    const thousand = Array.from({ length: 1000 }, (_, i) => i * 1000);
    expect(packFrame([thousand]).length).toBeLessThan(4 * 1000 + 20);
  });

  test("a list of numbers with a hole is no column", () => {
    const holed = Array.from({ length: 40 }, (_, i) => i);
    Reflect.deleteProperty(holed, "20");
    const [read] = unpackFrame(packFrame([holed])) as [unknown[]];
    expect(read[20]).toBeUndefined();
    expect(read.length).toBe(40);
  });

  test("random and mutated bytes give a SerializationError or a frame", () => {
    const mutated = fc
      .tuple(
        frame,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
      )
      .map(([sent, edits]) => {
        const packed = Uint8Array.from(packFrame(sent));
        for (const [at, value] of edits) packed[at % packed.length] = value;
        return packed;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (input) => {
        try {
          unpackFrame(input);
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("a frame that announces more than it holds, or nests without end, is refused", () => {
    for (const input of [
      [0xdd, 255, 255, 255, 255],
      [0xc6, 255, 255, 255, 255],
      [0xdb, 255, 255, 255, 255],
      [0xdc, 255],
      // Columns: of 2^32 - 1 integers, of as many numbers, of a kind there is not.
      [0x91, 0xc1, 22, 0, 0xce, 255, 255, 255, 255, 1, 2, 3, 4],
      [0x91, 0xc1, 22, 1, 0xce, 255, 255, 255, 255, 1, 2, 3, 4],
      [0x91, 0xc1, 22, 2, 1, 1, 2, 3, 4],
    ]) {
      expect(() => unpackFrame(Uint8Array.from(input))).toThrow(SerializationError);
    }
    expect(() => unpackFrame(new Uint8Array(1_000_000).fill(0x91))).toThrow(SerializationError);
  });

  test("byte arrays are views of the frame", () => {
    const packed = packFrame([Uint8Array.of(1, 2, 3)]);
    expect((unpackFrame(packed) as [Uint8Array])[0].buffer).toBe(packed.buffer);
  });

  test("anything else is refused, and the next frame is none the worse", () => {
    for (const item of [{}, 1n, Symbol("s"), () => {}, new Map()]) {
      expect(() => packFrame(["x".repeat(10_000), item])).toThrow(SerializationError);
    }
    expect(unpackFrame(packFrame([1]))).toEqual([1]);
  });

  test("large frames have memory of their own, so that posting them copies nothing else", () => {
    const packed = packFrame([new Uint8Array(20_000)]);
    expect(packed.buffer.byteLength).toBe(packed.length);
  });
});

describe("isPlain", () => {
  test("it is true for exactly what a frame carries as it is", () => {
    for (const value of [null, undefined, true, 0, -0, NaN, Infinity, "", "x".repeat(65_535)]) {
      expect(isPlain(value)).toBe(true);
      expect(Object.is((unpackFrame(packFrame([value])) as [unknown])[0], value)).toBe(true);
    }
    for (const value of ["x".repeat(65_536), 1n, {}, [], Symbol("s"), () => {}])
      expect(isPlain(value)).toBe(false);
  });
});

/** Byte arrays without their class: a view of a Buffer is a Buffer. */
function bare(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  return Array.isArray(value) ? value.map(bare) : value;
}
