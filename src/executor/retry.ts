import {
  CancelledError,
  InvalidStateError,
  SerializationError,
  TaskNotFoundError,
} from "../errors/index.ts";
import { runIn } from "../util/async-scope.ts";
import { ChunkFailure } from "./chunk-failure.ts";
import { milliseconds } from "../util/checks.ts";
import { MAX_TIMER_MS } from "../util/timer.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/** The step after a failed try: another one after `delay` milliseconds, or the end with `error`. */
export type RetryPlan =
  | { readonly delay: number; readonly error?: undefined }
  | { readonly delay?: undefined; readonly error: unknown };

/** Decides whether a task that failed in a worker is tried again, and when. */
export function planRetry(link: WorkerLink, entry: TaskEntry, error: unknown): RetryPlan {
  for (const { id } of entry.streams ?? []) link.streams.withdraw(id);
  const isLast = entry.attempt > entry.options.retries || entry.pinned?.state === "dead";
  if (isLast || !isRetryable(error)) return { error };
  const spent = whatIsSpent(entry);
  if (spent !== undefined) return { error: notAgain(entry, spent, error) };
  const { retryDelay } = entry.options.source;
  try {
    const delay =
      typeof retryDelay === "function"
        ? runIn(entry.scope, () => retryDelay(entry.attempt))
        : (retryDelay ?? 0);
    milliseconds(delay, "retryDelay()");
    for (const move of entry.moves ?? []) move.again?.();
    return { delay: Math.min(delay, MAX_TIMER_MS) };
  } catch (failure) {
    return { error: failure };
  }
}

/** Names the argument that the failed try has used up, so that another one would get less than the caller gave. */
function whatIsSpent(entry: TaskEntry): string | undefined {
  if (entry.streams?.some((stream) => stream.isOpened) === true) {
    return "it has begun to read a stream among its arguments";
  }
  if (entry.moved) return "what `transfer` names has moved into its worker";
  if (entry.moves?.some((move) => move.again === undefined) === true) {
    return "an object among its arguments, such as the end of a pipe, has moved into its worker";
  }
  return undefined;
}

function notAgain(entry: TaskEntry, spent: string, failure: unknown): unknown {
  if (failure instanceof ChunkFailure) {
    return new ChunkFailure(failure.values, notAgain(entry, spent, failure.error));
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new InvalidStateError(
    `Attempt ${entry.attempt} of task "${entry.name}" failed and cannot be followed by another: ${spent}. ` +
      `Give it what can be read again, or no \`retries\`. It failed with: ${reason}`,
    { cause: failure },
  );
}

/** True when another try can end better: not when the task cannot be found or its values cannot travel. */
function isRetryable(error: unknown): boolean {
  return !(
    error instanceof TaskNotFoundError ||
    error instanceof SerializationError ||
    error instanceof CancelledError
  );
}
