// Minifies a JavaScript file. Run it on every file of a folder, on all cores:
//
//   npx manycore map examples/minify.ts#minify 'node_modules/**/*.js' --envelope -o sizes.jsonl
import { readFile } from "node:fs/promises";
import { minify as terser } from "terser";

/** What minifying has done to a file; sizes in bytes. */
export interface Minified {
  readonly path: string;
  readonly before: number;
  readonly after: number;
  /** `after / before`; 1 for an empty file. */
  readonly ratio: number;
}

/** Minifies one file. Throws what terser throws for a file it cannot parse. */
export async function minify(path: string): Promise<Minified> {
  const source = await readFile(path, "utf8");
  // Whether a file is a module cannot be told from its name alone; its text shows it well enough.
  const isModule = /^\s*(?:import|export)\b/m.test(source);
  const { code = "" } = await terser(source, { module: isModule, compress: true, mangle: true });
  const before = Buffer.byteLength(source);
  const after = Buffer.byteLength(code);
  return { path, before, after, ratio: before === 0 ? 1 : after / before };
}
