// Pipes and listeners against CPython's and against what Node has: messages a second and round trips.
// `node bench/connection/run.mjs [--quick] [--write]`; every figure in a fresh pair of processes, the rivals in turn.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writeSection } from "../lib/readme.mjs";
import { describeTable } from "../lib/simple-table.mjs";
import { median } from "../lib/statistics.mjs";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 3;
const SHAPES = {
  small: { total: quick ? 20_000 : 100_000, trips: 2000 },
  "1 KiB": { total: quick ? 20_000 : 60_000, trips: 2000 },
  "1 MiB": { total: quick ? 100 : 400, trips: 100 },
};
const NODE = [
  "pipe",
  "listener unix",
  "listener tcp",
  "process.send",
  "MessagePort",
  "bare Unix socket",
];
const PYTHON = ["CPython Pipe", "CPython Listener unix", "CPython Listener tcp"];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function hasPython() {
  return spawnSync("python3", ["--version"]).status === 0;
}

function measure(rival, shape, kind) {
  const { total, trips } = SHAPES[shape];
  const args = [rival, shape, kind, String(kind === "stream" ? total : trips)];
  const [program, file] = rival.startsWith("CPython")
    ? ["python3", "rivals.py"]
    : [process.execPath, "rivals.mjs"];
  return Number(
    execFileSync(program, [here(file), ...args], { encoding: "utf8", timeout: 120_000 }),
  );
}

const rows = [];
const rivals = [...NODE, ...(hasPython() ? PYTHON : [])];
if (!hasPython()) console.log("No python3 here: without CPython's figures.");
for (const kind of ["stream", "round trip"]) {
  for (const shape of Object.keys(SHAPES)) {
    const found = new Map(rivals.map((rival) => [rival, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const rival of rivals) found.get(rival).push(measure(rival, shape, kind));
    }
    const what = `${kind}, ${shape} (${kind === "stream" ? "messages/s" : "µs"})`;
    console.log(`\n${what}`);
    for (const [rival, values] of found) {
      const value = Math.round(median(values)).toLocaleString("en");
      console.log(`  ${rival.padEnd(24)} ${value.padStart(12)}`);
      rows.push([what, rival, value]);
    }
  }
}

if (process.argv.includes("--write")) {
  writeSection("connection", describeTable(["figure", "contender", "median"], rows, ROUNDS));
}
