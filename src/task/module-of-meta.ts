import { callerScript } from "./caller.ts";
import { isLoadedScript } from "./inspect.ts";
import { isTypeScript } from "./typescript.ts";
import { normalizeModuleUrl, urlOfMeta } from "./module-url.ts";

/** What modules pass of their `import.meta`; bundlers leave out the URL, or put that of the source into it. */
export interface Meta {
  readonly url?: unknown;
}

/**
 * The module that passed its `import.meta` to `callee`, as a URL; undefined when it has no file.
 *
 * An object of Node's own is to be believed. In other ones a bundler may have written nothing (esbuild for
 * CommonJS, webpack) or the source's path on the machine that built the bundle (webpack); then it is the script that
 * called `callee`.
 */
export function moduleOfMeta(meta: Meta, callee: Function): string | undefined {
  const { url } = meta;
  const said = typeof url === "string" ? normalizeModuleUrl(urlOfMeta({ url })) : undefined;
  if (Object.getPrototypeOf(meta) === null) return said;
  const script = callerScript(callee);
  const calling = script === undefined ? undefined : normalizeModuleUrl(script);
  if (url === undefined) return calling;
  if (said === undefined || calling === undefined || calling === said) return said;
  // CommonJS says a path, and no bundle is TypeScript. Besides, a module may pass its object on, to a function of
  // another one that calls `callee`.
  const mayBeBuilt = typeof url === "string" && url.startsWith("file:") && !isTypeScript(calling);
  return mayBeBuilt && !isLoaded(said) ? calling : said;
}

function isLoaded(module: string): boolean {
  try {
    return isLoadedScript(module);
  } catch {
    // Without an inspector there is nothing better than what was said.
    return true;
  }
}
