import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** `lib`: the bundle that users run, for the suites that must hold in it as well; see scripts/tests.mjs. */
const build = process.env["MANYCORE_BUILD"] ?? "dist";

export default defineConfig({
  resolve: {
    // Tests see the built package, as a user does; Vite does not resolve a package's own name by itself.
    alias: [
      {
        find: /^manycore$/,
        replacement: fileURLToPath(new URL(`./${build}/index.js`, import.meta.url)),
      },
    ],
  },
  // The bundled code of Vite's client has no place here: every module below dist/ is loaded by Node.
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/stress/**", "test/fixtures/**", "test/runtimes/*/**"],
    setupFiles: ["test/setup.ts"],
    // Never "threads": there isMainThread is false and signals do not arrive.
    pool: "forks",
    // Test files start processes of their own, so half of the cores is enough to keep all of them busy; more
    // would make bounds fail that are promises, such as how soon orphans are gone.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // Bounds against hangs, not expectations: a loaded machine may be ten times slower.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    server: { deps: { external: [/\/(dist|lib)\//, /\/test\/fixtures\//] } },
  },
});
