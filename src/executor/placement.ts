import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/**
 * Work queued ahead in a worker, in microseconds. Enough that a no-op task does not wait for the way there
 * and back; little enough that nothing else waits long behind it.
 */
const WINDOW_MICROS = 2000;
/** Tasks handed to one worker at a time at the most, however small they are. */
const MAX_WINDOW = 1024;
/** Of tasks with large buffers so many are handed out ahead of time. */
const MAX_LARGE_AHEAD = 3;
/** Tasks one worker holds at the most, whatever its concurrency: each may have a token open in its claims. */
const MOST_HELD = 4000;
/** Assumed run time of a function that has not run: too much to queue several. */
const UNKNOWN_MICROS = WINDOW_MICROS;
/** A worker that has reported nothing for this long while it holds others' work is slow: it shares. */
const SLOW_MS = 1;

/** Expected run time of a task, in microseconds; never zero, so that windows fill up. */
export function estimateOf(entry: TaskEntry): number {
  return (entry.record.meanMicros ?? UNKNOWN_MICROS) * entry.items + 0.5;
}

/** Limits to the tasks one worker is handed. */
export interface PlacementLimits {
  readonly concurrency: number;
  readonly maxTasksPerWorker: number;
}

/**
 * The worker that should get the task next: an idle one; else, when no other may be started, the one with
 * the least work ahead, if its window has room.
 *
 * @returns undefined when the task has to wait.
 */
export function pickWorker(
  links: Iterable<WorkerLink>,
  entry: TaskEntry,
  limits: PlacementLimits,
  mayStart: boolean,
): WorkerLink | undefined {
  let best: WorkerLink | undefined;
  let bestRank = Infinity;
  for (const link of links) {
    const rank = rankOf(link, entry, limits, mayStart);
    if (rank < bestRank) {
      best = link;
      bestRank = rank;
    }
  }
  return best;
}

function rankOf(
  link: WorkerLink,
  entry: TaskEntry,
  limits: PlacementLimits,
  mayStart: boolean,
): number {
  if (entry.pinned !== undefined) return entry.pinned === link ? 0 : Infinity;
  if (!link.isUsable) return Infinity;
  if (link.handed >= limits.maxTasksPerWorker) return Infinity;
  if (link.claims.wantsRest && link.inflight.size > 0) return Infinity;
  // A retry goes elsewhere while there is an elsewhere.
  const penalty = entry.avoid === link.id ? 1e9 : 0;
  const held = link.inflight.size;
  if (held >= MOST_HELD) return Infinity;
  if (held < limits.concurrency) {
    return penalty > 0 && mayStart ? Infinity : link.load + penalty;
  }
  // What has moved into a worker cannot be taken back: it is handed to one that runs it at once.
  if (mayStart || link.slow || entry.transferList !== undefined) return Infinity;
  const isLarge = entry.attachments !== undefined;
  if (held >= (isLarge ? limits.concurrency + MAX_LARGE_AHEAD : MAX_WINDOW)) return Infinity;
  // One more is always worth it: it starts without waiting for the way there and back.
  const fits = held <= limits.concurrency || link.load + estimateOf(entry) <= WINDOW_MICROS;
  if (!fits || (link.state === "starting" && held > limits.concurrency)) return Infinity;
  return link.load + penalty;
}

/** Workers that hold tasks which an idle one could run sooner. */
export function slowHolders(
  links: Iterable<WorkerLink>,
  concurrency: number,
  now: number,
): WorkerLink[] {
  const slow: WorkerLink[] = [];
  for (const link of links) {
    const holdsMore = link.inflight.size > concurrency;
    if (holdsMore && (link.state !== "ready" || now - link.lastResult > SLOW_MS)) slow.push(link);
  }
  return slow;
}
