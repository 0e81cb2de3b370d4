import { createRequire, isBuiltin } from "node:module";
import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import * as vm from "node:vm";
import { importModule } from "./import-module.ts";

type Import = (specifier: string, options?: ImportCallOptions) => Promise<unknown>;

/** Makes the `import()` of a file, for code that has no file of its own; TypeScript included. */
export function importFrom(base: string): Import {
  let native: Import | undefined;
  return (specifier, options) => {
    const text = String(specifier);
    const isPath = /^(?:\.{0,2}\/|file:)/.test(text);
    if (isPath && options === undefined) return importModule(new URL(text, base).href);
    if (isBuiltin(text)) return import(text);
    native ??= nativeImport(base);
    return native(text, options);
  };
}

/** Node's own resolution, from the point of view of `base`. */
function nativeImport(base: string): Import {
  const { constants } = vm as unknown as {
    constants?: { USE_MAIN_CONTEXT_DEFAULT_LOADER?: symbol };
  };
  const loader = constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  if (loader === undefined) {
    // Before 20.12 only CommonJS resolution is to be had from another file's point of view.
    const require = createRequire(base);
    return async (specifier) => {
      const found = require.resolve(specifier);
      return importModule(isAbsolute(found) ? pathToFileURL(found).href : found);
    };
  }
  const script = new vm.Script("(specifier, options) => import(specifier, options)", {
    filename: base,
    importModuleDynamically: loader as never,
  });
  const load = script.runInThisContext() as Import;
  return (specifier, options) => withoutWarning(() => load(specifier, options));
}

/** Node says once that this constant is experimental; its users cannot act on that. */
function withoutWarning<T>(body: () => T): T {
  // oxlint-disable-next-line typescript/unbound-method
  const { emitWarning } = process;
  process.emitWarning = (...args: unknown[]): void => {
    if (String(args[0]).includes("USE_MAIN_CONTEXT_DEFAULT_LOADER")) return;
    (emitWarning as (...args: unknown[]) => void).apply(process, args);
  };
  try {
    return body();
  } finally {
    process.emitWarning = emitWarning;
  }
}
