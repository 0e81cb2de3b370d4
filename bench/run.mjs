// npm run bench: measures the contenders in turn, each run in a fresh process, and prints tables.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { CONTENDERS } from "./contenders/index.mjs";
import { FIGURES, loadFigure } from "./figures/index.mjs";
import { launch } from "./lib/launch.mjs";
import { describeMachine, PYTHON, pythonVersion } from "./lib/machine.mjs";
import { readOptions, USAGE } from "./lib/options.mjs";
import { writeSection } from "./lib/readme.mjs";
import { installRivals } from "./lib/rivals.mjs";
import { figureTable, otherLoad } from "./lib/table.mjs";

const CHILD = fileURLToPath(new URL("child.mjs", import.meta.url));
const PYTHON_CHILD = fileURLToPath(new URL("python/main.py", import.meta.url));

const MOST_TRIES = 3;

const say = (text) => process.stdout.write(`${text}\n`);
const tell = (text) => process.stderr.write(`${text}\n`);

function startRun(figure, contender, options) {
  const size = options.quick ? figure.sizes.quick : figure.sizes.full;
  const job = JSON.stringify({
    figureName: figure.name,
    contender,
    size,
    workers: options.workers,
  });
  const limit = { timeoutMs: figure.timeoutMs };
  return contender.python === undefined
    ? launch(process.execPath, [CHILD, job], limit)
    : launch(PYTHON, [PYTHON_CHILD, job], limit);
}

/** A run that others disturbed is done again; the calmest counts. */
async function calmRun(figure, contender, options) {
  let calmest;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const outcome = await startRun(figure, contender, options);
    if (calmest === undefined || outcome.load < calmest.load) calmest = outcome;
    // Without /proc nobody knows the load, and a run that failed would only fail again.
    if (outcome.status !== "ok" || outcome.load === undefined) return outcome;
    if (outcome.load * 100 <= options.calm) return outcome;
  }
  return calmest;
}

const roundsOf = (figure, options) => options.rounds * (options.quick ? 1 : (figure.repeat ?? 1));

/** Round after round through all contenders, every other round backwards: none always follows the same one. */
async function runFigure(figure, contenders, options) {
  const runs = [];
  const rounds = roundsOf(figure, options);
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const load = loadavg()[0].toFixed(2);
      const outcome = await calmRun(figure, contender, options);
      runs.push({ contender, round, outcome });
      const [{ key, head }] = figure.columns;
      const shown =
        outcome.status === "ok"
          ? `${outcome.values[key].toPrecision(4)} ${head}`
          : `${outcome.status} ${outcome.message ?? ""}`;
      tell(`${figure.name} ${round + 1}/${rounds}  load ${load}  ${contender.name}: ${shown}`);
    }
  }
  return runs;
}

function report(figure, runs, options, machine) {
  const load = otherLoad(runs);
  const size = Object.entries(options.quick ? figure.sizes.quick : figure.sizes.full)
    .map(([name, value]) => `${name} ${value.toLocaleString("en-US")}`)
    .join(", ");
  const facts = [
    `${options.workers} workers`,
    `median of ${roundsOf(figure, options)}`,
    size,
    options.quick && "**quick: not for quoting**",
    load && `other programs took ${load.median} % of the machine (at most ${load.most} %)`,
    `Node ${machine.node}`,
    `commit ${machine.commit}`,
    machine.date,
  ];
  return `${figure.about}\n\n${figureTable(figure, runs)}\n\n${facts.filter(Boolean).join("; ")}.`;
}

function machineText(machine) {
  return [
    `- Machine: ${machine.machine}`,
    `- Node ${machine.node}, CPython ${machine.python}`,
    `- Rivals: ${machine.rivals}`,
    `- Commit ${machine.commit}, ${machine.date}`,
  ].join("\n");
}

async function main(options) {
  installRivals();
  const machine = describeMachine();
  const hasPython = pythonVersion() !== undefined;
  if (!hasPython) tell(`There is no ${PYTHON} here: the CPython rows are left out.`);
  say(`# Benchmarks\n\n${machineText(machine)}`);
  const everything = [];
  for (const name of options.figures) {
    const figure = await loadFigure(name);
    const contenders = CONTENDERS.filter(
      (contender) =>
        figure.suits(contender) &&
        options.only.includes(contender.name) &&
        (contender.startOnly !== true || figure.startOnly === true) &&
        (contender.python === undefined || hasPython),
    );
    if (contenders.length === 0) continue;
    const runs = await runFigure(figure, contenders, options);
    everything.push(
      ...runs.map((run) => ({ figure: name, ...run, contender: run.contender.name })),
    );
    const text = report(figure, runs, options, machine);
    say(`\n## ${figure.title}\n\n${text}`);
    if (options.write) writeSection(name, text);
    if (options.json !== undefined) {
      writeFileSync(options.json, JSON.stringify({ machine, runs: everything }, undefined, 1));
    }
  }
  if (options.write) writeSection("machine", machineText(machine));
}

let options;
try {
  options = readOptions(
    process.argv.slice(2),
    FIGURES,
    CONTENDERS.map((contender) => contender.name),
  );
} catch (error) {
  tell(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (options.help) say(USAGE);
else if (options.list) {
  say(`Figures: ${FIGURES.join(", ")}\n\nContenders: ${CONTENDERS.map((c) => c.name).join(", ")}`);
} else await main(options);
