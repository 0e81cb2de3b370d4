import { readFileSync } from "node:fs";
import { pathOfModule } from "./module-url.ts";

/** A module that imports a test runner, or calls the globals of one as tests do: with a title first. */
const RUNNER =
  /["'](?:node:test|vitest|@jest\/globals|mocha)["']|(?<![.\w$])(?:context|describe|it|specify|suite|test)(?:\.\w+)*\(\s*["'`]/;

/** Messages of modules that find no runner. */
const NO_RUNNER =
  /Vitest failed to (?:access its internal state|find the runner)|Do not import `@jest\/globals`|^(?:after|afterAll|afterEach|before|beforeAll|beforeEach|context|describe|expect|it|jest|suite|test|vi) is not defined$/;

/** Tells whether a module is a file of tests, which run where it is imported. */
export function isTestFile(url: string): boolean {
  const path = url.startsWith("file:") ? pathOfModule(url) : undefined;
  if (path === undefined) return false;
  try {
    return RUNNER.test(readFileSync(path, "utf8"));
  } catch {
    // Importing it will say why it cannot be read.
    return false;
  }
}

/** Tells whether a module failed to load because it wants a test runner. */
export function wantsRunner(error: unknown): boolean {
  return error instanceof Error && NO_RUNNER.test(error.message);
}
