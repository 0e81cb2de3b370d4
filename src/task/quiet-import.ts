/**
 * Warnings of Node on a module's type while it loads one. The program itself has said so once where it matters,
 * and each worker would say it again; a module that cannot be loaded for this reason fails with an advice.
 */
const OF_MODULE_TYPE =
  /^(?:Failed to load the ES module: |To load an ES module, set "type"|Module type of )/;

type Anything = (...args: unknown[]) => unknown;

let running = 0;

/** Runs an import without Node's warnings about the type of modules. */
export async function importQuietly<T>(body: () => Promise<T>): Promise<T> {
  // Node's loader of ES modules uses the one, that of CommonJS the other.
  const restore =
    running++ === 0
      ? [filter("emitWarning", (args) => args[0]), filter("emit", (args) => args[1])]
      : [];
  try {
    return await body();
  } finally {
    running--;
    for (const undo of restore) undo();
  }
}

/** Puts a filter before a method of `process`. @returns what takes it away again. */
function filter(
  method: "emit" | "emitWarning",
  warningOf: (args: readonly unknown[]) => unknown,
): () => void {
  const own = process as unknown as Record<typeof method, Anything>;
  const isInherited = !Object.hasOwn(process, method);
  const before = own[method];
  const quiet: Anything = (...args) => {
    const isWarning = method === "emitWarning" || args[0] === "warning";
    if (running > 0 && isWarning && OF_MODULE_TYPE.test(textOf(warningOf(args)))) return true;
    return before.apply(process, args);
  };
  own[method] = quiet;
  return () => {
    // Somebody else may have put a function of theirs on top; ours lets everything through from now on.
    if (own[method] !== quiet) return;
    if (isInherited) Reflect.deleteProperty(process, method);
    else own[method] = before;
  };
}

function textOf(warning: unknown): string {
  return warning instanceof Error ? warning.message : String(warning);
}
