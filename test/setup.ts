import { takeCoverage } from "node:v8";
import { afterAll } from "vitest";
import { watchLeaks } from "./helpers/leaks.ts";

const watch = watchLeaks();

// Hooks run in reverse order: this one comes after those of the test file.
afterAll(async () => {
  // A fork of the test runner is ended before Node writes its coverage by itself.
  if (process.env["NODE_V8_COVERAGE"]) takeCoverage();
  await watch.check();
});
