import { describeMachine } from "./machine.mjs";
import { markdown } from "./table.mjs";

/**
 * Rows as a markdown table, and below it on what they were measured.
 *
 * @param heads - what stands above each column; the first two are words, those after them numbers.
 * @param rows - a list of texts each.
 * @param rounds - of how many runs each figure is the median.
 */
export function describeTable(heads, rows, rounds) {
  const columns = heads.map((head, at) => ({ head, isNumber: at > 1, cell: (row) => row[at] }));
  const { machine, node, python, commit, date } = describeMachine();
  return `${markdown(columns, rows)}\n\nMedian of ${rounds}; ${machine}; Node ${node}, CPython ${python}; commit ${commit}; ${date}.`;
}
