import { isMainThread } from "node:worker_threads";
import { CancelledError } from "../errors/index.ts";
import { sharedController } from "../util/abort.ts";
import { globalSlot } from "../util/global-slot.ts";
import { processIdentity } from "./identity.ts";

interface Shutdown {
  readonly controller: AbortController;
  listens: boolean;
}

const shutdown: Shutdown = globalSlot("shutdown", () => ({
  controller: sharedController(),
  listens: false,
}));

/**
 * A signal that aborts when this process or thread is asked to end.
 *
 * In a child: by `interrupt()`, by `terminate({ grace })`, by the shutdown of its executor, and in a
 * process by Ctrl-C. In the root process: the first call installs handlers for SIGINT and SIGTERM that
 * act once. The first of these signals then aborts instead of ending the process, which is expected
 * to finish by itself; the next one ends it as usual.
 *
 * The same signal each time. It never aborts twice and does not keep the event loop open.
 *
 * @example
 * for (const page of pages) {
 *   if (shutdownSignal().aborted) break;
 *   await crawl(page, { signal: shutdownSignal() });
 * }
 * @since 0.1.0
 */
export function shutdownSignal(): AbortSignal {
  if (!shutdown.listens) {
    shutdown.listens = true;
    if (isMainThread)
      listen(processIdentity().parent === undefined ? ["SIGINT", "SIGTERM"] : ["SIGINT"]);
  }
  return shutdown.controller.signal;
}

/** Aborts the {@link shutdownSignal} of this thread; only the first reason counts. */
export function abortShutdown(reason: unknown): void {
  shutdown.controller.abort(reason);
}

/** In a child SIGTERM keeps its meaning, the end at once: that is what `terminate()` sends. */
function listen(signals: readonly NodeJS.Signals[]): void {
  const onSignal = (signal: NodeJS.Signals): void => {
    for (const each of signals) process.off(each, onSignal);
    abortShutdown(new CancelledError(`The process received ${signal}.`));
  };
  for (const each of signals) process.on(each, onSignal);
}
