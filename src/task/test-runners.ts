import Module from "node:module";
import { NotSupportedError } from "../errors/index.ts";
import { runsByImport } from "./import-context.ts";

/*
 * A test may pass a function of its own file to a worker, which then imports the file. There is no test runner
 * there, and no test must run again: the runner's functions are replaced by stand-ins that register nothing.
 */

const HOOKS = ["after", "afterEach", "before", "beforeEach"];
const ALL_HOOKS = [...HOOKS, "afterAll", "beforeAll", "aroundAll", "aroundEach"];
const GROUPS = ["describe", "it", "suite", "test"];

/** Exports of the runners, by the names of their modules. */
const EXPORTS: Readonly<Record<string, readonly string[]>> = {
  "node:test": [
    ...[...GROUPS, ...HOOKS, "assert", "getTestContext", "mock", "only", "run", "skip"],
    ...["snapshot", "todo"],
  ],
  vitest: [
    ...[...GROUPS, ...ALL_HOOKS, "assert", "assertType", "bench", "chai", "createExpect", "expect"],
    ...["expectTypeOf", "inject", "onTestFailed", "onTestFinished", "recordArtifact", "should"],
    ...["vi", "vitest"],
  ],
  "@jest/globals": [
    ...GROUPS,
    ...ALL_HOOKS,
    "expect",
    "fdescribe",
    "fit",
    "jest",
    "xdescribe",
  ].concat(["xit", "xtest"]),
  mocha: [
    ...GROUPS,
    ...HOOKS,
    "context",
    "run",
    "setup",
    "specify",
    "suiteSetup",
    "suiteTeardown",
  ].concat(["teardown", "xcontext", "xdescribe", "xit", "xspecify"]),
};

let isInstalled = false;
const standIns = new Map<string, unknown>();

/** Puts stand-ins for test runners in place, in this thread. */
export function standInForRunners(): void {
  if (isInstalled) return;
  isInstalled = true;
  for (const name of new Set(Object.values(EXPORTS).flat())) {
    // The runner's own, where there is one: in a thread of its process, or by a preloaded module.
    if (!(name in globalThis) && name !== "run" && name !== "assert" && name !== "should")
      Object.defineProperty(globalThis, name, { value: standIn(name), configurable: true });
  }
  replaceRequired();
  replaceImported();
}

/** The stand-ins as modules, for loaders that take modules from a table; empty when none are in place. */
export function runnerModules(): Record<string, unknown> {
  return isInstalled
    ? Object.fromEntries(Object.keys(EXPORTS).map((name) => [name, moduleOf(name)]))
    : {};
}

/** A function that does nothing while modules are imported, whatever is asked of it. */
function standIn(name: string): unknown {
  const known = standIns.get(name);
  if (known !== undefined) return known;
  const made: unknown = new Proxy(function () {}, {
    get(target, key) {
      // Not a promise, and shown as what it is.
      if (key === "then") return undefined;
      if (key === Symbol.toPrimitive || key === "toString") return () => `[stand-in for ${name}]`;
      if (key === Symbol.iterator) return [][Symbol.iterator].bind([]);
      if (typeof key === "symbol") return Reflect.get(target, key);
      // Its result is used at the top level.
      if (key === "hoisted") return (body: () => unknown) => body();
      return standIn(`${name}.${key}`);
    },
    apply: () => use(name),
    construct: () => use(name) as object,
  });
  standIns.set(name, made);
  return made;
}

function use(name: string): unknown {
  if (runsByImport()) return standIn(`${name}()`);
  throw new NotSupportedError(
    `${name}() was called in a task, and there is no test runner in a worker. ` +
      "Return the value from the task and check it in the test.",
  );
}

/** As `require()` gives it. */
function moduleOf(name: string): unknown {
  const names = EXPORTS[name] ?? [];
  // `require("node:test")` is the function `test` itself.
  if (name === "node:test") return standIn("test");
  return Object.fromEntries(names.map((each) => [each, standIn(each)]));
}

function replaceRequired(): void {
  const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
  const load = loader._load.bind(Module);
  loader._load = (request, ...rest) =>
    Object.hasOwn(EXPORTS, request) ? moduleOf(request) : load(request, ...rest);
}

const SLOT = "manycore.test-runners";

type Resolve = (
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => unknown,
) => unknown;

function replaceImported(): void {
  Object.defineProperty(globalThis, Symbol.for(SLOT), { value: standIn });
  const urls = Object.fromEntries(Object.keys(EXPORTS).map((name) => [name, sourceOf(name)]));
  const { register, registerHooks } = Module as unknown as {
    register: (this: void, url: string, options: { data: unknown }) => void;
    registerHooks?: (this: void, hooks: { resolve: Resolve }) => void;
  };
  if (registerHooks === undefined) {
    // Before 22.15 hooks run in a thread of their own, from a module of their own.
    register(dataUrl(HOOKS_SOURCE), { data: urls });
    return;
  }
  registerHooks({
    resolve: (specifier, context, next) =>
      Object.hasOwn(urls, specifier)
        ? { url: urls[specifier], format: "module", shortCircuit: true }
        : next(specifier, context),
  });
}

const HOOKS_SOURCE = `
let urls = {};
export function initialize(data) { urls = data; }
export function resolve(specifier, context, next) {
  return Object.hasOwn(urls, specifier)
    ? { url: urls[specifier], format: "module", shortCircuit: true }
    : next(specifier, context);
}`;

/** An ES module that exports stand-ins. */
function sourceOf(name: string): string {
  const get = `const standIn = globalThis[Symbol.for("${SLOT}")];\n`;
  const names = (EXPORTS[name] ?? []).map((each) => `export const ${each} = standIn("${each}");\n`);
  const main = name === "node:test" ? "test" : name;
  return dataUrl(`${get}${names.join("")}export default standIn("${main}");\n`);
}

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
