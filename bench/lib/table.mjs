import { median } from "./statistics.mjs";

/**
 * One figure's runs as a markdown table.
 *
 * Contenders are compared with the best rival and with the bare platform of their own kind, thread or
 * process. A ratio is the median of the ratios within each round, which a CPU that changes speed disturbs
 * less than the ratio of two medians. A rival with a failed run is not the best of anything.
 *
 * @param figure - a module of figures/.
 * @param runs - `{ contender, round, outcome }`, one per process.
 */
export function figureTable(figure, runs) {
  const rows = summarise(figure, runs);
  const [main] = figure.columns;
  const columns = [
    { head: "contender", cell: (row) => label(figure, row.contender) },
    { head: "kind", cell: (row) => (figure.isMixed ? "" : row.contender.kind) },
    ...figure.columns.map(({ key, head }) => ({
      head,
      isNumber: true,
      cell: (row) => number(row.medians[key]),
    })),
    {
      head: `${main.head}, least … most`,
      isNumber: true,
      cell: (row) => row.range?.map(number).join(" … ") ?? "",
    },
    {
      head: "× best rival",
      isNumber: true,
      cell: (row) => ratio(row, best(rows, row, "rival", figure), main.key),
    },
    {
      head: "× bare platform",
      isNumber: true,
      cell: (row) => ratio(row, best(rows, row, "raw", figure), main.key),
    },
    { head: "notes", cell: (row) => row.notes.join("; ") },
  ];
  return markdown(columns, rows);
}

/** Padded as the formatter pads it, so that a table in the README passes its check; empty columns are left out. */
export function markdown(columns, rows) {
  const filled = columns
    .map((column) => ({ ...column, cells: rows.map((row) => column.cell(row)) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""))
    .map((column) => ({
      ...column,
      width: Math.max(3, column.head.length, ...column.cells.map((cell) => cell.length)),
    }));
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const pad = ({ isNumber, width }, text) => (isNumber ? text.padStart(width) : text.padEnd(width));
  return [
    line(filled.map((column) => pad(column, column.head))),
    line(
      filled.map(({ isNumber, width }) =>
        isNumber ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
      ),
    ),
    ...rows.map((_, i) => line(filled.map((column) => pad(column, column.cells[i])))),
  ].join("\n");
}

function label(figure, contender) {
  const name = figure.isPerPackage ? (contender.package ?? contender.name) : contender.name;
  return contender.role === "ours" ? `**${name}**` : name;
}

/** How much of the machine others took during the runs: `{ median, most }`, in percent. */
export function otherLoad(runs) {
  const loads = runs.map((run) => run.outcome.load).filter((load) => load !== undefined);
  if (loads.length === 0) return undefined;
  return {
    median: Math.round(median(loads) * 100),
    most: Math.round(Math.max(...loads) * 100),
  };
}

function summarise(figure, runs) {
  const [main] = figure.columns;
  const contenders = [...new Set(runs.map((run) => run.contender))];
  const rows = contenders.map((contender) => {
    const own = runs.filter((run) => run.contender === contender);
    const good = own.filter((run) => run.outcome.status === "ok");
    const values = good.map((run) => run.outcome.values[main.key]);
    return {
      contender,
      isWhole: good.length === own.length,
      byRound: new Map(good.map((run) => [run.round, run.outcome.values])),
      medians: Object.fromEntries(
        figure.columns.map(({ key }) => [key, median(good.map((run) => run.outcome.values[key]))]),
      ),
      range: good.length < 2 ? undefined : [Math.min(...values), Math.max(...values)],
      notes: notesOf(figure, contender, own),
    };
  });
  const sign = main.better === "higher" ? -1 : 1;
  const rank = (row) => sign * (row.medians[main.key] ?? -sign * Infinity);
  return rows.sort(
    (a, b) =>
      (figure.isMixed ? 0 : b.contender.kind.localeCompare(a.contender.kind)) ||
      order(rank(a), rank(b)),
  );
}

/** Two that never ended are both infinite; their difference would be no number. */
function order(a, b) {
  return a === b ? 0 : a - b;
}

function notesOf(figure, contender, runs) {
  const notes = contender.note === undefined || figure.isPerPackage ? [] : [contender.note];
  const problems = runs.flatMap(({ outcome }) =>
    outcome.status === "ok" ? outcome.notes : [outcome.message ?? "**never ended**"],
  );
  for (const problem of new Set(problems)) {
    const times = problems.filter((other) => other === problem).length;
    notes.push(runs.length === 1 ? problem : `${problem} (${times} of ${runs.length})`);
  }
  return notes;
}

/** The first of its role and kind: rows are sorted best first. */
function best(rows, row, role, figure) {
  return rows.find(
    (other) =>
      other.contender.role === role &&
      other.isWhole &&
      (figure.isMixed === true || other.contender.kind === row.contender.kind),
  );
}

function ratio(row, base, key) {
  if (base === undefined) return "";
  const ratios = [...row.byRound]
    .filter(([round]) => base.byRound.has(round))
    .map(([round, values]) => values[key] / base.byRound.get(round)[key]);
  const middle = median(ratios);
  return middle === undefined ? "" : middle.toFixed(2);
}

function number(value) {
  if (value === undefined) return "–";
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 ? 1 : 2);
}
