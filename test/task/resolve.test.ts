// oxlint-disable typescript/unbound-method -- methods as tasks are what is tested
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { identify, importModule, inline, task, tasks } from "../../dist/task/index.js";
import type { TaskIdentity } from "../../dist/task/index.js";
import { rewritten } from "./rewritten.ts";
import { fixture, TestWorker } from "./test-worker.ts";

type Fn = (...args: never[]) => unknown;

const ref = (file: string, name: string): TaskIdentity => ({
  kind: "export",
  module: fixture(file),
  name,
});

describe.each(["thread", "process"] as const)("resolveTask in a %s", (kind) => {
  let worker: TestWorker;
  beforeAll(() => {
    worker = new TestWorker(kind);
  });
  afterAll(() => worker.close());

  test.each([
    ["exports.js", "square", [3], 9],
    ["exports.js", "default", [1], 101],
    ["exports.js", "later", [1], 2],
    ["exports.js", "math.power", [2], 8],
    ["exports.js", "Counter.from", [5], 15],
    ["exports.js", "renamed", [1], "renamed 1"],
    ["exports.js", "count", [3], { streamed: [0, 1, 2] }],
    ["exports.js", "countLater", [2], { streamed: [0, 1] }],
    ["common.cjs", "square", [4], 16],
    ["common.cjs", "math.cube", [2], 8],
    ["single.cjs", "default", [1], 8],
    ["transpiled.cjs", "default", [1], 21],
    ["transpiled.cjs", "square", [5], 25],
    ["typed.ts", "square", [3], 9],
    ["typed.ts", "default", [3], 5],
    ["typed.mts", "half", [4], 2],
    ["typed.cts", "third", [9], 3],
    ["typed.tsx", "fourth", [8], 2],
    ["imports-typed.js", "quarter", [16], 4],
  ])("a worker runs %s %s", async (file, name, args, value) => {
    expect(await worker.run(ref(file, name), ...args)).toEqual({ value });
  });

  test("a worker finds again what identify found here", async () => {
    const esm = (await importModule(fixture("exports.js"))) as { math: { power: Fn } };
    expect(await worker.run(identify(esm.math.power), 3)).toEqual({ value: 27 });
    expect(await worker.run(identify(rewritten), 1)).toEqual({ value: 2 });
    const refs = tasks<{ square(x: number): number }>(new URL(fixture("typed.ts")));
    expect(await worker.run(identify(refs.square), 5)).toEqual({ value: 25 });
  });

  test("a worker runs functions of Node itself", async () => {
    expect(
      await worker.run({ kind: "export", module: "node:path", name: "basename" }, "/a/b"),
    ).toEqual({ value: "b" });
  });

  test("TypeScript that imports manycore gets the worker's own copy", async () => {
    expect(await worker.run(ref("typed.ts", "notFoundClass"))).toEqual({
      value: "the worker's own class",
    });
  });

  test("stacks point into the TypeScript source", async () => {
    const { error } = await worker.run(ref("typed.ts", "fail"));
    expect(error?.message).toBe("thrown in line 30");
    expect(error?.stack).toMatch(/at fail \(.*typed\.ts:30:\d+\)/);
  });

  test("registered functions are found by their order", async () => {
    const module = (await importModule(fixture("registered.js"))) as {
      give(): { registered: Fn; makers: Fn[]; again: Fn };
    };
    const { registered, makers, again } = module.give();
    expect(again).toBe(registered);
    expect(await worker.run(identify(registered), 1)).toEqual({ value: "first 1" });
    expect(await worker.run(identify(makers[1]!), 5)).toEqual({ value: 15 });
  });

  test("TypeScript registers with the whole import.meta", async () => {
    const identity = {
      kind: "registered",
      module: fixture("typed-registered.ts"),
      name: "",
      index: 1,
    } as const;
    expect(await worker.run(identity, 5)).toEqual({ value: 30 });
    const about = await worker.run(ref("typed-registered.ts", "about"));
    expect(about.value).toEqual({ url: fixture("typed-registered.ts"), same: true, isMain: false });
  });

  test("a registration made too late is explained", async () => {
    const { registerLate } = (await importModule(fixture("registered.js"))) as {
      registerLate(): Fn;
    };
    const { error } = await worker.run(identify(registerLate()));
    expect(error?.code).toBe("ERR_MANYCORE_TASK_NOT_FOUND");
    expect(error?.message).toMatch(
      /tooLate.*registered registered, \(anonymous\), \(anonymous\).*top level/s,
    );
  });

  test("a missing export is answered with the list of those there are", async () => {
    const { error } = await worker.run(ref("common.cjs", "nope"));
    expect(error).toMatchObject({ name: "TaskNotFoundError", code: "ERR_MANYCORE_TASK_NOT_FOUND" });
    expect(error?.message).toContain('exports no function "nope"');
    expect(error?.message).toContain("square");
  });

  test("inherited properties are no exports", async () => {
    const { error } = await worker.run(ref("common.cjs", "toString"));
    expect(error?.code).toBe("ERR_MANYCORE_TASK_NOT_FOUND");
  });

  test("malformed identities are refused", async () => {
    const { error } = await worker.run({ kind: "export", module: "https://x/y.js", name: "f" });
    expect(error?.code).toBe("ERR_MANYCORE_TASK_NOT_FOUND");
  });

  test("an error thrown by the module keeps its class and names the module, each time", async () => {
    for (let i = 0; i < 2; i++) {
      const { error } = await worker.run(ref("failing.js", "never"));
      expect(error?.name).toBe("RangeError");
      expect(error?.message).toBe(`Importing ${fixture("failing.js")} failed: no luck today`);
    }
  });

  test("a module that throws no error gives one", async () => {
    const { error } = await worker.run(ref("throws-string.js", "never"));
    expect(error?.message).toBe(`Importing ${fixture("throws-string.js")} threw just text`);
  });

  test.each(["missing.js", "missing.ts"])(
    "a module that is not there is named: %s",
    async (file) => {
      const { error } = await worker.run(ref(file, "f"));
      expect(error?.message).toContain(`Importing ${fixture(file)} failed: Cannot find module`);
      expect(error?.code).toBe("ERR_MODULE_NOT_FOUND");
    },
  );

  test("what an import sets in motion is told apart from the task, also long after the import", async () => {
    const left = { inTimer: true, inMain: true };
    expect(await worker.run(ref("importing.js", "seen"))).toEqual({
      value: { atLoad: true, afterAwait: true, ...left, now: false, still: false, main: false },
    });
  });

  test.skipIf(Number(process.versions.node.split(".")[0]) >= 24)(
    "an import that leaves nothing behind costs later promises nothing",
    async () => {
      const fresh = new TestWorker(kind);
      expect(await fresh.run(ref("leaves-nothing.js", "isFollowed"))).toEqual({ value: false });
      await fresh.close();
    },
  );

  test("the source text decides where identity could not be checked", async () => {
    const { createHash } = await import("node:crypto");
    const { default: fn } = (await importModule(fixture("exports.js"))) as { default: Fn };
    const source = createHash("sha1").update(Function.prototype.toString.call(fn)).digest("hex");
    const named = {
      kind: "export",
      module: fixture("exports.js"),
      name: "default",
      source,
    } as const;
    expect(await worker.run(named, 1)).toEqual({ value: 101 });
    // Another export has the text: that one is meant.
    expect(await worker.run({ ...named, name: "square" }, 1)).toEqual({
      value: 101,
    });
    const { error } = await worker.run({ ...named, source: "0".repeat(40) }, 1);
    expect(error?.message).toContain("with the text of the one that was passed");
  });
});

describe.each(["thread", "process"] as const)("inline functions in a %s", (kind) => {
  let worker: TestWorker;
  beforeAll(() => {
    worker = new TestWorker(kind);
  });
  afterAll(() => worker.close());

  const run = (fn: Fn, ...args: unknown[]): Promise<unknown> =>
    worker.run(identify(inline(fn)), ...args);
  const methods = {
    plain(x: number): number {
      return x + 1;
    },
    async later(x: number): Promise<number> {
      await Promise.resolve();
      return x + 2;
    },
    *count(n: number): Generator<number> {
      for (let i = 0; i < n; i++) yield i;
    },
    async *countLater(n: number): AsyncGenerator<number> {
      for (let i = 0; i < n; i++) yield i;
    },
    "quoted name"(x: number): number {
      return x;
    },
  };

  test.each([
    ["an arrow function", (x: number) => x * 2, 6],
    ["an async arrow function", async (x: number) => x * 2, 6],
    [
      "a function expression",
      function (x: number) {
        return x * 3;
      },
      9,
    ],
    [
      "a generator",
      function* (n: number) {
        for (let i = 0; i < n; i++) yield i;
      },
      { streamed: [0, 1, 2] },
    ],
    [
      "an async generator",
      async function* (n: number) {
        for (let i = 0; i < n; i++) yield i;
      },
      { streamed: [0, 1, 2] },
    ],
    ["a method", methods.plain, 4],
    ["an async method", methods.later, 5],
    ["a generator method", methods.count, { streamed: [0, 1, 2] }],
    ["an async generator method", methods.countLater, { streamed: [0, 1, 2] }],
    ["a method with a quoted name", methods["quoted name"], 3],
  ] as [string, Fn, unknown][])("one runs: %s", async (_what, fn, value) => {
    expect(await run(fn, 3)).toEqual({ value });
  });

  test("they import relative to the file that called inline, TypeScript and packages too", async () => {
    const { fn } = (await importModule(fixture("inline-imports.js"))) as { fn: Fn };
    expect(await run(fn)).toEqual({ value: [9, 2, "b", "function", `import("./no.js")`] });
  });

  test.each([
    ["called", () => missing()],
    [
      "awaited",
      async () => {
        await Promise.resolve();
        return missing();
      },
    ],
    [
      "streamed",
      function* () {
        yield missing();
      },
    ],
    [
      "streamed later",
      async function* () {
        yield missing();
      },
    ],
  ] as [string, Fn][])("they explain a ReferenceError when %s", async (_what, fn) => {
    const { error } = (await run(fn)) as { error: { name: string; message: string } };
    expect(error.name).toBe("ReferenceError");
    expect(error.message).toMatch(
      /missing is not defined\. Functions passed to inline\(\) see no variables from outside/,
    );
  });

  test("text that gives no function is refused", async () => {
    const identity = {
      kind: "inline",
      name: "x",
      source: "42",
      base: fixture("exports.js"),
    } as const;
    expect((await worker.run(identity)).error?.message).toContain("evaluates to number");
    expect((await worker.run({ ...identity, source: "((" })).error?.code).toBe(
      "ERR_MANYCORE_TASK_NOT_FOUND",
    );
  });
});

declare function missing(): never;

describe("inline", () => {
  test("it gives the function back, marked once", () => {
    const fn = (): number => 1;
    expect(inline(fn)).toBe(fn);
    const first = identify(fn);
    expect(identify(inline(fn))).toBe(first);
    expect(first).toMatchObject({ kind: "inline", name: "fn", base: import.meta.url });
  });

  class Plain {
    #secret = 1;
    read(): number {
      return this.#secret;
    }
  }
  test.each([
    ["built-in functions", Math.max as Fn, /built in or bound/],
    ["bound functions", Number.isNaN.bind(null) as Fn, /built in or bound/],
    ["classes", Plain as unknown as Fn, /it is a class/],
    ["methods with private names", new Plain().read, /no function by itself/],
    [
      "text with a source map comment",
      // oxlint-disable-next-line typescript/no-implied-eval
      new Function(["//# source", "MappingURL=x.map"].join("")) as Fn,
      /sourceMappingURL/,
    ],
  ] as [string, Fn, RegExp][])("it refuses %s", (_what, fn, why) => {
    expect(() => inline(fn)).toThrow(why);
  });

  test("it refuses what is no function", () => {
    expect(() => inline(1 as never)).toThrow(TypeError);
  });
});

describe("task", () => {
  test("it gives the function back and counts per module", () => {
    const meta = Object.assign(Object.create(null) as object, { url: "file:///counted.js" });
    const first = task(meta, () => 1);
    const second = task(meta, () => 2);
    expect(identify(first)).toEqual({
      kind: "registered",
      module: "file:///counted.js",
      name: "",
      index: 0,
    });
    expect(identify(second)).toMatchObject({ index: 1 });
    expect(task(meta, first)).toBe(first);
    expect(identify(first)).toMatchObject({ index: 0 });
  });

  test("it counts anew for another instance of the module", () => {
    const instance = (): { url: string } =>
      Object.assign(Object.create(null) as object, { url: "file:///again.js?t=1" });
    const [one, two] = [instance(), instance()];
    expect(identify(task(one, () => 1))).toMatchObject({ module: "file:///again.js", index: 0 });
    expect(identify(task(two, () => 1))).toMatchObject({ module: "file:///again.js", index: 0 });
  });

  test("it takes a CommonJS file name, counting by it", () => {
    expect(identify(task({ url: "/some/file.cjs" }, () => 1))).toMatchObject({
      module: "file:///some/file.cjs",
      index: 0,
    });
    expect(identify(task({ url: "/some/file.cjs" }, () => 2))).toMatchObject({ index: 1 });
  });

  test("it refuses wrong arguments", () => {
    expect(() => task(import.meta, 1 as never)).toThrow(/Expected `fn` to be a function/);
    expect(() => task(undefined as never, () => 1)).toThrow(/import\.meta/);
    expect(() => task({ url: "file:///x/[eval1]" }, () => 1)).toThrow(/inline/);
  });

  test("it names the way out under jiti, which hides the file of a module", () => {
    const text =
      "export default (async function (exports, require, module, __filename, __dirname) {})";
    const url = `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
    expect(() => task({ url }, () => 1)).toThrow(/\{ url: import\.meta\.url \}/);
  });
});
