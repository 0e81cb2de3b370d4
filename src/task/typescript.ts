import { isMainThread } from "node:worker_threads";
import { importWithJiti } from "./jiti.ts";
import { pathOfModule } from "./module-url.ts";
import { activateParentLoader } from "./tsx.ts";

const TYPESCRIPT = /\.(?:[cm]?tsx?|jsx)$/;

/** Messages of Node on TypeScript that it cannot run, or whose imports it cannot follow. */
const FALL_BACK_CODES: ReadonlySet<unknown> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION", // no type stripping, or .tsx
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX", // enums, parameter properties
  "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING",
  "ERR_NO_TYPESCRIPT",
  "ERR_MODULE_NOT_FOUND", // imports without extension, or ".js" for ".ts"
  "ERR_UNSUPPORTED_DIR_IMPORT",
]);

/** Tells whether a module's name says that it is TypeScript (or JSX). */
export function isTypeScript(url: string): boolean {
  const path = pathOfModule(url);
  return path !== undefined && TYPESCRIPT.test(path);
}

/**
 * Imports TypeScript: natively or by a loader that is active, with tsx when the program runs under it, else
 * with jiti.
 *
 * @throws Error naming the ways out when jiti is not installed.
 */
export async function importTypeScript(url: string): Promise<Record<string, unknown>> {
  // Threads do not inherit the loader of their process on Node 20.
  if (!isMainThread) await activateParentLoader();
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    if (!(await mayFallBack(error))) throw error;
    return await importWithJiti(url, error);
  }
}

async function mayFallBack(error: unknown): Promise<boolean> {
  if (FALL_BACK_CODES.has((error as { code?: unknown } | null)?.code)) return true;
  if (!(error instanceof SyntaxError)) return false;
  // Node does not turn `import` and `export` in a .cts file, or a .ts file of a CommonJS package, into CommonJS;
  // TypeScript does. Nothing of the file has run.
  const { hasModuleSyntaxError } = await import("./module-type.ts");
  return hasModuleSyntaxError(error);
}
