import { isClass } from "./function-kind.ts";
import { isTypeScript } from "./typescript.ts";
import type { LocatedIdentity } from "./identity.ts";
import type { FunctionPlace } from "./inspect.ts";
import { livingClasses, livingFunctions } from "./heap.ts";
import { atPlace, needsOwner, ownerOf } from "./living.ts";
import { declaresExports } from "./exported-names.ts";
import { fileText, startOf } from "./module-text.ts";
import { sourceHash } from "./source-hash.ts";
import { isTopLevel } from "./top-level.ts";

/** What the bundlers put around modules that they do not merge into one scope. */
const BUNDLER =
  /__webpack_|webpackChunk|__nccwpck_|__turbopack_|TURBOPACK|__rspack_|parcelRequire|__commonJS|__esm\b|hasRequired/;

/** What esbuild writes at the head of a CommonJS bundle that has a scope for all modules. */
const COMMONJS_HEAD = /__toCommonJS|__copyProps/;

/** Characters in a line on average: what people write has 30 or so. */
const MINIFIED_LINE = 150;

/**
 * Finds a function of a bundle: bundlers merge modules and drop their exports, so that the place in the bundle is all
 * that is left to name it by. In a worker the bundle makes the function again while it is imported.
 *
 * @returns nothing when the script is no bundle, or the function is made by more than its modules' top levels.
 */
export async function locateInBundle(
  fn: Function,
  place: FunctionPlace,
  module: string,
): Promise<LocatedIdentity | undefined> {
  // An anonymous function was written where it is passed, which is no top level: in bundles, exports have names.
  if (fn.name === "" || !module.startsWith("file:") || isTypeScript(module)) return undefined;
  const text = await fileText(module);
  if (text === undefined) return undefined;
  // The worker imports the file: what a loader made of it here is not there.
  const start = startOf(text, fn, place);
  if (start === undefined) return undefined;
  // Bundlers write one list of exports at the end.
  if (place.isModule && (await declaresExports(text))) return undefined;
  // A CommonJS module that somebody wrote exports what it means to: its other functions are its own.
  if (!place.isModule && !looksBundled(text) && !COMMONJS_HEAD.test(text)) return undefined;
  const { line, column } = place;
  const source = await sourceHash(fn);
  const identity: LocatedIdentity = {
    kind: "located",
    module,
    name: fn.name,
    line,
    column,
    source,
  };
  if (!((await isTopLevel(text, start, fn)) ?? !place.isNested)) {
    if (!place.around.every(isWrapper) || !looksBundled(text)) return undefined;
    const living = isClass(fn) ? livingClasses(fn) : livingFunctions(fn);
    if ((await atPlace(identity, living)).length !== 1) return undefined;
  }
  return needsOwner(fn) && ownerOf(fn) === undefined ? undefined : identity;
}

/** Modules are wrapped in functions without a name, or with one that is a path or a number. */
function isWrapper(name: string): boolean {
  return !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) || /^require[A-Z_$]/.test(name);
}

function looksBundled(text: string): boolean {
  return BUNDLER.test(text) || text.length / text.split("\n").length > MINIFIED_LINE;
}
