import { CancelledError, SerializationError, TaskNotFoundError } from "../errors/index.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/** What follows a failed try: another one after `delay` milliseconds, or the end with `error`. */
export type RetryPlan =
  | { readonly delay: number; readonly error?: undefined }
  | { readonly delay?: undefined; readonly error: unknown };

/** Decides whether a task that failed in a worker is tried again, and when. */
export function planRetry(link: WorkerLink, entry: TaskEntry, error: unknown): RetryPlan {
  // What a stream among the arguments has given away cannot be given again.
  const opened = (entry.streams ?? []).some(([id]) => link.streams.withdraw(id));
  const isLast = entry.attempt > entry.options.retries || entry.pinned?.state === "dead";
  if (opened || isLast || !isRetryable(error)) return { error };
  const { retryDelay } = entry.options.source;
  try {
    return {
      delay: typeof retryDelay === "function" ? retryDelay(entry.attempt) : (retryDelay ?? 0),
    };
  } catch (failure) {
    return { error: failure };
  }
}

/** Whether another try can end better: not when the task cannot be found or its values cannot travel. */
function isRetryable(error: unknown): boolean {
  return !(
    error instanceof TaskNotFoundError ||
    error instanceof SerializationError ||
    error instanceof CancelledError
  );
}
