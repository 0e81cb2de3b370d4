import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import type { Inputs } from "../input/inputs.ts";
import type { Remainder } from "../input/open-source.ts";
import type { Offsets } from "../journal/journal-entry.ts";
import { failedSegments, remainingSegments } from "../journal/journal-reader.ts";
import type { JournalState } from "../journal/journal-reader.ts";
import { JournalWriter } from "../journal/journal-writer.ts";
import type { RunLock } from "../journal/run-lock.ts";
import type { MapOptions } from "../options.ts";
import type { OpenMode } from "../output/output.ts";
import { beginOutputs, openAll, planFile } from "./run-outputs.ts";
import type { RunOutputs } from "./run-outputs.ts";
import type { Before, RunPlan } from "./run-plan.ts";

const LINE_FEED = 10;

/** A run that goes on with an earlier one, or with what failed in it. */
export class ResumePlan implements RunPlan {
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
    const { header, length, offsets, sum } = this.#state;
    const cut = (to: number): OpenMode => ({ kind: "resume", length: to });
    // All that failed runs again, so it is told anew, behind what was there before the first run.
    const errorsEnd = retryFailed ? header.at[1] : offsets.errors;
    const files = openAll({
      journal: planFile(journal, cut(length)),
      output: planFile(output, cut(offsets.output)),
      errors: planFile(errors, cut(errorsEnd)),
      joblog: planFile(joblog, cut(offsets.joblog)),
      trace: planFile(trace, { kind: "overwrite" }),
    });
    const now: Offsets = { ...offsets, errors: errorsEnd };
    const writer = new JournalWriter(files.journal!.begin(), fsync, retryFailed, now, sum);
    if (retryFailed && errors !== undefined) await writer.append(writer.takeNotes());
    return { ...(await beginOutputs(files)), journal: writer };
  }

  release(): Promise<void> {
    return this.#lock.release();
  }
}

/** Lines that were taken out of a file move the rest: then the lengths in the journal are no ends of lines. */
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
