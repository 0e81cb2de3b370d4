import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

const stress = mergeConfig(base, defineConfig({ test: { testTimeout: 600_000, maxWorkers: 1 } }));
// Merging joins lists; here they are replaced.
stress.test!.include = ["test/stress/**/*.test.ts"];
stress.test!.exclude = [];

export default stress;
