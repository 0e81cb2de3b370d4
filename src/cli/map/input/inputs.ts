import { accessSync, constants, fstatSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { CliError } from "../../cli-error.ts";
import type { FormatName, InputOptions } from "../options.ts";
import type { RecordShape } from "./block.ts";
import { loadCsvParser } from "./csv-parser.ts";
import { expandPattern } from "./expand-pattern.ts";
import { packedError, unpackerOf } from "./text-head.ts";

const STDIN = "-";

/** The files to be read, and how. */
export interface Inputs {
  /** Files in order; `-` for standard input. */
  readonly paths: readonly string[];
  readonly shape: RecordShape;
  /** Size of each on the disk; `undefined` for pipes and terminals, and for files as records. */
  readonly sizes: readonly (number | undefined)[];
  readonly hasHeader: boolean;
}

/**
 * Finds the files that stand on the command line.
 *
 * Patterns are expanded here, so they may be quoted and `**` works in every shell.
 *
 * @throws CliError when nothing matches, or a file cannot be read.
 */
export async function findInputs(options: InputOptions): Promise<Inputs> {
  const given = options.inputs.length === 0 ? [STDIN] : options.inputs;
  const format = options.format ?? guessFormat(given);
  const shape = shapeOf(format, options);
  const paths = await expand(given);
  if (format === "files" && paths.length > 1 && paths.includes(STDIN)) {
    throw new CliError(
      "--format files takes either paths or - (paths on standard input), not both",
    );
  }
  if (shape.format === "csv") await loadCsvParser();
  const isRead = format !== "files" || paths.includes(STDIN);
  const packed = isRead ? paths.find((path) => /\.br$/i.test(path)) : undefined;
  // Nothing in such a file tells what it is.
  if (packed !== undefined) throw packedError(packed, "brotli -dc");
  const sizes = isRead ? paths.map(sizeOf) : [];
  const hasHeader = shape.format === "csv" && options.hasHeader;
  return { paths, shape, sizes, hasHeader };
}

/** By the ends of the names, as far as they agree; a further `.gz` does not count. */
function guessFormat(given: readonly string[]): FormatName {
  const patterns = given.filter((input) => !input.startsWith("!"));
  const guesses = new Set(patterns.map((input) => (input === STDIN ? "lines" : guessOne(input))));
  const [first = "lines"] = guesses;
  if (guesses.size <= 1) return first;
  // Names that say nothing of their contents are taken for files, whatever stands beside them.
  if (guesses.has("files") && !guesses.has("lines")) return "files";
  throw new CliError(
    `The inputs are of several formats (${[...guesses].join(", ")}); say with --format how to read them`,
  );
}

/** @throws CliError for a name that says what is in it, and that it is packed as nothing here is read. */
function guessOne(input: string): FormatName {
  const unpacker = unpackerOf(input);
  if (unpacker !== undefined && /\.(jsonl|ndjson|json|csv|tsv)\.\w+$/i.test(input)) {
    throw packedError(input, unpacker);
  }
  const [, extension] = /\.([a-z]+)$/.exec(input.toLowerCase().replace(/\.gz$/, "")) ?? [];
  if (extension === "ndjson") return "jsonl";
  const isData = extension === "jsonl" || extension === "json";
  return isData || extension === "csv" || extension === "tsv" ? extension : "files";
}

function shapeOf(format: FormatName, options: InputOptions): RecordShape {
  const isTable = format === "csv" || format === "tsv";
  if (options.isNul && (isTable || format === "json")) {
    throw new CliError(`-0 goes with --format lines, jsonl or files, not with ${format}`);
  }
  if (options.delimiter !== undefined && !isTable) {
    throw new CliError(`--delimiter goes with --format csv, not with ${format}`);
  }
  if (options.columns !== undefined && !isTable) {
    throw new CliError(`--columns goes with --format csv or tsv, not with ${format}`);
  }
  return {
    format: format === "tsv" ? "csv" : format,
    separator: options.isNul ? 0 : 10,
    delimiter: options.delimiter ?? (format === "tsv" ? "\t" : ","),
  };
}

/** `!pattern` takes files out of what the other patterns match. */
async function expand(given: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  const excluded = given.filter((input) => input.startsWith("!")).map((input) => input.slice(1));
  for (const input of given) {
    if (input.startsWith("!")) continue;
    const found = input === STDIN ? undefined : statOf(input);
    if (found?.isDirectory() === true) {
      throw new CliError(`${input} is a directory; to take its files write '${input}/**/*'`);
    }
    if (input === STDIN || found !== undefined) {
      paths.push(input);
      continue;
    }
    const matches = await expandPattern(input, excluded);
    if (matches.length === 0) throw new CliError(`No file matches ${input}`);
    // Not push(...matches): a pattern may match more files than a call takes arguments.
    for (const match of matches) paths.push(match);
  }
  return paths;
}

function sizeOf(path: string): number | undefined {
  const stats = path === STDIN ? fstatSync(0) : readableStat(path);
  // A pipe or a terminal has no size beforehand.
  return stats.isFile() ? stats.size : undefined;
}

function readableStat(path: string): Stats {
  if (path.includes("\ufffd") && statOf(path) === undefined) {
    throw new CliError(
      `Cannot read ${path}: its name is not UTF-8; rename it, or give it by standard input`,
    );
  }
  try {
    accessSync(path, constants.R_OK);
    return statSync(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot read ${path}: ${detail}`, undefined, { cause: error });
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
