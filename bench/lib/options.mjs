import { parseArgs } from "node:util";

export const USAGE = `npm run bench -- [figure...] [options]
  --quick          one round of small sizes: for developing, not for quoting
  --only a,b       these contenders (see --list)
  --rounds N       runs of each contender for a figure (default 5, quick 1)
  --calm P         repeats a run, twice at most, while other programs take more than P % of the
                   machine, and keeps the calmest (default 15, quick 100)
  --workers N      workers of each pool (default 2)
  --json FILE      every single run, for further work
  --write          replace the figures' tables in bench/README.md
  --list           names of figures and contenders
`;

/** Reads the command line. @throws Error that says what is wrong with it. */
export function readOptions(args, figureNames, contenderNames) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      calm: { type: "string" },
      workers: { type: "string", default: "2" },
      json: { type: "string" },
      write: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    figures: known(positionals, figureNames, "figure"),
    only: known(
      values.only.flatMap((text) => text.split(",")),
      contenderNames,
      "contender",
    ),
    rounds: count(values.rounds ?? (values.quick ? "1" : "5"), "--rounds"),
    calm: count(values.calm ?? (values.quick ? "100" : "15"), "--calm"),
    workers: count(values.workers, "--workers"),
  };
}

function known(names, all, what) {
  for (const name of names) {
    if (!all.includes(name)) {
      throw new Error(`There is no ${what} "${name}"; choose from ${all.join(", ")}`);
    }
  }
  return names.length === 0 ? all : all.filter((name) => names.includes(name));
}

function count(text, option) {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${option} takes a whole number above 0, not "${text}"`);
}
