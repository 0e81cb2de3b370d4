// oxlint-disable typescript/unbound-method -- methods as tasks are what is tested
import { describe, expect, test } from "vitest";
import { TaskNotFoundError } from "manycore";
import {
  identify,
  importModule,
  inline,
  isTaskIdentity,
  taskName,
  tasks,
} from "../../dist/task/index.js";
import { rewritten, giveHidden } from "./rewritten.ts";
import { fixture } from "./test-worker.ts";

type Fn = (...args: never[]) => unknown;

const exportsUrl = fixture("exports.js");
const esm = (await importModule(exportsUrl)) as {
  square: Fn;
  twice: Fn;
  default: Fn;
  arrow: Fn;
  renamed: Fn;
  math: { power: Fn };
  Counter: (new () => { next: Fn }) & { from: Fn };
  secrets(): { hidden: Fn; method: Fn; Hidden: Fn; bound: Fn; boundArrow: Fn };
  makeClosure(k: number): Fn;
  anonymous(): Fn;
};

async function refusal(fn: Fn): Promise<TaskNotFoundError> {
  const error = await Promise.resolve(identify(fn)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TaskNotFoundError);
  return error as TaskNotFoundError;
}

describe("identify", () => {
  test.each([
    ["a function declaration", () => esm.square, "square"],
    ["an arrow function", () => esm.arrow, "arrow"],
    ["an anonymous default export", () => esm.default, "default"],
    ["a function exported under another name", () => esm.renamed, "renamed"],
    ["a function of an exported object", () => esm.math.power, "math.power"],
    ["a static method of an exported class", () => esm.Counter.from, "Counter.from"],
    ["an exported class", () => esm.Counter as unknown as Fn, "Counter"],
  ])("it finds %s among the exports of its module", async (_what, fn, name) => {
    expect(await identify(fn())).toEqual({ kind: "export", module: exportsUrl, name });
    expect(taskName(fn())).toBe(name);
  });

  test("it answers without a promise once it knows the function", async () => {
    await identify(esm.square);
    expect(identify(esm.square)).toEqual({ kind: "export", module: exportsUrl, name: "square" });
  });

  test("it searches once when asked twice at the same time", async () => {
    const { makeClosure: unseen } = esm;
    const first = identify(unseen);
    expect(first).toBeInstanceOf(Promise);
    expect(identify(unseen)).toBe(first);
    await first;
  });

  test.each([
    ["common.cjs", "square", (it: { square: Fn }) => it.square],
    ["common.cjs", "math.cube", (it: { math: { cube: Fn } }) => it.math.cube],
    ["transpiled.cjs", "square", (it: { square: Fn }) => it.square],
    ["transpiled.cjs", "default", (it: { default: Fn }) => it.default],
  ])("it finds CommonJS exports: %s %s", async (file, name, pick) => {
    const exports = (await importModule(fixture(file)))["default"] as never;
    expect(await identify(pick(exports))).toEqual({ kind: "export", module: fixture(file), name });
  });

  test("it finds a function that is a whole CommonJS module", async () => {
    const single = (await importModule(fixture("single.cjs")))["default"] as Fn;
    expect(await identify(single)).toEqual({
      kind: "export",
      module: fixture("single.cjs"),
      name: "default",
    });
  });

  test("it finds functions of Node itself that are written in JavaScript", async () => {
    const { basename } = await import("node:path");
    expect(await identify(basename)).toEqual({
      kind: "export",
      module: "node:path",
      name: "basename",
    });
  });

  test("it finds functions in data: modules", async () => {
    const url = "data:text/javascript,export const one = () => 1;";
    const { one } = (await importModule(url)) as { one: Fn };
    expect(await identify(one)).toEqual({ kind: "export", module: url, name: "one" });
  });

  test("it finds exports of modules that a test runner compiled without Node's loaders", async () => {
    const url = new URL("./rewritten.ts", import.meta.url).href;
    expect(await identify(rewritten)).toEqual({ kind: "export", module: url, name: "rewritten" });
    expect((await refusal(giveHidden())).message).toContain("its module does not export it");
  });

  test("it refuses what is neither a function nor a reference", () => {
    expect(() => identify("square" as never)).toThrow(TypeError);
    expect(() => identify(null as never)).toThrow(/Expected `task` to be a function/);
  });
});

describe("a function that cannot be found", () => {
  test("it is named with its file and line, and the error shows the four ways", async () => {
    const { message, code } = await refusal(esm.secrets().hidden);
    expect(code).toBe("ERR_MANYCORE_TASK_NOT_FOUND");
    const [first, ...ways] = message.split("\n");
    expect(first).toMatch(
      /^Function "hidden" \(.*exports\.js:43:\d+\) cannot be found again in a worker: its module does not export it\. Do one of these:$/,
    );
    expect(ways).toHaveLength(4);
    expect(ways[0]).toContain("export function hidden");
    expect(ways[1]).toContain("task(import.meta, function hidden");
    expect(ways[2]).toContain("tasks<typeof import(");
    expect(ways[3]).toContain("inline(hidden)");
  });

  test.each([
    [
      "a closure, although an export has its name",
      () => esm.makeClosure(3),
      "made inside another function",
    ],
    ["a bound function", () => esm.secrets().bound, "bound function"],
    ["a bound arrow function", () => esm.secrets().boundArrow, "bound function"],
    ["a built-in function", () => Math.max as Fn, "built in"],
    ["a method of an object that is not exported", () => esm.secrets().method, "it is a method"],
    ["a method of an instance", () => new esm.Counter().next, "it is a method"],
    [
      "a class that is not exported",
      () => esm.secrets().Hidden,
      "class that its module does not export",
    ],
    ["an anonymous function", () => esm.anonymous(), "no name"],
    // oxlint-disable-next-line typescript/no-implied-eval
    ["code without a file", () => new Function("return 1") as Fn, "no file"],
  ])("its reason is told apart: %s", async (_what, fn, why) => {
    const { message } = await refusal(fn());
    expect(message.split("\n")[0]).toContain(why);
    expect(message.split("\n").length).toBeGreaterThan(1);
  });

  test("it may be found later, when it has been registered or shipped as text", async () => {
    const { hidden } = esm.secrets();
    await refusal(hidden);
    inline(hidden);
    expect(identify(hidden)).toMatchObject({ kind: "inline", name: "hidden" });
  });
});

describe("tasks", () => {
  test("it refers to exports without loading the module", () => {
    const refs = tasks<typeof import("./rewritten.ts")>(
      new URL("../fixtures/task/failing.js", import.meta.url),
    );
    expect(refs.rewritten).toEqual({ module: fixture("failing.js"), name: "rewritten" });
    expect(identify(refs.rewritten)).toEqual({
      kind: "export",
      module: fixture("failing.js"),
      name: "rewritten",
    });
    expect(taskName(refs.rewritten)).toBe("rewritten");
  });

  test("a reference is not taken for a promise when awaited", async () => {
    const refs = tasks<{ f(): void }>(new URL("file:///x.js"));
    expect(await Promise.resolve(refs)).toBe(refs);
  });

  test("it understands references that were copied", () => {
    const copy = structuredClone({ ...tasks<{ f(): void }>(new URL("file:///x.js")).f });
    expect(identify(copy)).toEqual({ kind: "export", module: "file:///x.js", name: "f" });
  });

  test("it refuses a relative module", () => {
    expect(() => tasks("./work.js")).toThrow(/new URL\("\.\/work\.js", import\.meta\.url\)/);
  });

  test("it refuses a reference to no module", () => {
    expect(() => identify({ module: "https://example.org/x.js", name: "f" })).toThrow(
      TaskNotFoundError,
    );
    expect(() => identify({ module: "file:///x.js", name: "__proto__.f" })).toThrow(
      TaskNotFoundError,
    );
  });
});

const LOCATED = {
  ...{ kind: "located", module: "file:///x.js", name: "a", line: 1, column: 2 },
  source: "0".repeat(40),
};

describe("isTaskIdentity", () => {
  test("it accepts each kind of identity", () => {
    expect(
      isTaskIdentity({
        kind: "export",
        module: "file:///x.js",
        name: "a.b",
        source: "0".repeat(40),
      }),
    ).toBe(true);
    expect(isTaskIdentity(LOCATED)).toBe(true);
    expect(isTaskIdentity({ kind: "registered", module: "file:///x.js", name: "", index: 0 })).toBe(
      true,
    );
    expect(
      isTaskIdentity({ kind: "inline", name: "", source: "() => 1", base: "file:///x.js" }),
    ).toBe(true);
  });

  test.each([
    [null],
    ["export"],
    [{}],
    [{ kind: "export", module: "https://x/y.js", name: "a" }],
    [{ kind: "export", module: "file:///x.js", name: "" }],
    [{ kind: "export", module: "file:///x.js", name: "a.constructor" }],
    [{ kind: "export", module: "file:///x.js", name: "a", source: "zz" }],
    [{ kind: "export", module: 1, name: "a" }],
    [{ kind: "registered", module: "file:///x.js", name: "a", index: -1 }],
    [{ kind: "registered", module: "file:///x.js", name: "a", index: 0.5 }],
    [{ kind: "registered", module: "file:///x.js", index: 0 }],
    [{ kind: "inline", name: "a", source: 1, base: "file:///x.js" }],
    [{ kind: "inline", name: "a", source: "", base: "http://x/" }],
    [{ ...LOCATED, module: "https://x/y.js" }],
    [{ ...LOCATED, line: 0 }],
    [{ ...LOCATED, column: "1" }],
    [{ ...LOCATED, source: undefined }],
    [{ kind: "other" }],
  ])("it refuses %j", (value) => {
    expect(isTaskIdentity(value)).toBe(false);
  });
});
