import { createRequire } from "node:module";
import { entryUrl } from "../util/entry-url.ts";
import { performance, setImmediate } from "../util/platform.ts";
import { pathOfModule } from "./module-url.ts";

/** Turns of the event loop without anything being read: then no `import()` is under way. */
const QUIET_TURNS = 5;

/** How long a script may take to import what it needs, in ms; what waits for the network does not count as needed. */
const LIMIT_MS = 5_000;

/** True for a module whose import waits for all that it needs: any but CommonJS. */
export function isSettled(module: string): boolean {
  const path = pathOfModule(module);
  return path === undefined || createRequire(import.meta.url).cache[path] === undefined;
}

/**
 * Waits until a CommonJS script, which has been loaded, has imported the ES modules that it needs. webpack makes such
 * bundles: their modules run when `import()` has answered, and nobody hears of that.
 */
export async function untilSettled(module: string): Promise<void> {
  if (isSettled(module)) return;
  // The one that is needed for certain; what is imported from elsewhere begins at the same time.
  await import(entryUrl("index").href);
  const end = performance.now() + LIMIT_MS;
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < end; quiet++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (process.getActiveResourcesInfo().some((it) => it.startsWith("FSReq"))) quiet = -1;
  }
}
