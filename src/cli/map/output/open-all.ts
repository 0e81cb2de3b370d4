import { openFile } from "./output.ts";
import type { OpenedFile, OpenMode } from "./output.ts";

/** A file of a run, and how it is opened. */
export interface FilePlan {
  readonly path: string;
  readonly mode: OpenMode;
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
