// Explores the models of test/model with spin: every interleaving and every death of a few participants.
// Each run has an expected result; a mutant is a model with a mistake in it, which must be found, so that
// the model is known to see something.
//   node scripts/model.mjs                      all runs (`npm run model`): some minutes
//   node scripts/model.mjs --quick              those of a few seconds, as in `npm test`
//   node scripts/model.mjs mutex "N=3 KILLS=1"  one of them; leaves the trail of a failure
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const models = fileURLToPath(new URL("../test/model/", import.meta.url));

/** Memory of one run in MB, and its seconds: bounds, not expectations. */
const MEMORY_MB = 3000;
const RUN_LIMIT_S = 300;
const INSTALL_LIMIT_MS = 60_000;

const HOLDS = "holds";
const FAILS = "fails";

/** `npm test` has time for the quick ones only. */
const RUNS = [
  ...of("mutex", HOLDS, ["N=2 ROUNDS=2", "N=2 ROUNDS=2 KILLS=2"], "quick"),
  ...of("mutex", HOLDS, ["N=2 ROUNDS=2 KILLS=1 SLICES=1", "N=3"]),
  ...of("mutex", HOLDS, ["N=3 KILLS=1", "N=3 KILLS=1 SLICES=1"]),
  ...of("mutex", FAILS, ["BLIND_ARM", "HEIR_IN_WORD"], "quick"),
  ...of("mutex", FAILS, ["SILENT_LEAVE", "LATE_WITHDRAWAL", "KILLS=1 SLICES=1 STEAL_BLIND"]),
  ...of("semaphore", HOLDS, ["", "GIVER KILLS=1"], "quick"),
  ...of("semaphore", HOLDS, ["GIVER", "GIVER KILLS=1 SLICES=1", "ROUNDS=2", "KILLS=1 SLICES=1"]),
  ...of("semaphore", FAILS, ["GIVER SILENT_WIN"], "quick"),
  ...of("semaphore", FAILS, ["BLIND_ARM", "SILENT_LEAVE"]),
  ...of("event", HOLDS, ["KILLS=1", "AUTO KILLS=1", "N=2 TWICE"], "quick"),
  ...of("event", HOLDS, ["", "KILLS=1 SLICES=1", "AUTO", "AUTO KILLS=1 SLICES=1", "N=4"]),
  ...of("event", FAILS, ["NO_SEQ", "AUTO SILENT_WIN", "N=2 TWICE EARLY_SEQ"], "quick"),
  ...of("event", FAILS, ["LATE_SEQ", "AUTO BLIND_ARM", "AUTO SILENT_LEAVE"]),
  ...of("condition", HOLDS, ["", "KILLS=1"], "quick"),
  ...of("condition", HOLDS, ["KILLS=1 SLICES=1", "N=4"]),
  ...of("condition", FAILS, ["LATE_SEAT"], "quick"),
  ...of("condition", FAILS, ["EARLY_LEAVE"]),
  ...of("barrier", HOLDS, ["", "N=2 KILLS=1"], "quick"),
  ...of("barrier", HOLDS, ["ROUNDS=2", "KILLS=1", "KILLS=1 SLICES=1"]),
  ...of("barrier", FAILS, ["KILLS=1 LATE_MEMBER"], "quick"),
  ...of("barrier", FAILS, ["EARLY_GO", "BLIND_ARM ROUNDS=2", "KILLS=1 NO_SEARCH"]),
  ...of("ring", HOLDS, ["", "KILLS=1"], "quick"),
  ...of("ring", HOLDS, ["KILLS=1 SLICES=1"]),
  ...of("ring", FAILS, ["EARLY_WIN"], "quick"),
  ...of("handshake", HOLDS, ["", "CLIENTS=3 LISTENERS=1"], "quick"),
  ...of("handshake", HOLDS, ["CLIENTS=3 LISTENERS=3"]),
  // Of the last one only the clients of Python are to blame: see docs/channels.md.
  ...of("handshake", FAILS, ["NO_MARKER", "NO_MARKER CLIENTS=2 LISTENERS=0", "UNMARKED"], "quick"),
  ...of("ring", FAILS, ["COMMIT_FIRST", "LOOK_FIRST", "SILENT_WIN", "KILLS=1 NO_REPAIR"]),
  ...of("leave", HOLDS, ["", "KILLS=1"], "quick"),
  ...of("leave", HOLDS, ["N=4"]),
  ...of("leave", FAILS, ["NO_MARK", "MARK_FIRST", "LATE_MARK", "ONE_LOOK"], "quick"),
];

function of(model, expected, settings, length = "long") {
  return settings.map((setting) => ({ model, expected, setting, length }));
}

const [first, setting] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const isQuick = process.argv.includes("--quick");
const wanted = RUNS.filter(
  (run) =>
    (!isQuick || run.length === "quick") &&
    (first === undefined || run.model === first) &&
    (setting === undefined || run.setting === setting),
);
const missing = missingTool();
if (missing !== undefined) {
  console.error(`NOTICE: the models are not explored: ${missing}`);
  process.exit(isQuick ? 0 : 1);
}
if (wanted.length === 0) {
  console.error(`No such run. Models: ${[...new Set(RUNS.map((run) => run.model))].join(", ")}.`);
  process.exit(2);
}

const begun = performance.now();
const failures = wanted.filter((run) => !explore(run));
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(`${wanted.length} runs, ${failures.length} not as expected, ${seconds} s`);
process.exit(failures.length === 0 ? 0 : 1);

/** Generates, compiles and runs one exploration; tells in a line what it found. */
function explore({ model, setting: settings, expected }) {
  const folder = mkdtempSync(join(tmpdir(), "manycore-model-"));
  cpSync(models, folder, { recursive: true });
  const defines = settings.split(" ").filter(Boolean);
  const kept = [];
  try {
    const spin = run("spin", ["-a", ...defines.map((word) => `-D${word}`), `${model}.pml`]);
    if (!existsSync(join(folder, "pan.c"))) throw new Error(`spin: ${spin.stdout}${spin.stderr}`);
    // A whole search needs only its states; memory is bounded by compressing them.
    // What fails does so early: there the compiler takes longer than the search.
    const level = expected === FAILS ? "-O0" : "-O1";
    const options = [level, "-w", "-DSAFETY", "-DCOLLAPSE", "-DNOFAIR", `-DMEMLIM=${MEMORY_MB}`];
    const gcc = run("gcc", [...options, "-o", "pan", "pan.c"]);
    if (gcc.status !== 0) throw new Error(`gcc: ${gcc.stderr}`);
    const pan = run("./pan", ["-m200000", "-w22"], RUN_LIMIT_S * 1000);
    const result = readResult(pan);
    const isExpected = result.found === expected;
    const name = `${model} ${settings}`.trim().padEnd(38);
    console.log(
      `${isExpected ? "ok  " : "FAIL"} ${name} ${result.found}${isExpected ? "" : `, expected: ${expected}`}; ${result.states} states, ${result.seconds} s${result.why}`,
    );
    if (!isExpected) {
      kept.push(folder);
      console.log(
        `     ${folder}: spin -t -p -g ${defines.map((d) => `-D${d}`).join(" ")} ${model}.pml`,
      );
    }
    return isExpected;
  } finally {
    if (kept.length === 0) rmSync(folder, { recursive: true, force: true });
  }

  function run(program, args, timeout = 60_000) {
    const started = performance.now();
    const result = spawnSync(program, args, { cwd: folder, encoding: "utf8", timeout });
    return { ...result, seconds: ((performance.now() - started) / 1000).toFixed(1) };
  }
}

/** What pan says: whether it searched everything, and what it found. */
function readResult({ stdout, stderr, status, signal, seconds: time }) {
  const errors = /errors: (\d+)/.exec(stdout)?.[1];
  const states = /(\d+) states, stored/.exec(stdout)?.[1] ?? "?";
  const why = /^pan:\d+: (.*)$/m.exec(stdout)?.[1];
  const common = { states, seconds: time, why: why === undefined ? "" : `; ${why}` };
  if (errors !== undefined && errors !== "0") return { ...common, found: FAILS };
  // Out of memory or depth: not everything was seen.
  const isWhole = errors === "0" && !/max search depth too small|out of memory/i.test(stdout);
  if (isWhole) return { ...common, found: HOLDS };
  const text = signal ?? (`${stderr}${stdout}`.trim().split("\n").at(-1) || `status ${status}`);
  return { ...common, found: "was not finished", why: `; ${text}` };
}

/** Gives the reason why the models cannot be explored; installs spin where that is quick. */
function missingTool() {
  if (!isPresent("gcc", "--version")) return "gcc is missing.";
  if (isPresent("spin", "-V")) return undefined;
  if (process.env.MANYCORE_MODELS === "off") return "spin is missing (MANYCORE_MODELS=off).";
  if (process.getuid?.() !== 0 || !isPresent("apt-get", "--version")) {
    return "spin is missing; on Debian: apt-get install spin";
  }
  const args = ["install", "-y", "-q", "--no-install-recommends", "spin"];
  const result = spawnSync("apt-get", args, { encoding: "utf8", timeout: INSTALL_LIMIT_MS });
  if (isPresent("spin", "-V")) return undefined;
  return `spin could not be installed: ${(result.stderr ?? "").trim().split("\n").at(-1)}`;
}

function isPresent(program, option) {
  return spawnSync(program, [option], { stdio: "ignore" }).status === 0;
}
