// What shared-value.mjs and shared-memory.mjs have in common: contenders in turn, each run in a fresh process,
// medians, a table beside the first contender.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { describeMachine, PYTHON, pythonVersion } from "../lib/machine.mjs";
import { median } from "../lib/statistics.mjs";
import { namespaceFolder } from "./namespace.mjs";

const ROUNDS = 5;

/** A contender that is a figure of the script itself, run again with its name. */
export const own = (script, figure) => () => answerOf(process.execPath, [script, figure]);

/** A contender that is a program for CPython; it prints its answer. */
export const python = (text) => () =>
  pythonVersion() === undefined ? undefined : answerOf(PYTHON, ["-c", text]);

function answerOf(program, args) {
  const env = { ...process.env, MANYCORE_NAMESPACE: `bench-${process.pid}` };
  // It would add 55 ms of work to the start of every Node, and nothing to what is measured.
  delete env.NODE_EXTRA_CA_CERTS;
  const output = execFileSync(program, args, { env, timeout: 120_000, encoding: "utf8" });
  return Number(output.trim().split("\n").at(-1));
}

/**
 * Runs and prints figures.
 * @param figures - title, unit, whether a lower number is better, contenders by name; the first is the mark.
 */
export function compare(figures) {
  const wanted = process.argv[2] === "--only" ? process.argv[3] : "";
  console.log(
    "| figure | contender | median | least … most | times as good |\n|---|---|---|---|---|",
  );
  for (const [title, unit, isLowerBetter, contenders] of figures) {
    if (!title.includes(wanted)) continue;
    const results = Object.keys(contenders).map((name) => ({ name, values: [] }));
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? results : results.toReversed();
      for (const { name, values } of order) {
        const value = contenders[name]();
        if (value !== undefined) values.push(value);
      }
    }
    const mark = median(results[0].values);
    for (const { name, values } of results) {
      const middle = median(values);
      const ratio = isLowerBetter ? mark / middle : middle / mark;
      console.log(
        `| ${title} | ${name} | ${show(middle)} ${unit} | ${show(Math.min(...values))} … ${show(Math.max(...values))} | ${show(ratio)} |`,
      );
    }
  }
  rmSync(namespaceFolder(`bench-${process.pid}`), { recursive: true, force: true });
  const { node, python: version, commit, date, machine } = describeMachine();
  console.log(
    `\nMedian of ${ROUNDS}; Node ${node}, CPython ${version}; ${machine}; commit ${commit}; ${date}.`,
  );
}

function show(value) {
  return value === undefined || Number.isNaN(value)
    ? "-"
    : value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
