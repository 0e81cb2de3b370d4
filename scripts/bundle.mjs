// Makes lib/, what users run, of src/: the same entries in a handful of files.
//
// Node's loader needs a fraction of a millisecond for each module. As a hundred modules the package costs
// a program 80 ms of CPU at its start, and each worker again; bundled it is 15 ms.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { toCommonJs } from "./bundle/to-commonjs.mjs";
import { fronts } from "./bundle/fronts.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Every module that is named by a URL instead of an import; see src/util/entry-url.ts. */
const ENTRIES = [
  "index",
  "process/entry",
  "process/child-role",
  "thread/entry",
  "thread/child-role",
  "thread/timer-entry",
  "executor/worker/role",
  "manager/serve",
  "cli/main",
  "cli/map/work/block-runner",
  "win32event/index",
  "util/facade",
];

/** What `import "manycore"` reads. The platform's functions are kept as they are then, before tests take the clock. */
const FRONT = /src\/(errors|util\/(builtin|facade|platform))/;

/** What an executor's worker loads; it should be little else. */
const IN_WORKERS =
  /src\/(util|wire|task\/(identity|function-kind|register|import|inline-source|is-main|jiti|module-url|quiet-import|resolve(?!-located)|slot|source-hash|test-file|tsx|typescript)|process\/(identity|shutdown-signal|watchdog)|executor\/(claims|protocol|stream|trace|transfer|worker\/))/;

/** What few workers load, and callers never. */
const RARE = /src\/task\/(test-runners|module-type)/;

/** What workers load for a function of a bundle, or for an inline one that imports something. */
const LOCATED = /src\/task\/(resolve-located|inline-imports|lexer)/;

/** What a program that imports the package needs beyond `caller`. What only a server has is loaded by it. */
const PRIMITIVES =
  /src\/(os|memory|parking\/(?!census|clean)|sync\/(?!describe-(kinds|state))|queue|connection|logging|shared|manager\/(?!outgoing|public-methods|refTable|session|server\.|serve\.))/;

export async function bundle() {
  const output = join(root, "lib");
  rmSync(output, { recursive: true, force: true });
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(root, "src", `${entry}.ts`)])),
    platform: "node",
    external: [
      /^node:/,
      /^@koromix\//,
      "commander",
      /^es-module-lexer/,
      "jiti",
      "papaparse",
      "pino",
      "tinyglobby",
    ],
    tsconfig: join(root, "tsconfig.json"),
    // A module that is imported now by one entry and later by another is where the first one needs it.
    plugins: [toCommonJs(), fronts()],
    checks: { ineffectiveDynamicImport: false, preferBuiltinFeature: false, pluginTimings: false },
  });
  await build.write({
    dir: output,
    // The plugins make CommonJS of it.
    format: "esm",
    minifyInternalExports: false,
    sourcemap: true,
    // A fifth of each file would be comments, to be read at each start. Names and lines stay: Node prints the
    // line that threw an error which nobody caught.
    comments: false,
    minify: false,
    entryFileNames: "[name].cjs",
    // One folder deep, as src/util/entry-url.ts expects of the chunk it is in.
    chunkFileNames: "chunks/[name]-[hash].cjs",
    // Few chunks: each costs the loader as much as parsing thousands of lines.
    codeSplitting: {
      groups: [
        { name: "errors", test: FRONT, priority: 3 },
        { name: "worker", test: IN_WORKERS, priority: 2 },
        { name: "located", test: LOCATED, priority: 1.8 },
        { name: "rare", test: RARE, priority: 1.5 },
        {
          name: "caller",
          test: /src\/(task|process|thread|executor|pool)\/(?!(child-role|entry)\.ts)/,
          priority: 1,
        },
        { name: "primitives", test: PRIMITIVES, priority: 0 },
      ],
    },
  });
  await build.close();
  leaveSourcesOut(output);
}

/**
 * The package has src/ beside lib/: the sources need not be in the maps as well. Node reads the maps of all
 * modules under `--enable-source-maps`, and writes them down for each process whose coverage is taken.
 */
function leaveSourcesOut(folder) {
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!entry.endsWith(".map")) continue;
    const path = join(folder, entry);
    const { sourcesContent: _, ...map } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify(map));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
