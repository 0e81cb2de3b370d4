import type { JournalWriter } from "../journal/journal-writer.ts";
import { openFile, openStdout } from "../output/output.ts";
import type { OpenedFile, OpenMode, Output } from "../output/output.ts";
import { JOBLOG_HEADER } from "../work/joblog-row.ts";

/** The files of a run, open to be written. */
export interface RunOutputs {
  readonly output: Output;
  readonly errors: Output | undefined;
  readonly joblog: Output | undefined;
  readonly trace: Output | undefined;
  readonly journal: JournalWriter | undefined;
}

type RunFileName = "output" | "errors" | "joblog" | "trace";

/** A file of a run, and how it is opened. */
export interface FilePlan {
  readonly path: string;
  readonly mode: OpenMode;
}

/** A plan for a file, where one was named. */
export function planFile(path: string | undefined, mode: OpenMode): FilePlan | undefined {
  return path === undefined ? undefined : { path, mode };
}

/**
 * Opens all files of a run, or none: when one cannot be opened, no other has been changed or made.
 *
 * @throws CliError for the first that cannot be opened.
 */
export function openAll<K extends string>(
  plans: Readonly<Record<K, FilePlan | undefined>>,
): Record<K, OpenedFile | undefined> {
  const opened: Partial<Record<K, OpenedFile>> = {};
  try {
    for (const [name, plan] of Object.entries(plans) as [K, FilePlan | undefined][]) {
      if (plan !== undefined) opened[name] = openFile(plan.path, plan.mode);
    }
    return opened as Record<K, OpenedFile | undefined>;
  } catch (error) {
    for (const file of Object.values(opened) as OpenedFile[]) file.undo();
    throw error;
  }
}

/**
 * Begins to write files that are open.
 *
 * @param stdout - the descriptor of standard output, which stands in for an output file.
 */
export async function beginOutputs(
  files: Readonly<Record<RunFileName, OpenedFile | undefined>>,
  stdout?: number,
): Promise<Omit<RunOutputs, "journal">> {
  const output = files.output?.begin() ?? openStdout(stdout);
  const joblog = files.joblog?.begin();
  if (joblog?.offset === 0) await joblog.write(Buffer.from(JOBLOG_HEADER));
  return { output, errors: files.errors?.begin(), joblog, trace: files.trace?.begin() };
}
