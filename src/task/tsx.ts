import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

let activation: Promise<void> | undefined;

/**
 * Registers tsx in this thread when the process was started with it: Node 20 gives threads the parent's
 * arguments, but tsx, given there, acts on the main thread only (its issue 354).
 */
export function activateParentLoader(): Promise<void> {
  activation ??= activate();
  return activation;
}

async function activate(): Promise<void> {
  const loader = tsxLoader([
    ...process.execArgv,
    ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/),
  ]);
  if (loader === undefined) return;
  try {
    const require = createRequire(loader);
    // One for require, one for import, as tsx's own loader does. The second must be its ES module: the CommonJS
    // one looks for the hooks in a wrong place (4.23).
    const { register } = require("tsx/cjs/api") as { register: () => unknown };
    register();
    const esm = require.resolve("tsx/esm/api").replace(/\.cjs$/, ".mjs");
    const api = (await import(pathToFileURL(esm).href)) as { register: () => unknown };
    api.register();
  } catch (error) {
    // Another way to load TypeScript may still work, but it may do so differently.
    process.emitWarning(`tsx could not be registered in a thread: ${String(error)}`, {
      code: "MANYCORE_TSX",
    });
  }
}

/**
 * Finds where tsx was loaded from.
 *
 * @param args - Node's own arguments.
 * @returns a path from whose point of view `tsx` resolves; `undefined` when tsx is not among the arguments.
 */
export function tsxLoader(args: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    const match = /^(?:--(?:import|require|loader|experimental-loader)|-r)(?:=(.*))?$/.exec(arg);
    if (match === null) continue;
    const specifier = match[1] ?? args[i + 1] ?? "";
    if (/^tsx(?:\/|$)/.test(specifier)) return join(process.cwd(), "package.json");
    if (!/[\\/]tsx[\\/]dist[\\/]/.test(specifier)) continue;
    return specifier.startsWith("file:") ? fileURLToPath(specifier) : resolve(specifier);
  }
  return undefined;
}
