import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import type { Remainder } from "../input/open-source.ts";
import type { Inputs } from "../input/inputs.ts";
import type { MapOptions } from "../options.ts";
import { openAll } from "../output/open-all.ts";
import type { FilePlan } from "../output/open-all.ts";
import { alreadyThere, openStdout } from "../output/output.ts";
import type { OpenedFile, OpenMode } from "../output/output.ts";
import type { RunOutputs } from "../output/run-files.ts";
import { JOBLOG_HEADER } from "../work/joblog-row.ts";
import { differences } from "./fingerprint.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { sealLine } from "./journal-entry.ts";
import type { JournalHeader, Offsets } from "./journal-entry.ts";
import { failedSegments, readJournal, remainingSegments } from "./journal-reader.ts";
import type { JournalState } from "./journal-reader.ts";
import { JournalWriter } from "./journal-writer.ts";
import { RunLock } from "./run-lock.ts";

/** What an earlier run has done, for those that show it. */
export interface Before {
  readonly ran: number;
  /** Records and bytes of the input of this run that are done. */
  readonly records: number;
  readonly bytes: number;
  readonly failed: ReadonlySet<number>;
}

const LINE_FEED = 10;

type RunFileName = "output" | "errors" | "joblog" | "trace";

/** The part of a run that its journal decides. */
export interface RunPlan {
  /** What is left of the input; `undefined` for all of it. */
  readonly remainder: Remainder | undefined;
  readonly before: Before | undefined;
  /** What the user should know before it begins. */
  readonly note: string | undefined;
  /**
   * Opens the files, and cuts off what the journal does not know of.
   *
   * @param stdout - the descriptor of standard output.
   */
  open(stdout: number): Promise<RunOutputs>;
  /** Lets other runs at the journal. */
  release(): Promise<void>;
}

/**
 * Decides where a run begins: at the start, or where its journal ends.
 *
 * Nothing is written before {@link RunPlan.open}.
 *
 * @throws CliError with exit code 4 when files are in the way, or the journal is of another run.
 */
export async function planRun(
  options: MapOptions,
  inputs: Inputs,
  fingerprint: () => Fingerprint,
): Promise<RunPlan> {
  const { journal } = options;
  if (journal === undefined) return new PlainPlan(options);
  refuseUnrepeatable(options, inputs);
  refuseMissingFolder(journal);
  const lock = await RunLock.take(journal);
  try {
    return journalPlan(options, inputs, fingerprint(), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function journalPlan(
  options: MapOptions,
  inputs: Inputs,
  fingerprint: Fingerprint,
  lock: RunLock,
): RunPlan {
  const { journal = "", resume, retryFailed, overwrite } = options;
  const state = overwrite ? undefined : readJournal(journal, sizesOf(options));
  if (state === undefined) {
    if (retryFailed) {
      throw new CliError(
        `There is no journal ${journal} to tell what failed; run once with --journal or --resume`,
        EXIT_CODE.refused,
      );
    }
    return new FreshPlan(options, fingerprint, lock);
  }
  if (!resume && !retryFailed) {
    throw new CliError(
      `${journal} tells of an earlier run; pass --resume to go on with it, or --overwrite to start again`,
      EXIT_CODE.refused,
    );
  }
  const found = differences(state.header.fingerprint, fingerprint, retryFailed);
  if (found.length > 0) {
    throw new CliError(
      `Cannot go on with the run of ${journal}: ${found.join("; ")}. ` +
        "Undo that, or start again with --overwrite",
      EXIT_CODE.refused,
    );
  }
  if (retryFailed && !state.isComplete) {
    throw new CliError(
      `The run of ${journal} is not at its end; let it get there with --resume first`,
      EXIT_CODE.refused,
    );
  }
  return new ResumePlan(options, inputs, state, lock);
}

/** A run without a journal. */
class PlainPlan implements RunPlan {
  readonly remainder = undefined;
  readonly before = undefined;
  readonly note = undefined;
  readonly #options: MapOptions;

  constructor(options: MapOptions) {
    this.#options = options;
    refuseExisting(options);
  }

  async open(stdout: number): Promise<RunOutputs> {
    const files = openAll(freshPlans(this.#options));
    return { ...(await begun(files, stdout)), journal: undefined };
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

/** The first run with a journal. */
class FreshPlan implements RunPlan {
  readonly remainder = undefined;
  readonly before = undefined;
  readonly note = undefined;
  readonly #options: MapOptions;
  readonly #fingerprint: Fingerprint;
  readonly #lock: RunLock;

  constructor(options: MapOptions, fingerprint: Fingerprint, lock: RunLock) {
    this.#options = options;
    this.#fingerprint = fingerprint;
    this.#lock = lock;
    refuseExisting(options);
  }

  /** The journal comes first: a run that ends between two of these lines must not look like another's. */
  async open(): Promise<RunOutputs> {
    const { journal = "", append, fsync } = this.#options;
    const plans = freshPlans(this.#options);
    const files = openAll({ ...plans, journal: planOf(journal, { kind: "overwrite" }) });
    const base = append ? (files.output?.offset ?? 0) : 0;
    const offsets = { output: base, errors: 0, joblog: 0 };
    const header: JournalHeader = {
      journal: "manycore map",
      version: 2,
      fingerprint: this.#fingerprint,
      at: [base, 0, 0],
    };
    const file = files.journal!.begin();
    const { text, sum } = sealLine(header, "");
    await file.write(Buffer.from(text));
    if (fsync !== "never") await file.sync();
    return {
      ...(await begun(files)),
      journal: new JournalWriter(file, fsync, false, offsets, sum),
    };
  }

  release(): Promise<void> {
    return this.#lock.release();
  }
}

/** A run that goes on with an earlier one, or with what failed in it. */
class ResumePlan implements RunPlan {
  readonly remainder: Remainder;
  readonly before: Before;
  readonly note: string | undefined;
  readonly #options: MapOptions;
  readonly #state: JournalState;
  readonly #lock: RunLock;

  constructor(options: MapOptions, inputs: Inputs, state: JournalState, lock: RunLock) {
    this.#options = options;
    this.#state = state;
    this.#lock = lock;
    const { done, failed, ran, isAhead } = state;
    const isRetry = options.retryFailed;
    const count = inputs.shape.format === "files" ? 1 : inputs.paths.length;
    const segments = isRetry ? failedSegments(done, failed) : remainingSegments(done, count);
    this.remainder = { segments, only: isRetry ? failed : undefined, taken: isRetry ? 0 : ran };
    const bytes = done.reduce((sum, { start, end }) => sum + end - start, 0);
    const isContent = inputs.shape.format !== "files";
    this.before = {
      ran,
      // What runs again is an input of its own, of which nothing is done.
      records: isRetry ? 0 : ran,
      bytes: isContent && !isRetry ? bytes : 0,
      failed,
    };
    if (!isRetry) refuseCutLines(options, state);
    this.note = isAhead
      ? "The files are shorter than the journal says; what they lack is done again."
      : undefined;
  }

  async open(): Promise<RunOutputs> {
    const { journal, output, errors, joblog, trace, fsync, retryFailed } = this.#options;
    const { length, offsets, sum } = this.#state;
    const cut = (to: number): OpenMode => ({ kind: "resume", length: to });
    // All that failed runs again, so what is said of it is said anew.
    const errorsEnd = retryFailed ? 0 : offsets.errors;
    const files = openAll({
      journal: planOf(journal, cut(length)),
      output: planOf(output, cut(offsets.output)),
      errors: planOf(errors, cut(errorsEnd)),
      joblog: planOf(joblog, cut(offsets.joblog)),
      trace: planOf(trace, { kind: "overwrite" }),
    });
    const now: Offsets = { ...offsets, errors: errorsEnd };
    const writer = new JournalWriter(files.journal!.begin(), fsync, retryFailed, now, sum);
    if (retryFailed && errors !== undefined) await writer.append(writer.takeNotes());
    return { ...(await begun(files)), journal: writer };
  }

  release(): Promise<void> {
    return this.#lock.release();
  }
}

function freshMode(overwrite: boolean, append: boolean): OpenMode {
  if (append) return { kind: "append" };
  return { kind: overwrite ? "overwrite" : "create" };
}

/** The files of a run that begins at the start. A trace tells of one run, so it is never appended to. */
function freshPlans(options: MapOptions): Record<RunFileName, FilePlan | undefined> {
  const { output, errors, joblog, trace, overwrite, append } = options;
  const mode = freshMode(overwrite, append);
  return {
    output: planOf(output, mode),
    errors: planOf(errors, mode),
    joblog: planOf(joblog, mode),
    trace: planOf(trace, { kind: overwrite ? "overwrite" : "create" }),
  };
}

function planOf(path: string | undefined, mode: OpenMode): FilePlan | undefined {
  return path === undefined ? undefined : { path, mode };
}

async function begun(
  files: Readonly<Record<RunFileName, OpenedFile | undefined>>,
  stdout?: number,
): Promise<Omit<RunOutputs, "journal">> {
  const output = files.output?.begin() ?? openStdout(stdout);
  const joblog = files.joblog?.begin();
  if (joblog?.offset === 0) await joblog.write(Buffer.from(JOBLOG_HEADER));
  return { output, errors: files.errors?.begin(), joblog, trace: files.trace?.begin() };
}

/** Before anything is written: whether one of the files is in the way. */
function refuseExisting({ output, errors, joblog, trace, overwrite, append }: MapOptions): void {
  if (overwrite) return;
  for (const path of append ? [trace] : [output, errors, joblog, trace]) {
    const stats = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path !== undefined && stats?.isFile() === true) throw alreadyThere(path);
  }
}

/** What was taken out of a file moves the rest: then the lengths in the journal are no ends of lines. */
function refuseCutLines({ output, errors, joblog }: MapOptions, { offsets }: JournalState): void {
  const ends: [string | undefined, number][] = [
    [output, offsets.output],
    [errors, offsets.errors],
    [joblog, offsets.joblog],
  ];
  for (const [path, end] of ends) {
    if (path === undefined || end === 0 || path.endsWith(".gz")) continue;
    const last = Buffer.alloc(1);
    const fd = openSync(path, "r");
    try {
      if (!fstatSync(fd).isFile()) continue;
      readSync(fd, last, 0, 1, end - 1);
    } finally {
      closeSync(fd);
    }
    if (last[0] === LINE_FEED) continue;
    throw new CliError(
      `${path} is not as the run has left it: lines were changed, or are missing. ` +
        "Bring back the file as it was, or start again with --overwrite",
      EXIT_CODE.refused,
    );
  }
}

function refuseUnrepeatable({ batch, skip, sample }: MapOptions, inputs: Inputs): void {
  const isPiped = inputs.paths.includes("-") || inputs.sizes.includes(undefined);
  if (isPiped) {
    throw new CliError(
      "A run over a pipe cannot be resumed: what was read is gone. Give --journal a file as input",
    );
  }
  if (batch !== undefined && (skip > 0 || sample < 1)) {
    throw new CliError("--journal and --batch go with neither --skip nor --sample");
  }
}

function refuseMissingFolder(journal: string): void {
  const folder = dirname(journal);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new CliError(`Cannot write ${journal}: there is no folder ${folder}`);
}

function sizesOf({ output, errors, joblog }: MapOptions): Offsets {
  return { output: sizeOf(output), errors: sizeOf(errors), joblog: sizeOf(joblog) };
}

function sizeOf(path: string | undefined): number {
  if (path === undefined) return 0;
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
