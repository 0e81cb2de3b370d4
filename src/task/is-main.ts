import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { wrongType } from "../util/argument-error.ts";
import { moduleOfMeta } from "./module-of-meta.ts";
import { pathOfModule } from "./module-url.ts";
import { taskSlot } from "./slot.ts";

/** Extensions that may be left out on the command line. */
const EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx"];

/** Code given on the command line or on standard input is the program itself. */
const NO_FILE_MAIN = /\/\[(?:eval\d*|stdin)\]$/;

/** Called by the entry programs of workers before they import anything of the user's. */
export function markAsWorker(): void {
  taskSlot().isWorker = true;
}

/**
 * Python's `if __name__ == "__main__"`: true in the module the user started, false when a worker imports that
 * module to find its functions. Code that starts processes or pools belongs behind it.
 * In a bundle it is true in every module that was merged into the program's file.
 *
 * @param meta - the module's own `import.meta`; in CommonJS `{ url: __filename }`.
 * @example
 * export function square(x: number): number { return x * x; }
 * if (isMain(import.meta)) console.log(await new Pool().map(square, [1, 2, 3]));
 * @since 0.1.0
 */
export function isMain(meta: { readonly url: string; readonly main?: boolean }): boolean {
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) {
    throw wrongType("meta", "import.meta (in CommonJS: { url: __filename })", meta);
  }
  if (taskSlot().isWorker) return false;
  if (meta.main === true) return true;
  if (NO_FILE_MAIN.test(meta.url)) return true;
  const program = process.argv[1];
  const module = moduleOfMeta(meta, isMain);
  const file = module === undefined ? undefined : pathOfModule(module);
  if (program === undefined || file === undefined) return false;
  const own = realPath(file) ?? file;
  return programFiles(resolve(program)).some((it) => it === file || realPath(it) === own);
}

/** Forms that Node and the TypeScript runners may have given the first argument. */
function programFiles(path: string): string[] {
  const files = [path, ...EXTENSIONS.flatMap((ext) => [path + ext, join(path, `index${ext}`)])];
  try {
    files.push(createRequire(join(path, "..", "main.js")).resolve(path));
  } catch {
    // Nothing CommonJS would start; the candidates above cover TypeScript and ESM.
  }
  return files;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
