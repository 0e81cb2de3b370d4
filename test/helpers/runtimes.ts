import { existsSync, readFileSync } from "node:fs";

/** A program that scripts/runtimes.mjs installs for the tests. */
export type RuntimeName = "node22" | "node24" | "node26" | "tsx" | "typescript";

/** A folder of test/runtimes with packages of its own. */
export type ProjectName = "bundlers";

/** All rows of test/runtimes are to run, not only the quick ones; see scripts/runtimes.mjs. */
export const RUNS_ALL: boolean = process.env["MANYCORE_RUNTIMES"] === "all";

type Listing = Partial<Record<RuntimeName | ProjectName, string>>;

let known: Listing | undefined;

/**
 * Where a runtime is: the `node` program, or the script of tsx's command. Undefined when it could
 * not be installed, which is for `test.skipIf(runtime("node22") === undefined)`.
 */
export function runtime(name: RuntimeName): string | undefined {
  known ??= readListing();
  return known[name];
}

/** The folder where the packages of a project are installed; undefined when they could not be. */
export function project(name: ProjectName): string | undefined {
  known ??= readListing();
  return known[name];
}

function readListing(): Listing {
  const listing = new URL("../../node_modules/.cache/runtimes/runtimes.json", import.meta.url);
  if (!existsSync(listing)) {
    console.warn("NOTICE: tests with other runtimes are skipped; run: node scripts/runtimes.mjs");
    return {};
  }
  return JSON.parse(readFileSync(listing, "utf8")) as Listing;
}
