import { createRequire } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { entryUrl } from "./entry-url.ts";
import { isOwnFile } from "../errors/own-frames.ts";

/**
 * Loads a module by its URL: a CommonJS file of this package by `require`, since `import()` would read it a second time
 * to find out what it exports, and anything else by `import()`.
 */
export async function loadOwn(url: string): Promise<unknown> {
  if (!isOwnCommonJs(url)) return await (import(url) as Promise<unknown>);
  return createRequire(import.meta.url)(fileURLToPath(url)) as unknown;
}

/** Whether a URL names a CommonJS file of this package. */
function isOwnCommonJs(url: string): boolean {
  return extname(url) === ".cjs" && isOwnFile(url);
}

/** Loads all of the package: its front, where it has one, loads each part when what is in it is first read. */
export async function loadEverything(): Promise<void> {
  Object.values((await loadOwn(entryUrl("index").href)) as object);
}
