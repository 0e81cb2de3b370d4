import { CliError } from "../cli-error.ts";
import type { RawOptions } from "./arguments.ts";
import type {
  InputOptions,
  MapOptions,
  OutputOptions,
  ShowOptions,
  WorkOptions,
} from "./options.ts";
import { parseDuration } from "./parse/duration.ts";
import { parseHalt } from "./parse/halt.ts";
import { parseJobCount } from "./parse/job-count.ts";
import { parseRate, parseShare, parseWhole } from "./parse/number.ts";
import { parseSize } from "./parse/size.ts";
import { parseRetryDelay, parseTimeout } from "./parse/timeout.ts";

/**
 * Checks what commander has parsed.
 *
 * @param cores - how many cores this process may use.
 * @throws CliError naming the option that is wrong.
 */
export function toMapOptions(
  target: string,
  inputs: readonly string[],
  raw: RawOptions,
  cores: number,
): MapOptions {
  const options: MapOptions = {
    target,
    ...inputOptions(inputs, raw),
    ...workOptions(raw, cores),
    ...outputOptions(raw),
    ...showOptions(raw),
  };
  refuseContradictions(options, raw);
  return options;
}

function inputOptions(inputs: readonly string[], raw: RawOptions): InputOptions {
  const columns = raw.columns?.split(",").map((name) => name.trim());
  if (columns?.some((name, at) => name === "" || columns.indexOf(name) !== at) === true) {
    throw new CliError(`--columns expects different names such as id,name, got "${raw.columns}"`);
  }
  return {
    inputs: [...inputs, ...(raw.input ?? [])],
    format: raw.format,
    isNul: raw.null === true,
    // Names given here stand for a header that is missing, unless --header says that there is one.
    hasHeader: raw.header ?? columns === undefined,
    columns,
    delimiter: raw.delimiter === undefined ? undefined : parseDelimiter(raw.delimiter),
    skip: raw.skip === undefined ? 0 : parseWhole(raw.skip, "--skip", 0, "100"),
    limit: raw.limit === undefined ? Infinity : parseWhole(raw.limit, "--limit", 1, "100"),
    sample: raw.sample === undefined ? 1 : parseShare(raw.sample, "--sample"),
    isShuffled: raw.shuf === true,
    seed: raw.seed === undefined ? 1 : parseWhole(raw.seed, "--seed", 0, "7"),
  };
}

function parseDelimiter(text: string): string {
  const char = text === "\\t" || text === "tab" ? "\t" : text;
  if (char.length === 1 && char.charCodeAt(0) < 128 && !'"\r\n'.includes(char)) return char;
  throw new CliError(`--delimiter expects one character such as ';' or '\\t', got "${text}"`);
}

function workOptions(raw: RawOptions, cores: number): WorkOptions {
  const delay = raw.delay === undefined ? 0 : parseDuration(raw.delay, "--delay");
  const optional = (text: string | undefined, option: string): number | undefined =>
    text === undefined ? undefined : parseWhole(text, option, 1, "100");
  const size = (text: string | undefined, option: string): number | undefined =>
    text === undefined ? undefined : parseSize(text, option);
  return {
    jobs: parseJobCount(raw.jobs, cores),
    backend: raw.backend,
    batch: optional(raw.batch, "--batch"),
    chunk: raw.chunk === "auto" ? undefined : parseWhole(raw.chunk, "--chunk", 1, "auto or 100"),
    blockBytes: parseSize(raw.block, "--block"),
    init: raw.init,
    teardown: raw.teardown,
    args: parseArgs(raw.arg ?? []),
    timeout: raw.timeout === undefined ? undefined : parseTimeout(raw.timeout),
    killAfter: parseDuration(raw.killAfter, "--kill-after"),
    maxTime: raw.maxTime === undefined ? undefined : parseDuration(raw.maxTime, "--max-time"),
    retries: parseWhole(raw.retries, "--retries", 0, "2"),
    retryDelay: parseRetryDelay(raw.retryDelay),
    halt: parseHalt(raw.failFast === true ? "now,fail=1" : raw.halt),
    window: optional(raw.window, "--window"),
    maxTasksPerWorker: optional(raw.maxTasksPerWorker, "--max-tasks-per-worker"),
    workerMemory: size(raw.workerMemory, "--worker-memory"),
    memfree: size(raw.memfree, "--memfree"),
    nice: parseWhole(raw.nice, "--nice", -20, "10"),
    paceMs: Math.max(delay, raw.rate === undefined ? 0 : parseRate(raw.rate)),
    reduce: raw.reduce,
    groupBy: raw.groupBy,
  };
}

function parseArgs(given: readonly string[]): Record<string, string> {
  const args: [string, string][] = [];
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1) throw new CliError(`--arg expects KEY=VALUE, got "${text}"`);
    args.push([text.slice(0, at), text.slice(at + 1)]);
  }
  // Defines them, so that a key may have any name.
  return Object.fromEntries(args);
}

function outputOptions(raw: RawOptions): OutputOptions {
  const output = raw.output === "-" ? undefined : raw.output;
  const isJournalled = raw.journal !== undefined || raw.resume === true || raw.retryFailed === true;
  if (isJournalled && output === undefined) {
    throw new CliError(
      "--journal, --resume and --retry-failed need the results in a file; add -o FILE",
    );
  }
  const journal = typeof raw.journal === "string" ? raw.journal : `${output}.journal`;
  return {
    output,
    overwrite: raw.overwrite === true,
    append: raw.append === true,
    envelope: raw.envelope === true || raw.includeInput === true,
    includeInput: raw.includeInput === true,
    key: raw.key,
    tag: raw.tag === true,
    ordered: raw.unordered !== true,
    errors: raw.errors,
    joblog: raw.joblog,
    trace: raw.trace,
    journal: isJournalled ? journal : undefined,
    resume: raw.resume === true,
    retryFailed: raw.retryFailed === true,
    fsync: raw.fsync,
  };
}

function showOptions(raw: RawOptions): ShowOptions {
  return {
    progress: raw.bar === true || raw.eta === true ? "bar" : raw.progress,
    color: raw.color,
    summary: raw.summary,
    quiet: raw.quiet === true,
    verbose: raw.verbose === true,
    dryRun: raw.dryRun === true,
  };
}

function refuseContradictions(options: MapOptions, raw: RawOptions): void {
  const { append, overwrite, resume, retryFailed, journal, isShuffled, reduce } = options;
  const isOrdered = raw.ordered === true || raw.keepOrder === true;
  const pairs: readonly [boolean, boolean, string, string][] = [
    [isOrdered, raw.unordered === true, "--ordered", "--unordered"],
    [options.quiet, options.verbose, "--quiet", "--verbose"],
    [append, overwrite, "--append", "--overwrite"],
    [resume, overwrite, "--resume", "--overwrite"],
    [retryFailed, overwrite, "--retry-failed", "--overwrite"],
    [resume, retryFailed, "--resume", "--retry-failed"],
    [raw.failFast === true, raw.halt !== "never", "--fail-fast", "--halt"],
    [journal !== undefined, isShuffled, "--journal", "--shuf"],
    [journal !== undefined, reduce !== undefined, "--journal", "--reduce"],
    [reduce !== undefined, options.envelope, "--reduce", "--envelope"],
    [reduce !== undefined, options.tag, "--reduce", "--tag"],
  ];
  for (const [first, second, one, other] of pairs) {
    if (first && second) throw new CliError(`${one} and ${other} exclude each other`);
  }
  if (options.groupBy !== undefined && reduce === undefined) {
    throw new CliError("--group-by needs --reduce");
  }
  if (options.teardown !== undefined && options.init === undefined) {
    throw new CliError("--teardown needs --init");
  }
}
