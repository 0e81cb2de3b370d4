import { statSync } from "node:fs";
import type { Fingerprint } from "../journal/fingerprint.ts";
import { sealLine } from "../journal/journal-entry.ts";
import type { JournalHeader } from "../journal/journal-entry.ts";
import { JournalWriter } from "../journal/journal-writer.ts";
import type { RunLock } from "../journal/run-lock.ts";
import type { MapOptions } from "../options.ts";
import { alreadyThere } from "../output/output.ts";
import type { OpenMode } from "../output/output.ts";
import { beginOutputs, openAll, planFile } from "./run-outputs.ts";
import type { RunOutputs } from "./run-outputs.ts";
import type { RunPlan } from "./run-plan.ts";

/** The marks of a run that keeps a journal. */
export interface Journalled {
  readonly fingerprint: Fingerprint;
  readonly lock: RunLock;
}

/** A run that begins at the start, with a new journal or without one. */
export class FreshPlan implements RunPlan {
  readonly remainder = undefined;
  readonly before = undefined;
  readonly note = undefined;
  readonly #options: MapOptions;
  readonly #journalled: Journalled | undefined;

  /** @throws CliError when a file is in the way. */
  constructor(options: MapOptions, journalled?: Journalled) {
    this.#options = options;
    this.#journalled = journalled;
    refuseExisting(options);
  }

  /** The journal comes first: a run that ends between two of these lines must not look like another's. */
  async open(stdout: number): Promise<RunOutputs> {
    const { journal: path, fsync } = this.#options;
    const journalPath = this.#journalled === undefined ? undefined : path;
    const files = openAll({
      ...this.#filePlans(),
      journal: planFile(journalPath, { kind: "overwrite" }),
    });
    // What `--append` found there is no run's to cut off.
    const offsets = {
      output: files.output?.offset ?? 0,
      errors: files.errors?.offset ?? 0,
      joblog: files.joblog?.offset ?? 0,
    };
    let journal: JournalWriter | undefined;
    if (this.#journalled !== undefined) {
      const header: JournalHeader = {
        journal: "manycore map",
        version: 2,
        fingerprint: this.#journalled.fingerprint,
        at: [offsets.output, offsets.errors, offsets.joblog],
      };
      const file = files.journal!.begin();
      const { text, sum } = sealLine(header, "");
      await file.write(Buffer.from(text));
      if (fsync !== "never") await file.sync();
      journal = new JournalWriter(file, fsync, false, offsets, sum);
    }
    return { ...(await beginOutputs(files, stdout)), journal };
  }

  async release(): Promise<void> {
    await this.#journalled?.lock.release();
  }

  /** A trace tells of one run, so it is never appended to. */
  #filePlans(): Record<"output" | "errors" | "joblog" | "trace", ReturnType<typeof planFile>> {
    const { output, errors, joblog, trace, overwrite, append } = this.#options;
    const fresh: OpenMode = { kind: overwrite ? "overwrite" : "create" };
    const mode: OpenMode = append ? { kind: "append" } : fresh;
    return {
      output: planFile(output, mode),
      errors: planFile(errors, mode),
      joblog: planFile(joblog, mode),
      trace: planFile(trace, fresh),
    };
  }
}

/** Before anything is written: whether one of the files is in the way. */
function refuseExisting({ output, errors, joblog, trace, overwrite, append }: MapOptions): void {
  if (overwrite) return;
  for (const path of append ? [trace] : [output, errors, joblog, trace]) {
    const stats = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path !== undefined && stats?.isFile() === true) throw alreadyThere(path);
  }
}
