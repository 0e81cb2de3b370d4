import { describe, expect, test } from "vitest";
import { SerializationError } from "../../dist/errors/index.js";
import { encodeValue, type StreamPort } from "../../dist/wire/codec.js";
import { viaProcess } from "./round-trip.ts";

function failureOf(value: unknown): SerializationError {
  try {
    encodeValue(value, { destination: "process", root: "args" });
  } catch (error) {
    if (error instanceof SerializationError) return error;
    throw error;
  }
  throw new Error("The value was encoded");
}

const f = (): void => {};
const cyclic: Record<string, unknown> = { a: {} };
cyclic["self"] = cyclic;
cyclic["z"] = f;

const rows: [what: string, value: unknown, path: string, reason: string][] = [
  ["a function", [{ callback: f }], "args[0].callback", "is a function"],
  [
    "a class",
    [
      class Thing {
        x = 1;
      },
    ],
    "args[0]",
    "is a class",
  ],
  ["a symbol", { a: { "b c": Symbol("s") } }, 'args.a["b c"]', "is a symbol"],
  ["a boxed symbol", [Object(Symbol("s"))], "args[0]", "is a symbol"],
  ["a promise", [1, [Promise.resolve()]], "args[1][0]", "await it"],
  ["a weak map", [new WeakMap()], "args[0]", "is a WeakMap"],
  ["a weak reference", [new WeakRef({})], "args[0]", "is a WeakRef"],
  ["a generator", [(function* () {})()], "args[0]", "spread it"],
  ["an iterator", [new Map().keys()], "args[0]", "spread it"],
  ["an async iterable", [(async function* () {})()], "args[0]", "is an async iterable"],
  [
    "an object that is an async iterable",
    [{ [Symbol.asyncIterator]: f }],
    "args[0]",
    "is an async iterable",
  ],
  ["a web stream", [new ReadableStream()], "args[0]", "is a stream"],
  [
    "an abort signal",
    [{ signal: new AbortController().signal }],
    "args[0].signal",
    "is an AbortSignal",
  ],
  ["a formatter", [new Intl.NumberFormat()], "args[0]", "Intl.NumberFormat"],
  ["the value of a map", [new Map([["key", f]])], 'args[0].get("key")', "is a function"],
  ["the key of a map", [new Map([[f, 1]])], "[...args[0].keys()][0]", "is a function"],
  ["an element of a set", [new Set([1, f])], "[...args[0]][1]", "is a function"],
  [
    "a field of an instance",
    [
      new (class Job {
        run = f;
      })(),
    ],
    "args[0].run",
    "is a function",
  ],
  ["something behind a cycle", cyclic, "args.z", "is a function"],
  [
    "a method of a bare object",
    [Object.assign(Object.create(null), { f })],
    "args[0].f",
    "is a function",
  ],
];

describe("what cannot travel", () => {
  test.each(rows)("%s is refused with its path", (_, value, path, reason) => {
    const error = failureOf(value);
    expect(error.code).toBe("ERR_MANYCORE_SERIALIZATION");
    expect(error.path).toBe(path);
    expect(error.message).toContain(`${path} `);
    expect(error.message).toContain(reason);
  });

  test("the first of several is named", () => {
    expect(failureOf([{ ok: 1 }, { x: [f] }, { y: f }]).path).toBe("args[1].x[0]");
  });

  test("a getter that throws is named, with its error", () => {
    const error = failureOf({
      a: {
        get b(): never {
          throw new Error("no entry");
        },
      },
    });
    expect(error.path).toBe("args.a.b");
    expect(error.message).toContain("no entry");
  });

  test("a revoked proxy is refused and not a crash", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(failureOf([proxy])).toBeInstanceOf(SerializationError);
  });

  test("a value nested too deeply for the stack is refused", () => {
    let deep: unknown = 0;
    for (let i = 0; i < 1_000_000; i++) deep = [deep];
    expect(failureOf(deep).message).toContain("nested too deeply");
    expect(viaProcess([1])).toEqual([1]);
  });

  test("a function is found below a value that is nest of many levels", () => {
    let deep: unknown = f;
    for (let i = 0; i < 500; i++) deep = { next: deep };
    expect(failureOf(deep).path).toBe(`args${".next".repeat(500)}`);
  });
});

describe("streams", () => {
  test("async iterables and web streams go through the stream port", () => {
    const exported: [unknown, string][] = [];
    const streams: StreamPort = {
      exportStream: (source, kind) => exported.push([source, kind]) + 99,
      importStream: (id, kind) => ({ id, kind }) as unknown as AsyncIterable<unknown>,
    };
    const generator = (async function* () {})();
    const web = new ReadableStream();
    expect(viaProcess({ generator, again: generator, web }, { streams })).toEqual({
      generator: { id: 100, kind: "iterable" },
      again: { id: 100, kind: "iterable" },
      web: { id: 101, kind: "readable" },
    });
    expect(exported).toEqual([
      [generator, "iterable"],
      [web, "readable"],
    ]);
  });
});
