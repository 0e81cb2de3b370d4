import { statSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import type { Inputs } from "../input/inputs.ts";
import { differences } from "../journal/fingerprint.ts";
import type { Fingerprint } from "../journal/fingerprint.ts";
import type { Offsets } from "../journal/journal-entry.ts";
import { readJournal } from "../journal/journal-reader.ts";
import { RunLock } from "../journal/run-lock.ts";
import type { MapOptions } from "../options.ts";
import { FreshPlan } from "./fresh-plan.ts";
import { ResumePlan } from "./resume-plan.ts";
import type { RunPlan } from "./run-plan.ts";

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
  if (journal === undefined) return new FreshPlan(options);
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
    return new FreshPlan(options, { fingerprint, lock });
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
