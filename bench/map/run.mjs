// node bench/map/run.mjs [--quick] [--write]: `manycore map` against what else one would take.
//
// The contenders take turns, round after round; the table has the median of each and its ratio to the
// one-core loop of the same round. Each output is checked.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeMachine, PYTHON } from "../lib/machine.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const isQuick = process.argv.includes("--quick");
const ROUNDS = isQuick ? 1 : 3;
const FIRST_ROUNDS = isQuick ? 1 : 9;
const WORKERS = Math.min(2, availableParallelism());
const COMMAND = here("../../lib/cli/main.cjs");
const README = here("README.md");

const FIGURES = [
  { name: "trivial", fn: "touch", records: isQuick ? 100_000 : 1_000_000, perArgs: 15_000 },
  // Some twenty seconds of work, and some one: there starting up counts.
  { name: "computing", fn: "compute", records: isQuick ? 100 : 4800, perArgs: 100 },
  { name: "computing, shortly", fn: "compute", records: isQuick ? 50 : 300, perArgs: 30 },
];

const node = process.execPath;
const CONTENDERS = [
  { name: "one-core loop", args: (fn) => [node, here("one-core.mjs"), fn], isPiped: true },
  {
    name: `manycore map -j ${WORKERS}`,
    args: (fn, input) => [
      node,
      COMMAND,
      "map",
      `${here("work.mjs")}#${fn}`,
      input,
      "-q",
      "-j",
      `${WORKERS}`,
    ],
  },
  {
    name: "manycore map -j 1",
    args: (fn, input) => [
      node,
      COMMAND,
      "map",
      `${here("work.mjs")}#${fn}`,
      input,
      "-q",
      "-j",
      "1",
    ],
  },
  {
    name: "parallel --pipe",
    needs: "parallel",
    args: (fn, input, { records }) => [
      ...["parallel", "--will-cite", "-k", "-j", `${WORKERS}`, "--pipepart", "-a", input],
      // Blocks of its own choice for much data, an even share for little.
      ...["--block", records > 10_000 ? "10M" : "-10", `${node} ${here("one-core.mjs")} ${fn}`],
    ],
  },
  {
    name: "xargs (no order)",
    needs: "xargs",
    isUnordered: true,
    isPiped: true,
    args: (fn, _, { perArgs }) => [
      ...["xargs", "-d", "\\n", "-P", `${WORKERS}`, "-n", `${perArgs}`, "-s", "1900000"],
      ...[node, here("arguments.mjs"), fn],
    ],
  },
  {
    name: "CPython Pool.imap",
    needs: PYTHON,
    isPiped: true,
    // It takes twenty times as long to compute.
    share: { compute: 1 / 10 },
    args: (fn) => [PYTHON, here("pool.py"), fn, `${WORKERS}`],
  },
];

const folder = mkdtempSync(join(tmpdir(), "manycore-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function writeInput(records) {
  const path = join(folder, `${records}.jsonl`);
  const lines = [];
  for (let id = 0; id < records; id++) {
    const score = (id * 7919) % 1_000_003;
    lines.push(
      `{"id":${id},"user":"user${id % 1000}","score":${score},"tags":["a","bc"],"ok":true}\n`,
    );
  }
  writeFileSync(path, lines.join(""));
  return path;
}

function environment() {
  // It triples the start of Node, which is no property of anybody here.
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  return env;
}

/** Runs a contender once. @returns seconds of wall time; its lines are in the file `output`. */
function runOnce(contender, figure, input) {
  const output = join(folder, "output");
  const [program, ...args] = contender.args(figure.fn, input, figure);
  const stdin = contender.isPiped ? openSync(input, "r") : "ignore";
  const begun = performance.now();
  const child = spawn(program, args, {
    stdio: [stdin, openSync(output, "w"), "inherit"],
    env: environment(),
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => {
      const seconds = (performance.now() - begun) / 1000;
      if (code === 0) resolve(seconds);
      else reject(new Error(`${contender.name} ended with ${code}`));
    });
  });
}

/** A hash of the output's first `records` lines. */
function hashOutput(records, isUnordered) {
  const lines = readFileSync(join(folder, "output"), "utf8").split("\n").slice(0, records);
  if (isUnordered) lines.sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** How many of a figure's records a contender is given. */
function recordsFor({ share }, { fn, records }) {
  return Math.round(records * (share?.[fn] ?? 1));
}

async function measure(figure, contenders) {
  const rates = new Map(contenders.map(({ name }) => [name, []]));
  const seconds = new Map(contenders.map(({ name }) => [name, []]));
  const hashes = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const records = recordsFor(contender, figure);
      const taken = await runOnce(contender, figure, writeInput(records));
      checkOutput(contender, records, hashes);
      seconds.get(contender.name).push(taken);
      rates.get(contender.name).push(records / taken);
      process.stderr.write(
        `${figure.name} ${round + 1}/${ROUNDS} ${contender.name}: ${taken.toFixed(2)} s\n`,
      );
    }
  }
  const loop = rates.get("one-core loop");
  const rows = contenders.map((contender) => {
    const own = rates.get(contender.name);
    const ratio = median(own.map((value, at) => value / loop[at]));
    const records = recordsFor(contender, figure);
    const note = records === figure.records ? "" : ` (${records.toLocaleString("en-US")} records)`;
    const perSecond = Math.round(median(own)).toLocaleString("en-US");
    const wall = median(seconds.get(contender.name)).toFixed(2);
    return `| ${contender.name}${note} | ${wall} | ${perSecond} | ${ratio.toFixed(2)} |`;
  });
  const head = `**${figure.name}**: ${figure.records.toLocaleString("en-US")} records, median of ${ROUNDS}`;
  const table = ["| | seconds | records/s | × loop |", "| --- | ---: | ---: | ---: |", ...rows];
  return [head, "", ...table].join("\n");
}

/** All contenders that are given the same records have the same lines, in some order or in theirs. */
function checkOutput({ name, isUnordered }, records, hashes) {
  const kinds = isUnordered ? ["unordered"] : ["ordered", "unordered"];
  for (const kind of kinds) {
    const hash = hashOutput(records, kind === "unordered");
    const key = `${records} ${kind}`;
    if (hashes.has(key) && hashes.get(key) !== hash) throw new Error(`${name} gave another output`);
    hashes.set(key, hash);
  }
}

/** From the start of the command to the first byte of the first result. */
async function measureFirst() {
  const command = (file) => [COMMAND, "map", `${here(file)}#touch`, "--format", "jsonl", "-q"];
  const ways = [
    { name: "an empty program of Node", args: [here("empty.mjs")] },
    { name: "a function in .js", args: command("work.mjs") },
    { name: "a function in .ts", args: command("typed.ts") },
  ];
  const times = ways.map(() => []);
  for (let round = 0; round < FIRST_ROUNDS; round++) {
    for (const [at, { args }] of ways.entries()) times[at].push(await timeFirst(args));
  }
  const rows = ways.map(({ name }, at) => `| ${name} | ${Math.round(median(times[at]))} |`);
  process.stderr.write(`${rows.join("\n")}\n`);
  return [
    `**first record**: milliseconds from the start of the command to its first result, median of ${FIRST_ROUNDS}`,
    "",
    "| | ms |",
    "| --- | ---: |",
    ...rows,
  ].join("\n");
}

async function timeFirst(args) {
  const begun = performance.now();
  const child = spawn(node, args, { stdio: ["pipe", "pipe", "inherit"], env: environment() });
  // Its input stays open: the first result does not wait for the last record.
  child.stdin.write('{"id":1,"score":2}\n');
  await once(child.stdout, "data");
  const taken = performance.now() - begun;
  child.stdin.end();
  await once(child, "exit");
  return taken;
}

/** The most memory the command itself takes, for inputs of several sizes. */
async function measureMemory() {
  const sizes = isQuick ? [10, 100] : [100, 1000, 10_000];
  const rows = [];
  for (const megabytes of sizes) {
    const path = join(folder, "memory.jsonl");
    const line = `{"id":1,"score":2,"text":"${"x".repeat(71)}"}\n`;
    const block = Buffer.from(line.repeat(10_000));
    const fd = openSync(path, "w");
    for (let at = 0; at < megabytes; at++) writeFileSync(fd, block);
    const args = [COMMAND, "map", `${here("work.mjs")}#touch`, path, "-q", "-j", `${WORKERS}`];
    const child = spawn(node, [...args, "-o", "/dev/null"], {
      stdio: "inherit",
      env: environment(),
    });
    let most = 0;
    const timer = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
      } catch {
        // It ended between two looks.
      }
    }, 20);
    await new Promise((resolve) => child.on("exit", resolve));
    clearInterval(timer);
    rmSync(path);
    rows.push(`| ${megabytes.toLocaleString("en-US")} MB | ${Math.round(most / 1024)} MiB |`);
    process.stderr.write(`memory ${megabytes} MB: ${Math.round(most / 1024)} MiB\n`);
  }
  return [
    "**memory** of the command itself, at most",
    "",
    "| input | resident |",
    "| ---: | ---: |",
    ...rows,
  ].join("\n");
}

const contenders = CONTENDERS.filter(({ name, needs }) => {
  const isThere = needs === undefined || spawnSync(needs, ["--version"]).error === undefined;
  if (!isThere) process.stderr.write(`${name} is left out: ${needs} is not installed\n`);
  return isThere;
});
const { machine, node: nodeVersion, python, date, commit } = describeMachine();
const tables = [`${machine}; Node ${nodeVersion}, CPython ${python}; ${commit}, ${date}`];
for (const figure of FIGURES) tables.push(await measure(figure, contenders));
tables.push(await measureFirst(), await measureMemory());
const text = tables.join("\n\n");
process.stdout.write(`${text}\n`);
if (process.argv.includes("--write")) {
  const readme = readFileSync(README, "utf8");
  const between = /(?<=<!-- figures -->\n)[^]*?(?=\n<!-- \/figures -->)/;
  writeFileSync(
    README,
    readme.replace(between, () => `\n${text}\n`),
  );
  // Columns are as wide as their cells.
  const formatted = spawnSync("npx", ["--no-install", "oxfmt", README], { stdio: "inherit" });
  if (formatted.status !== 0) throw new Error("The README could not be formatted: npm run format");
}
