// node bench/manager/run.mjs (after a build): a manager's dict against CPython's Manager().dict(), each in a fresh
// process, the contenders in turn, medians. `--rounds N`, `--write` puts the table into bench/README.md.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PYTHON } from "../lib/machine.mjs";
import { writeSection } from "../lib/readme.mjs";
import { describeTable } from "../lib/simple-table.mjs";
import { median } from "../lib/statistics.mjs";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, write: { type: "boolean", default: false } },
});
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const own = (figure) => () => run(process.execPath, [here("manycore.mjs"), figure]);
const python = (figure) => () => run(PYTHON, [here("cpython.py"), figure]);

const FIGURES = [
  ["dict: get, one at a time", "get"],
  ["dict: set, one at a time", "set"],
  ["dict: get, four clients at once", "clients"],
];
const rows = [];
for (const [title, figure] of FIGURES) {
  const contenders = { CPython: python(figure), manycore: own(figure) };
  if (figure !== "clients") contenders["manycore, not awaited"] = own(`${figure}-ahead`);
  const found = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, measure] of Object.entries(contenders)) found[name].push(measure());
  }
  const [first] = Object.values(found).map((list) => median(list));
  for (const [name, list] of Object.entries(found)) {
    const rate = median(list);
    rows.push([title, name, String(Math.round(rate)), (rate / first).toFixed(2)]);
  }
}
const text = describeTable(["figure", "contender", "calls/s", "ratio"], rows, values.rounds);
console.log(text);
if (values.write) writeSection("manager", text);

function run(program, args) {
  return Number(execFileSync(program, args, { encoding: "utf8" }).trim());
}
