import { TaskFlag, type TaskHeader } from "./protocol.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Tasks are sent together up to about this size. */
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/**
 * Parts the tasks that are sent at once into those that share a frame. One that is large, or has something
 * beside it, goes alone: if it cannot be sent, no other is concerned.
 */
export function* batchesOf(entries: readonly TaskEntry[]): Generator<readonly TaskEntry[]> {
  let batch: TaskEntry[] = [];
  let weight = 0;
  for (const entry of entries) {
    const isAlone = entry.attachments !== undefined;
    const more = weightOf(entry);
    if (batch.length > 0 && (isAlone || weight + more > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      weight = 0;
    }
    batch.push(entry);
    weight += isAlone ? MAX_BATCH_BYTES : more;
  }
  if (batch.length > 0) yield batch;
}

/** About how many bytes a task takes in a frame. */
function weightOf({ args }: TaskEntry): number {
  if (args instanceof Uint8Array) return args.length;
  let weight = args.length * 9;
  for (const value of args) if (typeof value === "string") weight += value.length * 3;
  return weight;
}

/** The header of a task: what it carries besides its arguments. */
export function headerOf(entry: TaskEntry): TaskHeader {
  const { options } = entry;
  const reportStart = options.timeout !== undefined;
  if (
    entry.flags === 0 &&
    entry.attempt === 1 &&
    !reportStart &&
    options.context === null &&
    entry.trace === null
  ) {
    return 0;
  }
  const flags = entry.flags | (reportStart ? TaskFlag.reportStart : 0);
  return [flags, entry.attempt, options.context, entry.trace];
}
