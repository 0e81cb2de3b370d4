import { takeCoverage } from "node:v8";
import { afterAll, expect } from "vitest";
import { watchLeaks } from "./helpers/leaks.ts";

/**
 * What these tests start is of lib/, which is not measured, or repeats what others have started and measured:
 * writing down its coverage takes half as long again as the programs themselves, whose ends some of these time.
 */
const UNMEASURED = [
  /\/test\/(docs|lifetime|package|runtimes|faults\/shared)\//,
  /\/test\/cli\/(docs-map|map-inputs|map-streaming)\./,
  /\/test\/(faults\/exactly-once|parking\/ends|process\/parent-exit|process\/programs|sync\/churn)\./,
];

const isMeasured = process.env["NODE_V8_COVERAGE"] !== undefined;
const path = expect.getState().testPath ?? "";
if (UNMEASURED.some((pattern) => pattern.test(path))) delete process.env["NODE_V8_COVERAGE"];

const watch = watchLeaks();

// Hooks run in reverse order: this one comes after those of the test file.
afterAll(async () => {
  // A fork of the test runner is ended before Node writes its coverage by itself.
  if (isMeasured) takeCoverage();
  await watch.check();
});
