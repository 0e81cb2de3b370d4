import { moduleLexer } from "./lexer.ts";

/** A module's export: its public name and the local variable behind it, where there is one. */
export interface ExportedName {
  readonly exported: string;
  readonly local: string | undefined;
  /** Offset in the text right behind the public name. */
  readonly end: number;
}

const IDENTIFIER = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*`;
const DEFAULT_IDENTIFIER = new RegExp(String.raw`^\s*(${IDENTIFIER})\s*(?:;|\r?\n|$)`, "u");

/**
 * Reads from the text of an ES module what it exports.
 *
 * @returns the exports; nothing when the text is no ES module the lexer understands.
 */
export async function exportedNames(source: string): Promise<ExportedName[]> {
  const parse = await moduleLexer();
  let exports;
  try {
    [, exports] = parse(source);
  } catch {
    // Not ECMAScript; the caller goes on without this knowledge.
    return [];
  }
  return exports.map((it) => ({
    exported: it.n,
    // `export default square;` has no local name for the lexer; the text has.
    local:
      it.ln ?? (it.n === "default" ? DEFAULT_IDENTIFIER.exec(source.slice(it.e))?.[1] : undefined),
    end: it.e,
  }));
}

/**
 * Tells whether a module has declarations marked `export`, as people and compilers write them. Bundlers write none,
 * but a list of exports.
 */
export async function declaresExports(source: string): Promise<boolean> {
  const parse = await moduleLexer();
  let exports;
  try {
    [, exports] = parse(source);
  } catch {
    return false;
  }
  return exports.some(({ s, e, n }) =>
    n === "default"
      ? !/^\s*(?:[;}]|as\b)/.test(source.slice(e)) &&
        !DEFAULT_IDENTIFIER.test(source.slice(e)) &&
        /export\s+$/.test(source.slice(Math.max(0, s - 80), s))
      : /\bexport\s+(?:default\s+)?(?:async\s+)?(?:class|const|function|let|var)\b[\s*]*$/.test(
          source.slice(Math.max(0, s - 80), s),
        ),
  );
}

/**
 * Guesses the export names of a script that some loader rewrote from an ES module and evaluated without
 * leaving a trace in Node's module caches (vitest, jest, jiti without its cache). The caller checks each
 * guess against the live variables.
 */
export function guessRewrittenExports(
  source: string,
  candidates: readonly string[],
): ExportedName[] {
  return candidates.flatMap((name) => {
    const escaped = name.replaceAll("$", String.raw`\$`);
    const patterns = [
      String.raw`exports?(?:__)?\s*\.\s*${escaped}\s*=[^=]`, // exports.square =
      String.raw`exports?(?:__)?\s*,\s*["']${escaped}["']`, // Object.defineProperty(exports, "square"
      String.raw`exportName(?:__)?\(\s*["']${escaped}["']`, // __vite_ssr_exportName__("square"
      String.raw`\w*exports?\w*\([^)]*?\b${escaped}\s*:\s*(?:\(\)|function)`, // __export(exports, { square: () =>
      String.raw`module\.exports\s*=\s*\{[^}]*\b${escaped}\b`, // module.exports = { square
    ];
    const found = patterns.some((pattern) => new RegExp(pattern, "iu").test(source));
    return found ? [{ exported: name, local: name, end: 0 }] : [];
  });
}
