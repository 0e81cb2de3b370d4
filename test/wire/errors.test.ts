import assert from "node:assert";
import { readFileSync } from "node:fs";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import * as own from "../../dist/errors/index.js";
import { registerClass } from "../../dist/wire/class-registry.js";
import { decodeThrown, encodeThrown, joinStacks } from "../../dist/wire/error-codec.js";
import { framed, viaProcess } from "./round-trip.ts";

function thrown(value: unknown): Error {
  return decodeThrown(...framed(encodeThrown(value, { destination: "process", root: "error" })));
}

describe("errors on their way", () => {
  test("an error of another copy of the package arrives as this copy's class", async () => {
    const other = (await import(new URL("../../lib/index.js", import.meta.url).href)) as {
      TimeoutError: new (message: string) => Error;
    };
    const error = new other.TimeoutError("late");
    expect(error).not.toBeInstanceOf(own.TimeoutError);
    expect(thrown(error)).toBeInstanceOf(own.TimeoutError);
  });

  test("every class of the language arrives as itself", () => {
    for (const Class of [
      Error,
      EvalError,
      RangeError,
      ReferenceError,
      SyntaxError,
      TypeError,
      URIError,
    ]) {
      const sent = new Class("what happened", { cause: { detail: [1] } });
      const got = thrown(sent);
      expect(Object.getPrototypeOf(got)).toBe(Class.prototype);
      expect(Object.prototype.toString.call(got)).toBe("[object Error]");
      expect([got.name, got.message, got.stack, got.cause]).toEqual([
        sent.name,
        sent.message,
        sent.stack,
        sent.cause,
      ]);
      expect(Object.keys(got)).toEqual([]);
    }
  });

  test("every class of this package arrives as itself", () => {
    const { ManycoreError: _, ...classes } = own;
    expect(Object.keys(classes).length).toBeGreaterThan(15);
    for (const Class of Object.values(classes)) {
      const sent = new Class("what happened");
      const got = thrown(sent);
      expect(got).toBeInstanceOf(Class);
      expect(got).toBeInstanceOf(own.ManycoreError);
      expect([got.name, got.message, got.stack]).toEqual([sent.name, sent.message, sent.stack]);
      expect(Object.entries(got)).toEqual(Object.entries(sent));
      expect(Object.keys(got)).toEqual(Object.keys(sent));
    }
  });

  test("properties that are not enumerable arrive, and stay so", () => {
    const sent = new Error("both");
    Object.defineProperty(sent, "suppressed", { value: new RangeError("body") });
    Object.defineProperty(sent, "code", { value: "E_X" });
    const got = thrown(sent) as Error & { suppressed: Error; code: string };
    expect(got.suppressed).toBeInstanceOf(RangeError);
    expect(got.suppressed.message).toBe("body");
    expect(got.code).toBe("E_X");
    expect(Object.keys(got)).toEqual([]);
  });

  test("errors of Node and the platform arrive as themselves", () => {
    let assertion: Error | undefined;
    try {
      assert.deepStrictEqual({ a: 1 }, { a: 2 });
    } catch (error) {
      assertion = error as Error;
    }
    const got = thrown(assertion) as assert.AssertionError;
    expect(got).toBeInstanceOf(assert.AssertionError);
    expect(got).toMatchObject({ code: "ERR_ASSERTION", actual: { a: 1 }, expected: { a: 2 } });
    expect([got.name, got.message, got.stack]).toEqual([
      assertion?.name,
      assertion?.message,
      assertion?.stack,
    ]);
    let system: unknown;
    try {
      readFileSync("/does/not/exist");
    } catch (error) {
      system = error;
    }
    expect(thrown(system)).toMatchObject({ code: "ENOENT", syscall: "open", errno: -2 });
    const aborted = thrown(new DOMException("stop", "AbortError")) as DOMException;
    expect(aborted).toBeInstanceOf(DOMException);
    expect([aborted.name, aborted.code]).toEqual(["AbortError", 20]);
    const many = thrown(new AggregateError([new TypeError("t"), 5], "m")) as AggregateError;
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors).toEqual([new TypeError("t"), 5]);
  });

  test("errors of another realm arrive as the classes of this one", () => {
    for (const name of ["TypeError", "RangeError", "AggregateError"]) {
      const got = thrown(
        vm.runInNewContext(`new ${name}(${name === "AggregateError" ? "[]" : ""})`),
      );
      expect(got).toBeInstanceOf((globalThis as unknown as Record<string, typeof Error>)[name]);
    }
  });

  test("an error that is its own cause arrives as one", () => {
    const sent = new Error("self");
    sent.cause = sent;
    const got = thrown(sent);
    expect(got.cause).toBe(got);
  });

  test("an error of a class that this side does not have arrives as an Error of that name", () => {
    const name = "NewerNodeError";
    class Newer extends Error {}
    Object.defineProperty(Newer, "name", { value: name });
    const sent = Object.assign(new Newer("n"), { name });
    expect(Object.getPrototypeOf(thrown(sent))).toBe(Error.prototype);
    expect(thrown(sent).name).toBe(name);
  });

  test("the details of a worker's crash arrive with its error", () => {
    const got = thrown(
      new own.WorkerCrashedError("gone", { signal: "SIGKILL", pid: 12, task: "square" }),
    );
    expect(got).toMatchObject({
      code: "ERR_MANYCORE_WORKER_CRASHED",
      signal: "SIGKILL",
      pid: 12,
      task: "square",
    });
  });

  test("an AggregateError keeps its errors, each of its class", () => {
    const sent = new AggregateError(
      [new TypeError("a"), "b", new AggregateError([new RangeError("c")])],
      "all failed",
    );
    const got = thrown(sent) as AggregateError;
    expect(got).toBeInstanceOf(AggregateError);
    expect(got.errors[0]).toBeInstanceOf(TypeError);
    expect(got.errors[1]).toBe("b");
    expect((got.errors[2] as AggregateError).errors[0]).toBeInstanceOf(RangeError);
    expect(Object.keys(got)).toEqual([]);
  });

  test("what an aborted operation rejects with arrives as a DOMException", () => {
    for (const sent of [
      AbortSignal.abort().reason as DOMException,
      new DOMException("late", "TimeoutError"),
    ]) {
      const got = thrown(sent) as DOMException;
      expect(got).toBeInstanceOf(DOMException);
      expect([got.name, got.message, got.code, got.stack]).toEqual([
        sent.name,
        sent.message,
        sent.code,
        sent.stack,
      ]);
    }
  });

  test("an error of Node keeps its code and fields", () => {
    const sent = Object.assign(new Error("ENOENT: no such file"), {
      code: "ENOENT",
      errno: -2,
      syscall: "open",
      path: "x",
    });
    expect(thrown(sent)).toMatchObject({ code: "ENOENT", errno: -2, syscall: "open", path: "x" });
  });

  test("an error of an unknown class keeps its name, its fields and the nearest known class", () => {
    class HttpError extends TypeError {
      readonly status = 404;
      constructor(message: string) {
        super(message);
        this.name = "HttpError";
      }
    }
    const got = thrown(new HttpError("not found"));
    expect(Object.getPrototypeOf(got)).toBe(TypeError.prototype);
    expect(got.name).toBe("HttpError");
    expect(got).toMatchObject({ message: "not found", status: 404 });
  });

  test("a registered error class arrives as itself without its constructor being run", () => {
    let made = 0;
    class Refused extends RangeError {
      readonly limit: number;
      constructor(limit: number) {
        super(`above ${limit}`);
        made++;
        this.limit = limit;
      }
      get hint(): string {
        return `try ${this.limit}`;
      }
    }
    registerClass(Refused, { name: "test.Refused" });
    const got = thrown(new Refused(7)) as Refused;
    expect(got).toBeInstanceOf(Refused);
    expect([got.limit, got.hint, got.message, made]).toEqual([7, "try 7", "above 7", 1]);
  });

  test("parts that cannot travel become words and the rest arrives", () => {
    const sent = Object.assign(new Error("kept", { cause: Symbol("why") }), {
      callback() {},
      context: { socket: { write: () => {} } },
      list: [1, 2],
    });
    Object.defineProperty(sent, "bad", {
      get: () => {
        throw new Error("no");
      },
      enumerable: true,
    });
    const got = thrown(sent) as typeof sent;
    expect(got.message).toBe("kept");
    expect(got.cause).toBe("[symbol Symbol(why)]");
    expect(got).toHaveProperty("callback", "[function callback]");
    expect(got.context).toBe("[object Object]");
    expect(got.list).toEqual([1, 2]);
    expect(got).toHaveProperty("bad", "[bad cannot be read]");
  });

  test("a part that failed half-way does not disturb references in those that follow", () => {
    const shared = { n: 1 };
    const buffer = new Uint8Array(100_000).buffer;
    const sent = Object.assign(new Error("kept"), {
      bad: [shared, new Uint8Array(buffer), Array.from({ length: 20 }, () => ({})), () => {}],
      good: [shared, shared, new Uint8Array(buffer, 8, 8)],
    });
    const { good } = thrown(sent) as typeof sent;
    expect(good[0]).toEqual({ n: 1 });
    expect(good[1]).toBe(good[0]);
    expect((good[2] as Uint8Array).length).toBe(8);
  });

  test("causes go round in circles if they did", () => {
    const a = new Error("a");
    const b = new TypeError("b", { cause: a });
    a.cause = b;
    const got = thrown(a);
    expect((got.cause as Error).message).toBe("b");
    expect((got.cause as Error).cause).toBe(got);
  });

  test("errors inside values arrive as errors", () => {
    const error = new RangeError("inside");
    const got = viaProcess({ error, again: [error], map: new Map([["e", error]]) }) as {
      error: Error;
      again: Error[];
    };
    expect(got.error).toBeInstanceOf(RangeError);
    expect(got.again[0]).toBe(got.error);
  });

  test("an error of another realm arrives as an error", () => {
    const got = thrown(vm.runInNewContext("new TypeError('elsewhere')"));
    expect(got).toBeInstanceOf(Error);
    expect([got.name, got.message]).toEqual(["TypeError", "elsewhere"]);
  });

  test("errors that fight back still arrive in words", () => {
    const hostile = new Error("x");
    for (const key of ["stack", "message", "name", "cause", "code"]) {
      Object.defineProperty(hostile, key, {
        get: () => {
          throw new Error("no");
        },
        enumerable: true,
      });
    }
    expect(thrown(hostile)).toBeInstanceOf(Error);
    const odd = Object.assign(new Error("m"), { name: 5, stack: undefined });
    expect(thrown(odd)).toMatchObject({ message: "m", name: "[number 5]" });
    class Stubborn extends Error {}
    registerClass(Stubborn, {
      name: "test.Stubborn",
      encode: () => () => {},
      decode: () => new Stubborn(),
    });
    expect(thrown(new Stubborn("tell me")).message).toMatch(
      /^tell me \(the error itself could not be sent/,
    );
  });

  test("causes nested too deeply are cut where the stack ends", () => {
    let deep = new Error("bottom");
    for (let i = 0; i < 100_000; i++) deep = new Error("level", { cause: deep });
    expect(thrown(deep).message).toBe("level");
  });
});

describe("values that are thrown and are no errors", () => {
  test.each([[undefined], [null], [0], [-0], [""], ["text"], [false], [10n], [{ a: 1 }], [[1]]])(
    "%o is the cause of a RemoteError",
    (value) => {
      const got = thrown(value);
      expect(got).toBeInstanceOf(own.RemoteError);
      expect(Object.hasOwn(got, "cause")).toBe(true);
      expect(got.cause).toEqual(value);
    },
  );

  test("one that cannot travel is told in words", () => {
    expect(thrown(function oops() {})).toMatchObject({
      code: "ERR_MANYCORE_REMOTE",
      cause: "[function oops]",
    });
    expect(thrown(Symbol("s")).cause).toBe("[symbol Symbol(s)]");
  });

  test("bytes that are no error become the error that says so", () => {
    expect(decodeThrown(Uint8Array.of(9, 9), undefined)).toBeInstanceOf(own.SerializationError);
  });
});

describe("joinStacks", () => {
  const caller = "Error: ignored\n    at submit (app.js:1:1)\n    at main (app.js:2:2)";

  test("it puts the boundary and the caller's frames below the worker's", () => {
    const error = new Error("x");
    error.stack = "Error: x\n    at task (task.js:3:3)";
    joinStacks(error, caller, "process worker 2 (pid 812) [manycore]");
    expect(error.stack.split("\n")).toEqual([
      "Error: x",
      "    at task (task.js:3:3)",
      "    at process worker 2 (pid 812) [manycore]",
      "    at submit (app.js:1:1)",
      "    at main (app.js:2:2)",
    ]);
    expect(Object.keys(error)).toEqual([]);
  });

  test("it works without a caller, without a stack, and leaves frozen errors alone", () => {
    const bare = new Error("x");
    delete bare.stack;
    joinStacks(bare, undefined, "thread 1");
    expect(bare.stack).toBe("Error: x\n    at thread 1");
    const frozen = Object.freeze(new Error("y"));
    const before = frozen.stack;
    joinStacks(frozen, caller, "thread 1");
    expect(frozen.stack).toBe(before);
  });
});
