import { fileURLToPath } from "node:url";
import { workerData } from "node:worker_threads";
import { ProcessError } from "../errors/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { runsByImport } from "./import-context.ts";
import { taskSlot } from "./slot.ts";

/**
 * Refuses to start workers as a side effect of the import of a module in a worker: at its top level, in a timer, a
 * promise or a test that it left behind, or in a module preloaded into every Node. Each of those workers would import
 * the module again and start more, without end.
 *
 * @throws ProcessError that names `isMain`.
 */
export function assertMayStart(what: string): void {
  if (!runsByImport() && !isPreload()) return;
  throw new ProcessError(
    `${what} would be started because a worker imports the module that starts it, and each new worker would do so ` +
      "again, without end. Guard the main program with `if (isMain(import.meta)) { … }`, imported from manycore; " +
      "a function that a task calls may start workers.",
  );
}

/** True before the entry of a worker has begun: in what `--import` or `--require` loads ahead of it. */
function isPreload(): boolean {
  if (taskSlot().isWorker) return false;
  const start = workerData as { role?: unknown; guard?: unknown } | null | undefined;
  if (typeof start?.role === "string" && start.guard !== undefined) return true;
  return process.argv[1] === fileURLToPath(entryUrl("process/entry"));
}
