// `npm run check`: every habit of the repository, the quick ones first and the tests last, so that
// their closing lines are the last thing to read. Stops at the first step that fails.
// `node scripts/check.mjs lint types` runs only the named steps.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Each step is one program of this package's dev dependencies, or a script of this folder. */
const STEPS = {
  build: ["node", "scripts/build.mjs"],
  format: ["oxfmt", "--check"],
  types: ["tsc", "-p", "tsconfig.test.json"],
  ladder: ["node", "scripts/ladder.mjs"],
  lint: ["oxlint", "--type-aware", "--deny-warnings", "--report-unused-disable-directives"],
  api: ["api-extractor", "run", "--print-api-report-diff"],
  package: ["node", "scripts/package-checks.mjs"],
  model: ["node", "scripts/model.mjs", "--quick"],
  runtimes: ["node", "scripts/runtimes.mjs", "--quiet"],
  bundled: ["node", "scripts/tests.mjs", "--bundled"],
  tests: ["node", "scripts/tests.mjs"],
};

/** What to do when a step fails and its own output does not say it. */
const ADVICE = {
  format: "`npm run format` mends it.",
  tests: "If only the coverage is short: `npm run coverage` shows what no test reaches.",
  api: "When the public surface was meant to change: `npm run api`, and commit api/ with it.",
};

const asked = process.argv.slice(2);
for (const name of asked) {
  if (!(name in STEPS)) {
    console.error(`No step is called ${name}; there are ${Object.keys(STEPS).join(", ")}.`);
    process.exit(2);
  }
}

for (const [name, command] of Object.entries(STEPS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const begun = performance.now();
  console.log(`\n== ${name}: ${command.join(" ")}`);
  const status = run(command);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`\n== ${name} failed after ${seconds} s. ${ADVICE[name] ?? ""}`);
    console.error(`Again, alone: node scripts/check.mjs ${name}`);
    process.exit(1);
  }
  console.log(`== ${name}: ${seconds} s${name === "tests" ? `; ${coverage()}` : ""}`);
}

/** One line, so that the closing lines of the tests stay in sight; the table is in coverage/index.html. */
function coverage() {
  const summary = readFileSync(join(root, "coverage/coverage-summary.json"), "utf8");
  const { lines, functions, branches } = JSON.parse(summary).total;
  return `coverage of lines ${lines.pct} %, functions ${functions.pct} %, branches ${branches.pct} %`;
}

/** Runs through npm's own search path, so that the installed versions are used. */
function run([program, ...args]) {
  const result =
    program === "node"
      ? spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" })
      : spawnSync("npx", ["--no-install", program, ...args], { cwd: root, stdio: "inherit" });
  if (result.error) throw result.error;
  return result.status ?? 1;
}
