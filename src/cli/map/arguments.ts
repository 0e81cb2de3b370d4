import { Option } from "commander";
import type { Command } from "commander";
import { EXAMPLES } from "./help.ts";

/** The options as commander hands them over. */
export interface RawOptions {
  readonly input?: string[];
  readonly format?: "files" | "lines" | "jsonl" | "json" | "csv" | "tsv";
  readonly null?: boolean;
  readonly header?: boolean;
  readonly delimiter?: string;
  readonly columns?: string;
  readonly skip?: string;
  readonly limit?: string;
  readonly sample?: string;
  readonly shuf?: boolean;
  readonly seed?: string;
  readonly jobs: string;
  readonly backend: "process" | "thread" | "inline";
  readonly batch?: string;
  readonly chunk: string;
  readonly block: string;
  readonly init?: string;
  readonly teardown?: string;
  readonly arg?: string[];
  readonly timeout?: string;
  readonly killAfter: string;
  readonly maxTime?: string;
  readonly retries: string;
  readonly retryDelay: string;
  readonly halt: string;
  readonly failFast?: boolean;
  readonly window?: string;
  readonly maxTasksPerWorker?: string;
  readonly workerMemory?: string;
  readonly memfree?: string;
  readonly nice: string;
  readonly rate?: string;
  readonly delay?: string;
  readonly reduce?: string;
  readonly groupBy?: string;
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly append?: boolean;
  readonly envelope?: boolean;
  readonly includeInput?: boolean;
  readonly key?: string;
  readonly tag?: boolean;
  readonly keepOrder?: boolean;
  readonly ordered?: boolean;
  readonly unordered?: boolean;
  readonly errors?: string;
  readonly joblog?: string;
  readonly trace?: string;
  readonly journal?: string | true;
  readonly resume?: boolean;
  readonly retryFailed?: boolean;
  readonly fsync: "batch" | "always" | "never";
  readonly progress: "auto" | "bar" | "plain" | "json" | "none";
  readonly bar?: boolean;
  readonly eta?: boolean;
  readonly color: "auto" | "always" | "never";
  readonly summary: "text" | "json";
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly dryRun?: boolean;
}

/** Collects an option that may be given several times. */
function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function choice(flags: string, text: string, choices: readonly string[], preset?: string): Option {
  const option = new Option(flags, text).choices(choices);
  return preset === undefined ? option : option.default(preset);
}

/** Declares the arguments and options of `manycore map`. */
export function declareMapArguments(command: Command): Command {
  command
    .description("call a function for each record of an input, on all cores")
    .argument(
      "<module#export>",
      "the function: ./work.ts#parse; without #export the default export",
    )
    .argument(
      "[inputs...]",
      "files, quoted patterns, '!patterns' to leave out, or - for standard input (the default)",
    );
  declareInput(command);
  declareWork(command);
  declareTroubles(command);
  declareOutput(command);
  declareJournal(command);
  declareShow(command);
  return command.addHelpText("after", EXAMPLES);
}

function declareInput(command: Command): void {
  command
    .optionsGroup("What is read:")
    .option("-a, --input <file>", "a further input; may be repeated", collect)
    .addOption(
      choice(
        "--format <format>",
        "what a record is: a line of JSON, an element of a JSON array, a row, a line, or a file (its path); " +
          "by default after the names, which may end in .gz; else lines for standard input, files otherwise",
        ["jsonl", "json", "csv", "tsv", "lines", "files"],
      ),
    )
    .option(
      "-0, --null",
      "records of lines, jsonl and files - end with NUL, as find -print0 writes",
    )
    .option("--header", "csv and tsv: the first row names the columns (the default)")
    .option("--no-header", "csv and tsv: rows are arrays")
    .option("--columns <a,b,…>", "csv and tsv: names of the columns; with --header instead of its")
    .option("--delimiter <char>", "csv: what separates fields, such as ';'")
    .option("--skip <n>", "leave out the first records")
    .option("--limit <n>", "take so many records at most")
    .option("--sample <share>", "take a random part, such as 1%")
    .option("--shuf", "in random order; keeps the input in memory")
    .option("--seed <n>", "number that --sample and --shuf draw by");
}

function declareWork(command: Command): void {
  command
    .optionsGroup("How it runs:")
    .option("-j, --jobs <n>", "workers: a number, 50% of the cores, +1, -1 or auto", "auto")
    .addOption(
      choice(
        "--backend <backend>",
        "where the function runs; inline is for breakpoints",
        ["process", "thread", "inline"],
        "process",
      ),
    )
    .option(
      "--batch <n>",
      "call the function with an array of so many records; arrays give a line each",
    )
    .option("--chunk <n>", "records in a message: a number or auto", "auto")
    .option("--block <size>", "most bytes in a message", "1M")
    .option(
      "--init <module#export>",
      "runs once in each worker; what it returns is the second argument",
    )
    .option(
      "--teardown <module#export>",
      "runs in each worker at its end, with what --init returned",
    )
    .option(
      "--arg <key=value>",
      "given to --init, else as second argument; may be repeated",
      collect,
    )
    .option(
      "--reduce <module#export>",
      "fold the values: (a, b) => c, in any order; prints the result",
    )
    .option("--group-by <field>", "with --reduce: fold those apart whose field differs")
    .option("--window <n>", "most records between the oldest unfinished and the newest")
    .option("--rate <n/s>", "start so many records a second at most: 5/s, 100/m")
    .option("--delay <duration>", "time between the starts of two records")
    .option("--nice <n>", "lower the priority of the workers", "0")
    .option(
      "--memfree <size>",
      "start nothing while less memory is free; kill the youngest below half",
    )
    .option("--worker-memory <size>", "replace a worker that has grown beyond")
    .option("--max-tasks-per-worker <n>", "replace a worker after so many records");
}

function declareTroubles(command: Command): void {
  command
    .optionsGroup("When something goes wrong:")
    .option("--timeout <limit>", "end a call that takes longer: 500ms, 30s, 2m, or 3x the median")
    .option("--kill-after <duration>", "time to stop by itself before a worker is killed", "1s")
    .option("--max-time <duration>", "end the whole run, with exit code 124")
    .option("--retries <n>", "further attempts for a record that failed", "0")
    .option("--retry-delay <range>", "wait before them: 1s, or 1s..30s for doubling delays", "0")
    .option("--halt <rule>", "never, or now|soon,fail|success|done=N or N%", "never")
    .option("-x, --fail-fast", "the same as --halt now,fail=1");
}

function declareOutput(command: Command): void {
  command
    .optionsGroup("What is written:")
    .option(
      "-o, --output <file>",
      "write results there instead of to standard output; .gz packs them",
    )
    .option("--overwrite", "replace files that exist")
    .option("--append", "write behind what the output file has")
    .option(
      "--envelope",
      "write index, key, ok, value or error, attempts and worker of every record",
    )
    .option("--include-input", "envelopes with the record itself")
    .option("--key <field>", "call records by a field instead of by file:line")
    .option("--tag", "start each line with the key of its record and a tab")
    .option("-k, --keep-order", "results in the order of the input (the default)")
    .option("--ordered", "the same as --keep-order")
    .option("--unordered", "results as they come")
    .option("--errors <file>", "write failed records there, as envelopes with their input")
    .option(
      "--joblog <file>",
      "write a line for each run of each record, in GNU parallel's columns",
    )
    .option("--trace <file>", "write a timeline for ui.perfetto.dev and speedscope");
}

function declareJournal(command: Command): void {
  command
    .optionsGroup("Long runs:")
    .option("--journal [file]", "note what is done, by default in OUTPUT.journal")
    .option(
      "--resume",
      "go on where the journal ends, whatever ended the run; starts one if there is none",
    )
    .option("--retry-failed", "run those again that failed for good; results are appended")
    .addOption(
      choice(
        "--fsync <when>",
        "make sure that files are on the disk: once a second, for each block, or never",
        ["batch", "always", "never"],
        "batch",
      ),
    );
}

function declareShow(command: Command): void {
  command
    .optionsGroup("What is shown:")
    .addOption(
      choice(
        "--progress <mode>",
        "how to show progress on standard error",
        ["auto", "bar", "plain", "json", "none"],
        "auto",
      ),
    )
    .option("--bar", "the same as --progress bar")
    .option("--eta", "the same as --progress bar")
    .addOption(choice("--color <when>", "colours", ["auto", "always", "never"], "auto"))
    .addOption(choice("--summary <form>", "how to tell the sums", ["text", "json"], "text"))
    .option("-n, --dry-run", "say what would run, with the first three records")
    .option("-q, --quiet", "errors only: no progress, no summary")
    .option("-v, --verbose", "whole stacks, and failures also with --envelope and --errors");
}
