import { accessSync, constants, fstatSync, realpathSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { CliError } from "./cli-error.ts";
import type { BlockSource } from "./block-source.ts";
import { LineSource } from "./line-source.ts";
import { PathLineSource, PathSource } from "./path-source.ts";
import type { RecordFormat } from "./record-block.ts";

const STDIN = "-";

/**
 * Turns what stands on the command line into one source of records.
 *
 * Patterns are expanded here, so they may be quoted and `**` works in every shell; their files come
 * sorted, so that the order of a run does not depend on the disk.
 *
 * @param inputs - paths, patterns, `!patterns` to leave out, or `-`; none means standard input.
 * @param format - as given, or `undefined` to go by the names.
 * @param output - where the results go; reading it as input at the same time is refused.
 * @throws {@link CliError} when nothing matches, or a file cannot be read.
 */
export async function openInputs(
  inputs: readonly string[],
  format: RecordFormat | undefined,
  output: string | undefined,
): Promise<BlockSource> {
  const given = inputs.length === 0 ? [STDIN] : inputs;
  const chosen = format ?? guessFormat(given);
  const paths = await expand(given);
  refuseOutputAsInput(paths, output);
  if (chosen === "files") {
    if (paths.length === 1 && paths[0] === STDIN) {
      return new PathLineSource(new LineSource("jsonl", paths, undefined));
    }
    if (paths.includes(STDIN)) {
      throw new CliError(
        "--format files takes either paths or - (paths on standard input), not both",
      );
    }
    const source = new PathSource(paths);
    void source.measure();
    return source;
  }
  return new LineSource(chosen, paths, totalSize(paths));
}

function guessFormat(given: readonly string[]): RecordFormat {
  if (given.every((input) => /\.(jsonl|ndjson)$/i.test(input))) return "jsonl";
  return given.every((input) => input === STDIN) ? "lines" : "files";
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

async function expandPattern(pattern: string, excluded: readonly string[]): Promise<string[]> {
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (!isDynamicPattern(pattern)) throw new CliError(`There is no file ${pattern}`);
  const matches = await glob(pattern, { expandDirectories: false, ignore: excluded });
  return matches.sort();
}

function totalSize(paths: readonly string[]): number | undefined {
  let total = 0;
  for (const path of paths) {
    const stats = path === STDIN ? fstatSync(0) : readableStat(path);
    // A pipe or a terminal has no size beforehand.
    if (!stats.isFile()) return undefined;
    total += stats.size;
  }
  return total;
}

function readableStat(path: string): Stats {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot read ${path}: ${detail}`, undefined, { cause: error });
  }
}

function refuseOutputAsInput(paths: readonly string[], output: string | undefined): void {
  const target = output === undefined ? undefined : statOf(output);
  if (output === undefined || target?.isFile() !== true) return;
  const real = realpathSync(output);
  for (const path of paths) {
    if (path !== STDIN && realpathSync(path) === real) {
      throw new CliError(`${path} is both input and output; choose another -o`);
    }
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
