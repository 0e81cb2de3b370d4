import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { pathOfModule } from "./module-url.ts";

/** Messages of Node and the TypeScript runners on ES module syntax in a file that counts as CommonJS. */
const MODULE_SYNTAX =
  /^(?:Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\.meta' outside a module|await is only valid in async functions and the top level bodies of modules)|Top-level await is (?:currently )?not (?:supported|available)/m;

/** Messages of Node on CommonJS in a file that counts as an ES module. */
const COMMONJS_SYNTAX = /^(?:require|module|exports|__filename|__dirname) is not defined\b/;

/** Tells whether a file could not be loaded because it has ES module syntax and counts as CommonJS. */
export function hasModuleSyntaxError(error: unknown): boolean {
  return error instanceof Error && MODULE_SYNTAX.test(error.message);
}

/**
 * Says why a file was taken for the wrong kind of module, and the one change that mends it.
 *
 * @returns nothing when the error has another reason.
 */
export function moduleTypeAdvice(error: unknown, url: string): string | undefined {
  const path = pathOfModule(url);
  if (path === undefined || !(error instanceof Error)) return undefined;
  const wantsModule = MODULE_SYNTAX.test(error.message);
  if (!wantsModule && !(error instanceof ReferenceError && COMMONJS_SYNTAX.test(error.message))) {
    return undefined;
  }
  const extension = extname(path);
  const dialect = extension.includes("t") ? "ts" : "js";
  const wanted = wantsModule ? "an ES module" : "CommonJS";
  const name = basename(path, extension);
  const rename = `rename it to ${name}.${wantsModule ? "m" : "c"}${dialect}`;
  const taken = wantsModule ? "CommonJS" : "an ES module";
  // Named by its extension: no package.json can change that.
  if (/^\.[cm]/.test(extension)) {
    return `The file is written as ${wanted}, but ${extension} makes it ${taken}: ${rename}.`;
  }
  const { manifest, type } = packageOf(path);
  const reason =
    manifest === undefined
      ? "no package.json says otherwise"
      : type === undefined
        ? `${manifest} has no "type"`
        : `${manifest} says "type": "${type}"`;
  const set =
    manifest === undefined ? "" : `, or set "type": "${wantsModule ? "module" : "commonjs"}" there`;
  return `The file is written as ${wanted}, but counts as ${taken}, because ${reason}: ${rename}${set}.`;
}

/** The package a file belongs to, and what it says of its modules. */
function packageOf(path: string): { manifest: string | undefined; type: string | undefined } {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return { manifest, type: typeIn(manifest) };
    if (folder === dirname(folder) || basename(folder) === "node_modules") break;
  }
  return { manifest: undefined, type: undefined };
}

function typeIn(manifest: string): string | undefined {
  try {
    const { type } = JSON.parse(readFileSync(manifest, "utf8")) as { type?: unknown };
    return typeof type === "string" ? type : undefined;
  } catch {
    // Unreadable: Node's own message is part of the error already.
    return undefined;
  }
}
