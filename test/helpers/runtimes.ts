import { existsSync, readFileSync } from "node:fs";

/** A program that scripts/runtimes.mjs installs for the tests. */
export type RuntimeName = "node22" | "node24" | "node26" | "tsx" | "typescript";

let known: Partial<Record<RuntimeName, string>> | undefined;

/**
 * Where a runtime is: the `node` program, or the script of tsx's command. Undefined when it could
 * not be installed, which is for `test.skipIf(runtime("node22") === undefined)`.
 */
export function runtime(name: RuntimeName): string | undefined {
  known ??= readListing();
  return known[name];
}

function readListing(): Partial<Record<RuntimeName, string>> {
  const listing = new URL("../../node_modules/.cache/runtimes/runtimes.json", import.meta.url);
  if (!existsSync(listing)) {
    console.warn("NOTICE: tests with other runtimes are skipped; run: node scripts/runtimes.mjs");
    return {};
  }
  return JSON.parse(readFileSync(listing, "utf8")) as Partial<Record<RuntimeName, string>>;
}
