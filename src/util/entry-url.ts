import { extname } from "node:path";

/**
 * The URL of a program of this package, such as `process/entry`, by its path below `src/`.
 *
 * This module lies one folder below the root of every form in which the package is run: the sources,
 * the compiled modules in `dist/`, the chunks in `lib/`, whose programs are CommonJS as they are (see
 * `scripts/bundle.mjs`).
 */
export function entryUrl(path: string): URL {
  return new URL(`../${path}${extname(import.meta.url)}`, import.meta.url);
}
