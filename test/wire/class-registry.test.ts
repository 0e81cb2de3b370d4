import { describe, expect, test } from "vitest";
import { InvalidStateError, SerializationError } from "../../dist/errors/index.js";
import { registerClass } from "../../dist/wire/class-registry.js";
import { encodeValue, decodeValue } from "../../dist/wire/codec.js";
import { viaProcess } from "./round-trip.ts";

/** A query makes the loader evaluate the module once more. */
const SECOND_COPY = "../../dist/wire/class-registry.js?second-copy" as string;

class Point {
  x: number;
  y: unknown;
  constructor(x: number, y: unknown) {
    this.x = x;
    this.y = y;
  }
  get norm(): number {
    return this.x * 2;
  }
}
registerClass(Point);

class Money {
  readonly #cents: bigint;
  constructor(cents: bigint) {
    this.#cents = cents;
  }
  get cents(): bigint {
    return this.#cents;
  }
}
registerClass(Money, {
  name: "test.Money",
  encode: (money) => ({ cents: money.cents }),
  decode: (data: { cents: bigint }) => new Money(data.cents),
});

describe("registerClass", () => {
  test("instances arrive as instances, with their fields", () => {
    const got = viaProcess([new Point(2, "z")]) as [Point];
    expect(got[0]).toBeInstanceOf(Point);
    expect(got[0]).toEqual(new Point(2, "z"));
    expect(got[0].norm).toBe(4);
  });

  test("instances that hold themselves, and one met twice, stay one", () => {
    const point = new Point(1, null);
    point.y = [point];
    const got = viaProcess([point, point]) as [Point, Point];
    expect(got[1]).toBe(got[0]);
    expect((got[0].y as Point[])[0]).toBe(got[0]);
  });

  test("encode and decode carry what fields do not show", () => {
    const money = new Money(12n);
    const got = viaProcess({ a: money, b: money }) as Record<string, Money>;
    expect(got["a"]).toBeInstanceOf(Money);
    expect(got["a"]?.cents).toBe(12n);
    expect(got["b"]).toBe(got["a"]);
  });

  test("only one of encode and decode is enough", () => {
    class Half {
      value = 1;
    }
    registerClass(Half, { name: "test.Half", encode: () => ({ value: 5 }) });
    expect(viaProcess(new Half())).toEqual(Object.assign(new Half(), { value: 5 }));
    class Other {
      value = 1;
      made = "plainly";
    }
    registerClass(Other, {
      name: "test.Other",
      decode: (data: Other) => Object.assign(new Other(), data, { made: "by decode" }),
    });
    expect(viaProcess(new Other())).toEqual(Object.assign(new Other(), { made: "by decode" }));
  });

  test("a class that is async iterable or a Map decides for itself", () => {
    class Feed {
      source = "url";
      async *[Symbol.asyncIterator](): AsyncGenerator<number> {
        yield 1;
      }
    }
    registerClass(Feed, { name: "test.Feed" });
    expect(viaProcess(new Feed())).toBeInstanceOf(Feed);
    class Table extends Map<string, number> {}
    registerClass(Table, {
      name: "test.Table",
      encode: (table) => [...table],
      decode: (data: [string, number][]) => new Table(data),
    });
    expect(viaProcess(new Table([["a", 1]]))).toEqual(new Table([["a", 1]]));
  });

  test("setters of the class do not run when fields arrive", () => {
    let ran = 0;
    class Guarded {
      constructor() {
        Object.defineProperty(this, "level", { value: 3, enumerable: true });
      }
      set level(_: number) {
        ran++;
      }
      get level(): number {
        return 0;
      }
    }
    registerClass(Guarded, { name: "test.Guarded" });
    expect((viaProcess(new Guarded()) as Guarded).level).toBe(3);
    expect(ran).toBe(0);
  });

  test("data of encode that holds the instance itself is refused", () => {
    class Loop {
      field = 1;
    }
    registerClass(Loop, { name: "test.Loop", encode: (loop) => ({ loop }) });
    expect(() => viaProcess([new Loop()])).toThrow(/args\[0\].*holds the instance itself/);
  });

  test("what encode throws or returns in vain is named with its path", () => {
    class Bad {
      field = 1;
    }
    registerClass(Bad, {
      name: "test.Bad",
      encode: () => {
        throw new Error("not today");
      },
    });
    expect(() => viaProcess({ a: new Bad() })).toThrow("args.a could not be encoded: not today");
    class Worse {
      field = 1;
    }
    registerClass(Worse, { name: "test.Worse", encode: () => ({ f() {} }) });
    expect(() => viaProcess({ a: new Worse() })).toThrow("args.a.f is a function");
  });

  test("what decode throws is the cause of a SerializationError", () => {
    class Frail {
      field = 1;
    }
    const reason = new Error("cannot live here");
    registerClass(Frail, {
      name: "test.Frail",
      decode: () => {
        throw reason;
      },
    });
    const { bytes } = encodeValue(new Frail(), { destination: "process", root: "args" });
    expect(() => decodeValue(bytes, undefined)).toThrow(
      expect.objectContaining({ code: "ERR_MANYCORE_SERIALIZATION", cause: reason }),
    );
  });

  test("a class unknown on this side is named, with what to do", () => {
    class Gone {
      field = 1;
    }
    registerClass(Gone, { name: "test.Gone1" });
    const { bytes } = encodeValue(new Gone(), { destination: "process", root: "args" });
    registerClass(Gone, { name: "test.Gone2" });
    expect(() => decodeValue(bytes, undefined)).toThrow(SerializationError);
    expect(() => decodeValue(bytes, undefined)).toThrow(
      /"test\.Gone1".*registerClass in a module that both sides import/,
    );
  });

  test("a name belongs to one class, and a class may be registered again", () => {
    class Impostor {
      x = 1;
    }
    const Nameless = (() =>
      class {
        x = 1;
      })();
    registerClass(Point);
    expect(() => registerClass(Impostor, { name: "Point" })).toThrow(InvalidStateError);
    expect(() => registerClass(Nameless)).toThrow(TypeError);
    expect(() => registerClass(Point, { encode: 1 as never })).toThrow("`encode`");
    expect(() => registerClass((() => {}) as never)).toThrow(TypeError);
  });

  test("two copies of the package share the registry", async () => {
    const second = (await import(SECOND_COPY)) as {
      registerClass: typeof registerClass;
    };
    expect(second.registerClass).not.toBe(registerClass);
    class Shared {
      a = 1;
    }
    second.registerClass(Shared, { name: "test.Shared" });
    expect(viaProcess(new Shared())).toBeInstanceOf(Shared);
  });
});
