import { moduleLexer } from "./lexer.ts";

/** Makes each `import(…)` in the text of a function a call of `__manycore_import`, which runs TypeScript, too. */
export async function rewriteImports(source: string): Promise<string> {
  const parse = await moduleLexer();
  const prefix = "(";
  let imports;
  try {
    [imports] = parse(`${prefix}${source}\n)`);
  } catch {
    // Left as it is: V8 says better than the lexer what is wrong with it, if anything is.
    return source;
  }
  let text = source;
  for (const found of imports.filter((it) => it.d >= 0).reverse()) {
    const start = found.ss - prefix.length;
    text = `${text.slice(0, start)}__manycore_import${text.slice(start + "import".length)}`;
  }
  return text;
}
