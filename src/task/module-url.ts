import { NotSupportedError } from "../errors/index.ts";
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Query keys that loaders add to tell instances apart (tsx, vite); a worker must not see them. */
const LOADER_KEYS: ReadonlySet<string> = new Set([
  "namespace",
  "tsx-namespace",
  "t",
  "v",
  "import",
  "vitest",
]);

/** Places V8 names that are no files: the command line, standard input, a REPL, `vm` and `eval`. */
const NO_FILE = /(?:^|\/)\[(?:eval|stdin|worker eval)\d*\]|^REPL\d*$|^evalmachine\./;

/**
 * Brings what V8, a loader or a caller calls a module into one form: a `file:`, `node:` or `data:` URL.
 * Returns `undefined` for code that has no file.
 */
export function normalizeModuleUrl(script: string): string | undefined {
  if (script === "" || NO_FILE.test(script)) return undefined;
  if (script.startsWith("node:") || script.startsWith("data:")) return script;
  if (script.startsWith("file:"))
    return URL.canParse(script) ? withoutLoaderQuery(new URL(script)) : undefined;
  if (!isAbsolute(script)) return undefined;
  // A path with a query is a CommonJS module under a loader; a bare "?" in a real file name is rarer.
  const query = /\?(?:[\w-]+=[^?]*)$/.exec(script);
  if (query === null) return pathToFileURL(script).href;
  const url = pathToFileURL(script.slice(0, query.index));
  url.search = query[0];
  return withoutLoaderQuery(url);
}

function withoutLoaderQuery(url: URL): string {
  if (url.search === "") return url.href;
  const kept = [...url.searchParams].filter(([key]) => !LOADER_KEYS.has(key));
  url.search = kept.length === 0 ? "" : new URLSearchParams(kept).toString();
  return url.href;
}

/** The path behind a `file:` URL, without query and fragment; `undefined` for anything else. */
export function pathOfModule(url: string): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  return fileURLToPath(new URL(url));
}

/** Beginning of jiti's wrapper when it has to evaluate a module from a `data:` URL. */
const JITI_WRAPPER = /^export default \((?:async )?function \(exports, require, module,/;

function isFromJiti(url: string): boolean {
  const prefix = "data:text/javascript;base64,";
  if (!url.startsWith(prefix)) return false;
  return JITI_WRAPPER.test(
    Buffer.from(url.slice(prefix.length, prefix.length + 80), "base64").toString(),
  );
}

/**
 * The URL in an `import.meta`.
 *
 * @throws NotSupportedError under jiti's command, where the object says nothing about the file.
 */
export function urlOfMeta(meta: { readonly url: string }): string {
  if (!isFromJiti(meta.url)) return meta.url;
  throw new NotSupportedError(
    "jiti evaluates modules that pass on import.meta from a data: URL, so import.meta does not tell their file. " +
      "Write { url: import.meta.url } in its place, or run the program with tsx or Node 22.18 or newer.",
  );
}
