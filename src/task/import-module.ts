import { loadOwn } from "../util/load-own.ts";
import { runImport } from "./import-context.ts";
import { taskSlot } from "./slot.ts";
import { importQuietly } from "./quiet-import.ts";
import { isTestFile, wantsRunner } from "./test-file.ts";
import { isTypeScript, importTypeScript } from "./typescript.ts";

/** Modules that were imported, or are being imported, in this process or thread. */
const imported = new Map<string, Promise<Record<string, unknown>>>();

/**
 * Imports a task's module: JavaScript or TypeScript, ES module or CommonJS.
 *
 * @param url - `file:`, `node:` or `data:` URL.
 * @returns what it exports.
 * @throws what the module throws, or why it cannot be loaded; the message starts with the module's name.
 */
export function importModule(url: string): Promise<Record<string, unknown>> {
  const present = imported.get(url);
  if (present !== undefined) return present;
  const promise = load(url);
  imported.set(url, promise);
  // A module that could not be loaded may be mended before the next try.
  promise.catch(() => imported.delete(url));
  return promise;
}

async function load(url: string): Promise<Record<string, unknown>> {
  try {
    if (taskSlot().isWorker && isTestFile(url)) {
      const { standInForRunners } = await import("./test-runners.ts");
      standInForRunners();
    }
    return await runImport(() =>
      importQuietly(() => (isTypeScript(url) ? importTypeScript(url) : importJavaScript(url))),
    );
  } catch (error) {
    throw named(error, url, await adviceOn(error, url));
  }
}

async function importJavaScript(url: string): Promise<Record<string, unknown>> {
  try {
    return (await loadOwn(url)) as Record<string, unknown>;
  } catch (error) {
    // JavaScript that imports TypeScript: linking failed, so nothing of it has run yet.
    if ((error as { code?: unknown } | null)?.code !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
    return await importTypeScript(url);
  }
}

/** Advice about the failure, where its reason is known. */
async function adviceOn(error: unknown, url: string): Promise<string | undefined> {
  if (wantsRunner(error)) {
    return "There is no test runner in a worker. Move the function out of the test file, and out of what imports the runner.";
  }
  // Rarely needed, and a worker's start waits for every module.
  const { moduleTypeAdvice } = await import("./module-type.ts");
  return moduleTypeAdvice(error, url);
}

function named(error: unknown, url: string, advice: string | undefined): unknown {
  if (!(error instanceof Error))
    return new Error(`Importing ${url} threw ${String(error)}`, { cause: error });
  const { message, stack } = error;
  const prefix = `Importing ${url} failed: `;
  // Node hands out the same error at every import.
  if (message.startsWith(prefix)) return error;
  const longer = prefix + message + (advice === undefined ? "" : `\n${advice}`);
  // Frozen errors stay as they are: their stack names the module anyway.
  if (Reflect.set(error, "message", longer) && stack !== undefined) {
    const text =
      message !== "" && stack.includes(message)
        ? stack.replace(message, () => longer)
        : `${longer}\n${stack}`;
    Reflect.set(error, "stack", text);
  }
  return error;
}
