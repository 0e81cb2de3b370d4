import { exportedNames, guessRewrittenExports } from "./exported-names.ts";
import { findExport } from "./find-export.ts";
import { scriptText, variablesAround } from "./inspect.ts";
import type { FunctionPlace } from "./inspect.ts";
import { pathOfModule } from "./module-url.ts";

/**
 * Finds under which name a module exports `fn` without its namespace: from its text, which says which
 * variables are exported, and from their live values.
 */
export async function findInText(
  fn: Function,
  place: FunctionPlace,
  module: string,
): Promise<string | undefined> {
  const locals = variablesAround(fn);
  // The file will do most times, although TypeScript in it may confuse the lexer: every name is checked
  // against a live value. V8's text is exact, but costs 25 ms the first time.
  const file = place.isModule ? await fileText(module) : undefined;
  const name =
    file === undefined ? undefined : findExport(pick(await exportedNames(file), locals), fn);
  if (name !== undefined) return name;
  const text = scriptText(place.scriptId);
  if (place.isModule) return findExport(pick(await exportedNames(text), locals), fn);
  const holders = Object.keys(locals).filter(
    (it) => findExport({ [it]: locals[it] }, fn) !== undefined,
  );
  return findExport(pick(guessRewrittenExports(text, holders), locals), fn);
}

type Names = Awaited<ReturnType<typeof exportedNames>>;

/** Names that the module exports, or will export once evaluated. */
function pick(names: Names, locals: Readonly<Record<string, unknown>>): object {
  const exports = Object.create(null) as Record<string, unknown>;
  for (const { exported, local } of names) {
    if (local !== undefined && local in locals) exports[exported] = locals[local];
  }
  return exports;
}

/** The text of a module's file; undefined when there is none. */
export async function fileText(module: string): Promise<string | undefined> {
  const path = pathOfModule(module);
  if (path === undefined) return undefined;
  try {
    // Loaded late: workers never read modules as text.
    const { readFile } = await import("node:fs/promises");
    return await readFile(path, "utf8");
  } catch {
    // Deleted since, or never a file (a bundler's virtual module): V8 still has the text.
    return undefined;
  }
}

/** Tells whether `fn` is what `export default (x) => …` made: that has no variable to compare with, so its place in the text decides. */
export async function isDefaultExpression(fn: Function, place: FunctionPlace): Promise<boolean> {
  if (!place.isModule || place.isNested) return false;
  const text = scriptText(place.scriptId);
  const found = (await exportedNames(text)).find((it) => it.exported === "default");
  if (found === undefined || found.local !== undefined) return false;
  const rest = text.slice(found.end);
  const start = found.end + rest.length - rest.trimStart().length;
  return startOf(text, fn, place) === start;
}

/** Tells where in `text` the text of `fn` begins, if it stands there where V8 says it does. */
export function startOf(text: string, fn: Function, place: FunctionPlace): number | undefined {
  const own = Function.prototype.toString.call(fn);
  // V8 names the place of the parameters, or of a class's constructor.
  const offset = offsetOf(text, place);
  if (offset < 0) return undefined;
  const start = text.lastIndexOf(own, offset);
  return start >= 0 && offset < start + own.length ? start : undefined;
}

function offsetOf(text: string, place: FunctionPlace): number {
  let offset = 0;
  for (let line = 1; line < place.line; line++) {
    const end = text.indexOf("\n", offset);
    if (end === -1) return -1;
    offset = end + 1;
  }
  return offset + place.column - 1;
}
