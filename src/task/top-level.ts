import { Script } from "node:vm";
import { isMethod } from "./function-kind.ts";
import { moduleLexer } from "./lexer.ts";

/** A longer script takes V8 too long to read again. */
const MAX_CHARACTERS = 2 ** 21;

/** What a text can go on with so that it is whole, where a function stood at the top level or in an object or a class there. */
const ENDINGS = ["", "0", "0)", "0, b: 0 }", "0; b() {} }"];
/** Where a method stood. */
const METHOD_ENDINGS = ["a: 0, b: 0 }", "a() {} b() {} }"];

/**
 * Tells whether a function, whose text begins at `start`, was written at the top level of its script, so that running
 * the script makes it: V8 reads what comes before. Its scopes show no function around whose variables nobody uses.
 *
 * @returns undefined when that would take too long.
 */
export async function isTopLevel(
  text: string,
  start: number,
  fn: Function,
): Promise<boolean | undefined> {
  if (start > MAX_CHARACTERS) return undefined;
  const before = await withoutModuleSyntax(text, start);
  const endings = isMethod(fn) ? METHOD_ENDINGS : ENDINGS;
  return endings.some((ending) => isWhole(before + ending));
}

/** Compiles, and runs nothing. In a function, since modules may await at their top level. */
function isWhole(code: string): boolean {
  try {
    void new Script(`(async () => {${code}\n})`);
    return true;
  } catch {
    return false;
  }
}

/** The text up to `end` as it could stand in a function. */
async function withoutModuleSyntax(text: string, end: number): Promise<string> {
  const parse = await moduleLexer();
  let imports;
  try {
    [imports] = parse(text);
  } catch {
    imports = [];
  }
  let result = "";
  // A `#!` line may only be the first of a file.
  let at = text.startsWith("#!") ? text.indexOf("\n") : 0;
  for (const { ss, se, d } of imports) {
    if (ss >= end) break;
    // `import()` may stand anywhere; `import.meta` and the statements may not.
    if (d >= 0 || ss < at) continue;
    result += text.slice(at, ss) + (d === -2 ? "this" : "");
    at = se;
  }
  return result + text.slice(at, end);
}
