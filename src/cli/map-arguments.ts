import { Option } from "commander";
import type { Command } from "commander";
import { CliError } from "./cli-error.ts";
import { parseDuration } from "./duration.ts";
import { parseJobCount } from "./job-count.ts";
import type { Backend, MapOptions, ProgressMode } from "./map-options.ts";
import type { RecordFormat } from "./record-block.ts";

const EXAMPLES = `
Examples:
  $ manycore map ./shrink.ts#shrink 'photos/**/*.jpg' -o sizes.jsonl
      calls shrink(path) for each file on all cores; one JSON line per file, in order
  $ manycore map ./parse.js#parse events.jsonl --envelope > parsed.jsonl
      calls parse(value) for each line; failed records are lines with "ok":false
  $ zcat log.gz | manycore map ./work.ts#score --format lines --unordered | head
      reads standard input as it comes; stops when head does
  $ manycore map ./fetch.ts#get urls.txt --format lines -j 16 --timeout 30s --retries 2
      ends a call after 30 seconds and tries it twice more

Exit codes: 0 all records ok, 1 some failed, 2 wrong use or unreadable input, 4 output exists,
130/143 interrupted (the first signal finishes what runs, the second kills), 70 internal error.
`;

/** The options as commander hands them over. */
interface RawOptions {
  readonly jobs: string;
  readonly format?: RecordFormat;
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly envelope?: boolean;
  readonly backend: Backend;
  readonly timeout?: string;
  readonly retries: string;
  readonly progress: ProgressMode;
  readonly ordered?: boolean;
  readonly unordered?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Declares the arguments and options of `manycore map`. */
export function declareMapArguments(command: Command): Command {
  return command
    .description("call a function for each record of an input, on all cores")
    .argument(
      "<module#export>",
      "the function: ./work.ts#parse; without #export the default export",
    )
    .argument(
      "[inputs...]",
      "files, quoted patterns, '!patterns' to leave out, or - for standard input (the default)",
    )
    .option("-j, --jobs <n>", "workers: a number, 50% of the cores, +1, -1 or auto", "auto")
    .addOption(
      new Option(
        "--format <format>",
        "what a record is: a file (its path), a line, or a line of JSON; by default jsonl for *.jsonl, " +
          "lines for standard input, files otherwise",
      ).choices(["files", "lines", "jsonl"]),
    )
    .option("-o, --output <file>", "write results there instead of to standard output")
    .option("--overwrite", "replace the output file if it exists")
    .option(
      "--envelope",
      "write index, key, ok, value or error, attempts and worker of every record",
    )
    .addOption(
      new Option("--backend <backend>", "where the function runs")
        .choices(["process", "thread", "inline"])
        .default("process"),
    )
    .option("--timeout <duration>", "end a call that takes longer: 500ms, 30s, 2m, 1h")
    .option("--retries <n>", "further attempts for a record that failed", "0")
    .addOption(
      new Option("--progress <mode>", "how to show progress on standard error")
        .choices(["auto", "bar", "plain", "json", "none"])
        .default("auto"),
    )
    .option("-k, --ordered", "results in the order of the input (the default)")
    .option("--unordered", "results as they come")
    .option("-q, --quiet", "errors only: no progress, no summary")
    .option("-v, --verbose", "whole stacks, and failures also with --envelope")
    .addHelpText("after", EXAMPLES);
}

/**
 * Checks what commander has parsed.
 *
 * @param cores - how many cores this process may use.
 * @throws {@link CliError} naming the option that is wrong.
 */
export function toMapOptions(
  target: string,
  inputs: readonly string[],
  raw: RawOptions,
  cores: number,
): MapOptions {
  if (raw.ordered === true && raw.unordered === true) {
    throw new CliError("--ordered and --unordered exclude each other");
  }
  if (raw.quiet === true && raw.verbose === true) {
    throw new CliError("--quiet and --verbose exclude each other");
  }
  return {
    target,
    inputs,
    jobs: parseJobCount(raw.jobs, cores),
    format: raw.format,
    output: raw.output === "-" ? undefined : raw.output,
    overwrite: raw.overwrite === true,
    envelope: raw.envelope === true,
    backend: raw.backend,
    timeout: raw.timeout === undefined ? undefined : parseDuration(raw.timeout, "--timeout"),
    retries: parseRetries(raw.retries),
    progress: raw.progress,
    ordered: raw.unordered !== true,
    quiet: raw.quiet === true,
    verbose: raw.verbose === true,
  };
}

function parseRetries(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CliError(`--retries expects a whole number such as 2, got "${text}"`);
}
