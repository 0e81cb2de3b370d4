import type { HaltRule } from "./parse/halt.ts";
import type { RetryDelay, TimeLimit } from "./parse/timeout.ts";

/** Places where the function can run. */
export type Backend = "process" | "thread" | "inline";

/** Forms in which a run is shown on standard error. */
export type ProgressMode = "auto" | "bar" | "plain" | "json" | "none";

/** Formats of an input, by their names on the command line. */
export type FormatName = "files" | "lines" | "jsonl" | "json" | "csv" | "tsv";

/** When files are made sure to be on the disk. */
export type FsyncMode = "batch" | "always" | "never";

/** Options of the input. */
export interface InputOptions {
  readonly inputs: readonly string[];
  /** `undefined`: go by the names of the inputs. */
  readonly format: FormatName | undefined;
  /** Records end with NUL instead of a line feed. */
  readonly isNul: boolean;
  readonly hasHeader: boolean;
  readonly columns: readonly string[] | undefined;
  readonly delimiter: string | undefined;
  readonly skip: number;
  readonly limit: number;
  readonly sample: number;
  readonly isShuffled: boolean;
  readonly seed: number;
}

/** Options of the work. */
export interface WorkOptions {
  readonly jobs: number;
  readonly backend: Backend;
  /** Records handed over in one call; `undefined`: one, by itself. */
  readonly batch: number | undefined;
  /** Records in a message; `undefined`: by what they cost. */
  readonly chunk: number | undefined;
  readonly blockBytes: number;
  readonly init: string | undefined;
  readonly teardown: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  readonly timeout: TimeLimit | undefined;
  readonly killAfter: number;
  readonly maxTime: number | undefined;
  /** Further attempts after a failed one. */
  readonly retries: number;
  readonly retryDelay: RetryDelay;
  readonly halt: HaltRule | undefined;
  /** Records between the oldest unfinished one and the newest. */
  readonly window: number | undefined;
  readonly maxTasksPerWorker: number | undefined;
  readonly workerMemory: number | undefined;
  readonly memfree: number | undefined;
  readonly nice: number;
  /** Milliseconds between the starts of two records. */
  readonly paceMs: number;
  readonly reduce: string | undefined;
  readonly groupBy: string | undefined;
}

/** Options of the output. */
export interface OutputOptions {
  /** A path, or `undefined` for standard output. */
  readonly output: string | undefined;
  readonly overwrite: boolean;
  readonly append: boolean;
  readonly envelope: boolean;
  readonly includeInput: boolean;
  readonly key: string | undefined;
  readonly tag: boolean;
  readonly ordered: boolean;
  readonly errors: string | undefined;
  readonly joblog: string | undefined;
  readonly trace: string | undefined;
  readonly journal: string | undefined;
  readonly resume: boolean;
  readonly retryFailed: boolean;
  readonly fsync: FsyncMode;
}

/** Options of progress and sums. */
export interface ShowOptions {
  readonly progress: ProgressMode;
  readonly color: "auto" | "always" | "never";
  readonly summary: "text" | "json";
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly dryRun: boolean;
}

/** Options of `manycore map`, checked. */
export interface MapOptions extends InputOptions, WorkOptions, OutputOptions, ShowOptions {
  /** `MODULE#EXPORT` as given. */
  readonly target: string;
}
