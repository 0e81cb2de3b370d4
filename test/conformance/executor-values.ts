import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Executor,
  Future,
  inline,
  RemoteError,
  SerializationError,
  TaskNotFoundError,
  tasks,
} from "manycore";
import { type KindName, type Make, rejection } from "../executor/kit.ts";
import defaultExport, * as work from "../fixtures/executor/work.js";

const refs = tasks<typeof work>(new URL("../fixtures/executor/work.js", import.meta.url));

export function testValues(kind: KindName, make: Make): void {
  let executor: Executor;
  beforeAll(() => {
    executor = make({ maxWorkers: 2 });
  });
  afterAll(() => executor.terminate());

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a boolean", true],
    ["negative zero", -0],
    ["NaN", NaN],
    ["a bigint beyond 64 bits", 2n ** 100n],
    ["text beyond the basic plane", "grüß 😀 \0"],
    ["nested objects", { a: [1, { b: [[]] }], c: undefined }],
    ["a sparse array", [1, , 3]], // oxlint-disable-line no-sparse-arrays
    ["a Map and a Set", new Map<unknown, unknown>([["k", new Set([1, "two"])]])],
    ["a Date", new Date(86_400_000)],
    ["a RegExp", /a+b/giu],
    ["a URL", new URL("https://example.org/a?b=c")],
    ["bytes", new Uint8Array([1, 2, 255])],
    ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
    ["a null prototype", Object.assign(Object.create(null) as object, { a: 1 })],
    ["an Error as a value", new RangeError("not thrown")],
  ])("%s comes back equal", async (_name, value) => {
    expect(await executor.submit(work.echo, value)).toStrictEqual(value);
    expect(await executor.submit(work.later, value)).toStrictEqual(value);
  });

  test("one object passed twice arrives as one object, cycles included", async () => {
    const shared: Record<string, unknown> = { n: 1 };
    shared["self"] = shared;
    const [a, b] = (await executor.submit(work.all, shared, shared)) as (typeof shared)[];
    expect(a).toBe(b);
    expect(a?.["self"]).toBe(a);
    expect(a).not.toBe(shared);
  });

  test("a megabyte each way arrives whole", async () => {
    const bytes = new Uint8Array(1_000_000).map((_, i) => i % 251);
    const text = "é".repeat(500_000);
    const back = (await executor.submit(work.echo, bytes)) as Uint8Array;
    expect(Buffer.compare(back, bytes)).toBe(0);
    expect((await executor.submit(work.echo, text)) === text).toBe(true);
  });

  test("arguments are copied at the call: later changes do not travel", async () => {
    const list = [1, 2, 3];
    const bytes = new Uint8Array([1]);
    const futures = [executor.submit(work.echo, list), executor.submit(work.echo, bytes)] as const;
    list.push(4);
    bytes[0] = 9;
    expect(await futures[0]).toEqual([1, 2, 3]);
    expect(await futures[1]).toEqual(new Uint8Array([1]));
  });

  test("a result is a copy: the task's own object stays the task's", async () => {
    const value = { a: 1 };
    expect(await executor.submit(work.echo, value)).not.toBe(value);
  });

  test("a buffer in `transfer` is moved, and is empty here afterwards", async () => {
    const buffer = new Uint8Array([7, 8]).buffer;
    const moved = executor.with({ transfer: [buffer] }).submit(work.echo, buffer);
    expect(new Uint8Array((await moved) as ArrayBuffer)).toEqual(new Uint8Array([7, 8]));
    if (kind !== "inline") expect(buffer.byteLength).toBe(0);
  });

  test("default exports, references and inline functions run", async () => {
    expect(await executor.submit(defaultExport)).toBe("default");
    expect(await executor.submit(refs.add, 2, 3)).toBe(5);
    expect(
      await executor.submit(
        inline((x: number) => x + 1),
        1,
      ),
    ).toBe(2);
  });

  test("thousands of small calls each get their own answer", async () => {
    const futures = Array.from({ length: 3000 }, (_, i) => executor.submit(work.square, i));
    expect(await Promise.all(futures)).toEqual(Array.from({ length: 3000 }, (_, i) => i * i));
  });

  // ---- errors

  test("an error arrives as itself: class, code, fields, cause", async () => {
    const error = await rejection(executor.submit(work.fail, "bad"));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "bad", code: "E_BAD", detail: { n: 1 } });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect((error.cause as Error).message).toBe("the cause");
  });

  test("its stack begins where it was thrown and goes on where the task was submitted", async () => {
    const error = await rejection(executor.submit(work.fail, "deep"));
    const lines = (error.stack as string).split("\n");
    expect(lines[0]).toBe("RangeError: deep");
    expect(lines[1]).toMatch(/at fail .*work\.js/);
    expect(error.stack).toMatch(
      new RegExp(`at ${kind} worker "[^"]+"[\\s\\S]*executor-values\\.ts`),
    );
  });

  test("a rejected promise counts as thrown", async () => {
    const error = await rejection(executor.submit(work.failLater, "later"));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.stack).toContain("executor-values.ts");
  });

  test.each([undefined, null, 0, "", false, "text", { a: 1 }])(
    "a thrown %j arrives as the cause of a RemoteError",
    async (value) => {
      const error = await rejection(executor.submit(work.throwValue, value));
      expect(error).toBeInstanceOf(RemoteError);
      expect(error.code).toBe("ERR_MANYCORE_REMOTE");
      expect(error.cause).toEqual(value);
    },
  );

  test("a function that cannot be found again is refused with the ways out", async () => {
    const error = await rejection(executor.submit(work.hiddenFunction()));
    expect(error).toBeInstanceOf(TaskNotFoundError);
    expect(error.message).toContain('"hidden"');
    for (const way of ["export it", "task(import.meta", "tasks<typeof import(", "inline("]) {
      expect(error.message).toContain(way);
    }
  });

  test("something that is no function is refused with what it is", async () => {
    const error = await rejection(executor.submit(null as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("null");
  });

  test("a Future or an executor among the arguments is refused, not sent as an empty object", async () => {
    for (const own of [new Future(), executor]) {
      const error = await rejection<SerializationError>(executor.submit(work.echo, { own }));
      expect(error).toBeInstanceOf(SerializationError);
      expect(error.path).toBe("args[0].own");
    }
  });

  test("an argument that cannot travel is refused by its path, at once and for that task alone", async () => {
    const before = executor.submit(work.square, 2);
    const refused = executor.submit(work.echo, { a: [{ callback: () => {} }] });
    expect(refused.done).toBe(true);
    const error = await rejection<SerializationError>(refused);
    expect(error).toBeInstanceOf(SerializationError);
    expect(error.path).toBe("args[0].a[0].callback");
    expect(error.message).toContain("args[0].a[0].callback");
    expect(await before).toBe(4);
  });

  test("a result that cannot travel is refused by its path, and the worker lives on", async () => {
    const errors = await Promise.all(
      Array.from({ length: 20 }, () =>
        rejection<SerializationError>(executor.submit(work.returnFunction)),
      ),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(SerializationError);
      expect(error.path).toBe("result.inner[0]");
    }
    expect(executor.stats().crashed).toBe(0);
    expect(await executor.submit(work.square, 3)).toBe(9);
  });
}
