// node bench/start/run.mjs: what starting costs, beside tinypool and workerpool, on every Node of scripts/runtimes.mjs that
// is here. The contenders take turns, each run is a fresh process; medians. `--write` puts the table into bench/README.md.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch, RESULT_MARK } from "../lib/launch.mjs";
import { describeMachine } from "../lib/machine.mjs";
import { writeSection } from "../lib/readme.mjs";
import { urlOf } from "../rivals/resolve.mjs";
import { installRivals } from "../lib/rivals.mjs";
import { median } from "../lib/statistics.mjs";
import { markdown } from "../lib/table.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    only: { type: "string", default: "" },
    nodes: { type: "string", default: "20,22,24" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(values.rounds);
const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
const TIMEOUT_MS = 60_000;

/** What is measured: who takes part, and what of the child's answers is shown. */
const FIGURES = [
  { name: "import", who: ["manycore", "tinypool", "workerpool"], keys: ["ms", "cpuMs"] },
  { name: "require", who: ["manycore", "workerpool"], keys: ["ms", "cpuMs"] },
  {
    name: "first result, threads",
    kind: "thread",
    who: ["manycore-thread", "tinypool", "workerpool", "bare-worker"],
    keys: ["ms", "cpuMs"],
  },
  {
    name: "first result, processes",
    kind: "process",
    who: ["manycore-process", "tinypool-process", "workerpool-process", "bare-fork"],
    keys: ["ms", "cpuMs"],
  },
  {
    name: "8 process workers",
    kind: "process",
    who: ["manycore-process", "tinypool-process", "workerpool-process"],
    keys: ["cpuMs", "mib"],
  },
];
const UNITS = { ms: "ms", cpuMs: "CPU ms", mib: "MiB PSS each" };

function nodes() {
  const listing = new URL("../../node_modules/.cache/runtimes/runtimes.json", import.meta.url);
  const paths = JSON.parse(readFileSync(listing, "utf8"));
  const own = process.version.split(".")[0].slice(1);
  return values.nodes.split(",").flatMap((major) => {
    const program = major === own ? process.execPath : paths[`node${major}`];
    return program === undefined ? [] : [{ major, program }];
  });
}

/** A program that does nothing else: what another import has loaded would cost nothing any more. */
const IMPORT = (url) => `
  const start = performance.now(), cpu = process.cpuUsage();
  import(${JSON.stringify(url)}).then(() => {
    const ms = performance.now() - start, { user, system } = process.cpuUsage(cpu);
    console.log(${JSON.stringify(RESULT_MARK)} + JSON.stringify({ ms, cpuMs: (user + system) / 1000 }));
  });`;

function argumentsOf(figure, contender) {
  if (figure !== "import") return [CHILD, figure, contender];
  return [
    "-e",
    IMPORT(contender === "manycore" ? import.meta.resolve(contender) : urlOf(contender)),
  ];
}

async function runFigure({ name, who }, program) {
  const runs = who.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    const order = [...who.keys()];
    for (const at of round % 2 === 0 ? order : order.toReversed()) {
      const outcome = await launch(program, argumentsOf(name, who[at]), { timeoutMs: TIMEOUT_MS });
      if (outcome.status !== "ok") {
        throw new Error(`${name}, ${who[at]}: ${outcome.status} ${outcome.message ?? ""}`);
      }
      runs[at].push(outcome.values);
    }
  }
  return runs;
}

/** Medians, and the median of the ratios to tinypool, or who stands second, within each round. */
function rowsOf({ name, who, keys }, major, runs) {
  return keys.map((key) => {
    const medians = runs.map((list) => median(list.map((run) => run[key])));
    const ratios = runs[0].map((run, round) => run[key] / runs[1][round][key]);
    return {
      name: `${name}, ${UNITS[key]}`,
      major,
      ratio: `${median(ratios).toFixed(2)} × ${who[1].replace("-process", "")}`,
      cells: Object.fromEntries(who.map((one, at) => [packageOf(one), medians[at]])),
    };
  });
}

const packageOf = (contender) => contender.replace(/^bare-.*$/, "bare").replace(/-\w+$/, "");

const SHOWN = ["manycore", "tinypool", "workerpool", "bare"];
const COLUMNS = [
  { head: "figure", cell: (row) => row.name },
  { head: "Node", isNumber: true, cell: (row) => row.major },
  ...SHOWN.map((one) => ({
    head: one,
    isNumber: true,
    cell: (row) => row.cells[one]?.toPrecision(3) ?? "",
  })),
  { head: "manycore is", cell: (row) => row.ratio },
];

installRivals();
const rows = [];
for (const figure of FIGURES.filter(({ name }) => name.startsWith(values.only))) {
  for (const { major, program } of nodes()) {
    const found = rowsOf(figure, major, await runFigure(figure, program));
    for (const row of found) process.stderr.write(`Node ${major}, ${row.name}: ${row.ratio}\n`);
    rows.push(...found);
  }
}
const { machine, rivals, commit, date } = describeMachine();
const text = `${markdown(COLUMNS, rows)}\n\nMedian of ${ROUNDS}; ${machine}; ${rivals}; commit ${commit}; ${date}.`;
process.stdout.write(`${text}\n`);
if (values.write) writeSection("start", text);
