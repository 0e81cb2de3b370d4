import { builtinModules, createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { notFound } from "./advice.ts";
import type { NotFoundReason } from "./advice.ts";
import { findExport } from "./find-export.ts";
import { isClass, isMethod } from "./function-kind.ts";
import type { TaskIdentity } from "./identity.ts";
import type { FunctionPlace } from "./inspect.ts";
import { locateInBundle } from "./locate-in-bundle.ts";
import { findInText, isDefaultExpression } from "./module-text.ts";
import { normalizeModuleUrl } from "./module-url.ts";
import { sourceHash } from "./source-hash.ts";
import { clearTimeout, setImmediate, setTimeout } from "../util/platform.ts";

/** Turns of the event loop that `import()` of a module that is already evaluated needs at most; without loader hooks it needs none. */
const IMPORT_TURNS = 3;

/** Time for a slow loader to hand out a module before its function counts as not exported, in ms. */
const IMPORT_WAIT_MS = 250;

/** Outcome of looking at the live module. */
interface Live {
  readonly name: string | undefined;
  /** Waits for a slow loader; absent when the answer is final. */
  readonly later?: () => Promise<string | undefined>;
  readonly cause?: unknown;
}

/**
 * Finds the export of the module at `place` that is `fn`.
 *
 * @throws TaskNotFoundError when there is none.
 */
export async function locateExport(fn: Function, place: FunctionPlace): Promise<TaskIdentity> {
  const module = normalizeModuleUrl(place.script);
  if (module === undefined) throw notFound(fn, "no-file");
  if (module.startsWith("node:")) return locateBuiltin(fn, module);
  const live = await lookAtModule(fn, place);
  if (live.name !== undefined) return { kind: "export", module, name: live.name };
  const name = await findInText(fn, place, module);
  if (name !== undefined) return { kind: "export", module, name };
  if (await isDefaultExpression(fn, place)) {
    return { kind: "export", module, name: "default", source: await sourceHash(fn) };
  }
  const bundled = await locateInBundle(fn, place, module);
  if (bundled !== undefined) return bundled;
  const late = await live.later?.();
  if (late !== undefined) return { kind: "export", module, name: late };
  const { line, column } = place;
  throw notFound(fn, reasonFor(fn, place), { module, line, column, cause: live.cause });
}

function reasonFor(fn: Function, place: FunctionPlace): NotFoundReason {
  if (isClass(fn)) return "class";
  if (place.isNested) return "closure";
  if (fn.name === "") return "anonymous";
  return isMethod(fn) ? "method" : "not-exported";
}

function lookAtModule(fn: Function, place: FunctionPlace): Promise<Live> {
  if (!place.isModule) {
    const cached = cachedExports(place.script);
    return Promise.resolve({
      name: cached === undefined ? undefined : findExport(cached.exports, fn),
    });
  }
  // A module of `node:vm` is named by a path as a rule; importing that would make a second instance.
  if (!/^(?:file|data):/.test(place.script)) return Promise.resolve({ name: undefined });
  return importOrGoOn(fn, place.script);
}

/** The module that CommonJS keeps for a script; jiti and tsx enter theirs there too. */
function cachedExports(script: string): { exports: unknown } | undefined {
  const cache = createRequire(import.meta.url).cache;
  const path = script.startsWith("file:") ? fileURLToPath(script) : script;
  return cache[script] ?? cache[path] ?? cache[path.replace(/\?[^?]*$/, "")];
}

/**
 * `import()` of the function's own module returns the live instance, except while that module is still in
 * its top-level await: then it answers only after the caller, who waits for us, has gone on. So wait a few
 * turns, and leave the rest to the module's text.
 */
async function importOrGoOn(fn: Function, url: string): Promise<Live> {
  const imported = import(url).then(
    (exports: unknown): Live => ({ name: findExport(exports, fn) }),
    (cause: unknown): Live => ({ name: undefined, cause }),
  );
  for (let turn = 0; turn < IMPORT_TURNS; turn++) {
    const nextTurn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
    const live = await Promise.race([imported, nextTurn]);
    if (live !== undefined) return live;
  }
  return { name: undefined, later: () => within(imported, IMPORT_WAIT_MS) };
}

async function within(imported: Promise<Live>, ms: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  const live = await Promise.race([imported, tooLate]);
  clearTimeout(timer);
  return live?.name;
}

/** A function of Node itself, `path.basename` for example, written in JavaScript. */
function locateBuiltin(fn: Function, script: string): TaskIdentity {
  const loaded = new Set(
    (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList,
  );
  const load = createRequire(import.meta.url);
  const names = builtinModules.filter(
    (name) => !name.startsWith("_") && loaded.has(`NativeModule ${name}`),
  );
  const own = script.slice("node:".length);
  for (const name of [own, ...names].filter((it) => !it.startsWith("internal/"))) {
    const exports = load(`node:${name}`) as Record<string, unknown>;
    if (fn.name !== "" && exports[fn.name] === fn)
      return { kind: "export", module: `node:${name}`, name: fn.name };
  }
  throw notFound(fn, "native");
}
