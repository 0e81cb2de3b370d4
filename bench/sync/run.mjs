// npm run bench:sync: the primitives against CPython's and this ecosystem's, each run in a fresh process, the
// contenders in turn, medians. `--write` puts the table into bench/README.md.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine, PYTHON, pythonVersion } from "../lib/machine.mjs";
import { writeSection } from "../lib/readme.mjs";
import { installRivals } from "../lib/rivals.mjs";
import { median } from "../lib/statistics.mjs";
import { namespaceFolder } from "./namespace.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    pin: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const namespace = `bench-${process.pid}`;
let runs = 0;

const own = (figure) => () =>
  run(process.execPath, [here("manycore.mjs"), figure, "first", `run${runs++}`]);
const rival = (figure) => () => run(process.execPath, [here("rivals.mjs"), figure]);
const python = (figure) => () => run(PYTHON, [here("cpython.py"), figure]);

/** What is measured: the first row is what the others are compared with. */
const FIGURES = [
  {
    title: "lock, uncontended: take and release",
    unit: "ns",
    better: "lower",
    contenders: {
      "CPython Lock": python("lock"),
      "manycore Lock, sync": own("lock-sync"),
      "manycore Lock, async": own("lock-async"),
      "async-mutex (one process)": rival("async-mutex"),
      "proper-lockfile": rival("lockfile-alone"),
    },
  },
  {
    title: "re-entrant lock, uncontended",
    unit: "ns",
    better: "lower",
    contenders: {
      "CPython RLock": python("rlock"),
      "manycore RLock, sync": own("rlock-sync"),
    },
  },
  {
    title: "semaphore, uncontended",
    unit: "ns",
    better: "lower",
    contenders: {
      "CPython Semaphore": python("semaphore"),
      "manycore Semaphore, sync": own("semaphore-sync"),
    },
  },
  {
    title: "lock, two processes in a tight loop: pairs a second",
    unit: "/s",
    better: "higher",
    contenders: {
      "CPython Lock": python("contended"),
      "manycore Lock, sync": own("contended-sync"),
      "manycore Lock, async": own("contended-async"),
      "proper-lockfile": rival("lockfile-contended"),
    },
  },
  {
    title: "event: from set to the waiter's next line",
    unit: "µs",
    better: "lower",
    contenders: {
      "CPython Event": python("event"),
      "manycore Event, sync": own("event"),
    },
  },
  {
    title: "condition: from notify to the waiter's next line",
    unit: "µs",
    better: "lower",
    contenders: {
      "CPython Condition": python("condition"),
      "manycore Condition, sync": own("condition"),
    },
  },
  {
    title: "barrier of two processes: cycles a second",
    unit: "/s",
    better: "higher",
    contenders: {
      "CPython Barrier": python("barrier"),
      "manycore Barrier, sync": own("barrier"),
    },
  },
];

function run(program, args) {
  const [command, all] = values.pin ? ["taskset", ["-c", "0", program, ...args]] : [program, args];
  const env = { ...process.env, MANYCORE_NAMESPACE: namespace };
  // It would add 55 ms of work to the start of every Node, and nothing to what is measured.
  delete env.NODE_EXTRA_CA_CERTS;
  const output = execFileSync(command, all, {
    env,
    timeout: 120_000,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(String(output).trim().split("\n").at(-1)).value;
}

function measure(contenders) {
  const results = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    const order = Object.entries(contenders);
    for (const [name, once] of round % 2 === 0 ? order : order.toReversed()) {
      if (name.startsWith("CPython") && pythonVersion() === undefined) continue;
      results.get(name).push(once());
    }
  }
  return results;
}

const show = (value) =>
  value === undefined ? "-" : value.toLocaleString("en-US", { maximumSignificantDigits: 3 });

installRivals();
const rows = [];
for (const { title, unit, better, contenders } of FIGURES) {
  if (values.only !== undefined && !title.includes(values.only)) continue;
  const results = measure(contenders);
  const [base] = [...results.values()].map((list) => median(list));
  for (const [name, list] of results) {
    const value = median(list);
    const ratio = value === undefined || base === undefined ? undefined : value / base;
    const text = ratio === undefined ? "-" : `${show(better === "lower" ? 1 / ratio : ratio)}x`;
    rows.push(`| ${title} | ${name} | ${show(value)} ${unit} | ${text} |`);
    process.stderr.write(`${title}: ${name} ${show(value)} ${unit} (${text})\n`);
  }
}
rmSync(namespaceFolder(namespace), { recursive: true, force: true });
const machine = describeMachine();
const table = [
  "| figure | | median | as good as CPython, times |",
  "|---|---|---|---|",
  ...rows,
  "",
  `Median of ${ROUNDS}; ${values.pin ? "pinned to one core; " : ""}Node ${machine.node}, CPython ${machine.python}; commit ${machine.commit}; ${machine.date}.`,
].join("\n");
process.stdout.write(`${table}\n`);
if (values.write) writeSection("sync", table);
