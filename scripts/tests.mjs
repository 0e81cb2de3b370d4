// All tests, with the coverage of what they start: child processes and threads included.
//   node scripts/tests.mjs            and the shares that .c8rc.json asks for, as in `npm test`
//   node scripts/tests.mjs --table    and a table of what they reach; coverage/index.html has the lines
//   node scripts/tests.mjs --bundled  only what must hold in lib/ as well: users run the bundle, the tests dist/
//
// Each process and each thread leaves a file, some thousand in all. c8 would merge them one by one into a
// growing sum, modules of Node and of the test runner too; here what is ours is merged, many files at a time.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { mergeProcessCovs } from "@bcoe/v8-coverage";

/** So many files are merged in one go; their contents are in memory together. */
const MERGED_AT_ONCE = 64;

/** What follows in a file of Node's after the counts. */
const MAPS = ',"source-map-cache":';

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "coverage");
const raw = join(folder, "raw");
const merged = join(folder, "tmp");
/**
 * src/, module by module. What runs of lib/ has no part in it: the way back from a bundle leads a few columns
 * beside the one from a module, and each function would count twice.
 */
const OURS = pathToFileURL(join(root, "dist/")).href;

if (process.argv.includes("--bundled")) {
  process.exit(
    run("vitest", ["run", "test/conformance"], { ...process.env, MANYCORE_BUILD: "lib" }),
  );
}
rmSync(folder, { recursive: true, force: true });
mkdirSync(merged, { recursive: true });
const tests = run("vitest", ["run"], { ...process.env, NODE_V8_COVERAGE: raw });
if (tests === 0) {
  const sum = mergeFolder();
  writeFileSync(join(merged, "merged.json"), JSON.stringify({ ...sum, ...mapsOf(sum) }));
}
// A gigabyte.
rmSync(raw, { recursive: true, force: true });
if (tests !== 0) process.exit(tests);
const reporters = process.argv.includes("--table") ? ["--reporter=text", "--reporter=html"] : [];
process.exit(run("c8", ["report", "--temp-directory", merged, ...reporters], process.env));

/** Runs a program of the dev dependencies. */
function run(program, args, env) {
  const result = spawnSync("npx", ["--no-install", program, ...args], {
    cwd: root,
    stdio: "inherit",
    env,
    shell: process.platform === "win32",
  });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

function mergeFolder() {
  let total = { result: [] };
  const files = readdirSync(raw);
  for (let at = 0; at < files.length; at += MERGED_AT_ONCE) {
    const some = files
      .slice(at, at + MERGED_AT_ONCE)
      .map(read)
      .filter(Boolean);
    total = mergeProcessCovs([total, ...some]);
  }
  return total;
}

/** One process's counts of our modules; `undefined` when it was killed while it wrote them. */
function read(file) {
  const text = readFileSync(join(raw, file), "utf8");
  // Most of a file, and the same in each; see mapsOf.
  const maps = text.indexOf(MAPS);
  let report;
  try {
    report = JSON.parse(maps < 0 ? text : `${text.slice(0, maps)}}`);
  } catch {
    return undefined;
  }
  const result = report.result.filter(({ url }) => url.startsWith(OURS));
  return { result };
}

/**
 * The way back to src/, in the form in which Node writes it, but with paths: of a source that is named by a URL c8
 * would take no counts, and take all of its lines to have run.
 */
function mapsOf({ result }) {
  const maps = {};
  for (const { url } of result) {
    const path = fileURLToPath(url);
    if (!existsSync(`${path}.map`)) continue;
    const lineLengths = readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.length);
    const data = JSON.parse(readFileSync(`${path}.map`, "utf8"));
    const sources = data.sources.map((source) => fileURLToPath(new URL(source, url)));
    maps[url] = { lineLengths, data: { ...data, sources } };
  }
  return { "source-map-cache": maps };
}
