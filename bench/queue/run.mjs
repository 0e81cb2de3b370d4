// Queues against CPython's and against what Node has: messages a second and round trips.
// `node bench/queue/run.mjs [--quick] [--write]`; every figure in fresh processes, the rivals in turn.
//
// The receiver is the process that counts; one or four others send. The clock runs from the first message
// received, when all senders are started and ready. A stream has two figures: of fresh processes, whose code is
// still being compiled, and of as many messages again, when it is. Which counts depends on how long a program runs.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writeSection } from "../lib/readme.mjs";
import { describeTable } from "../lib/simple-table.mjs";
import { median } from "../lib/statistics.mjs";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 5;
const SHAPES = {
  small: { total: quick ? 40_000 : 200_000, trips: 3000 },
  "1 KiB": { total: quick ? 20_000 : 100_000, trips: 3000 },
  "1 MiB": { total: quick ? 100 : 400, trips: 100 },
};
const NODE = [
  "Queue",
  "Queue sync",
  "Queue threads",
  "process.send json",
  "process.send advanced",
  "MessagePort",
];
const PYTHON = ["CPython Queue", "CPython SimpleQueue"];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

function measure(rival, shape, kind, producers) {
  const { total, trips } = SHAPES[shape];
  const count = kind === "stream" ? total : trips;
  const args = [rival, shape, kind, String(count), String(producers)];
  const [program, file] = rival.startsWith("CPython")
    ? ["python3", "rivals.py"]
    : [process.execPath, "rivals.mjs"];
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  const text = execFileSync(program, [here(file), ...args], {
    encoding: "utf8",
    timeout: 240_000,
    env,
  });
  return text.trim().split(" ").map(Number);
}

const rows = [];

function print(title, found, part, isRate) {
  const base = found.get("CPython Queue")?.map((figures) => figures[part]);
  for (const [rival, all] of found) {
    const values = all.map((figures) => figures[part]);
    const ratio =
      base && median(values.map((value, i) => (isRate ? value / base[i] : base[i] / value)));
    const value = Math.round(median(values)).toLocaleString("en");
    const times = ratio === undefined ? "" : ratio.toFixed(2);
    console.log(`  ${rival.padEnd(24)} ${value.padStart(12)} ${times.padStart(8)}`);
    rows.push([title, rival, value, times]);
  }
}

const rivals = [...NODE, ...(hasPython ? PYTHON : [])];
if (!hasPython) console.log("No python3 here: without CPython's figures.");
for (const [kind, producers] of [
  ["stream", 1],
  ["stream", 4],
  ["round trip", 1],
]) {
  for (const shape of Object.keys(SHAPES)) {
    // Bytes as JSON take minutes.
    const able = rivals.filter((rival) => shape !== "1 MiB" || rival !== "process.send json");
    const found = new Map(able.map((rival) => [rival, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const rival of round % 2 === 0 ? able : able.toReversed()) {
        found.get(rival).push(measure(rival, shape, kind, producers));
      }
    }
    const isRate = kind === "stream";
    const parts = isRate ? [`${producers} to 1, first (messages/s)`, "then"] : ["(µs)"];
    for (const [part, title] of parts.entries()) {
      const what = `${kind}, ${shape}, ${title}`;
      console.log(`\n${what}; × CPython Queue within a round`);
      print(what, found, part, isRate);
    }
  }
}

if (process.argv.includes("--write")) {
  writeSection(
    "queue",
    describeTable(["figure", "contender", "median", "× CPython Queue"], rows, ROUNDS),
  );
}
