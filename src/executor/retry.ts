import { CancelledError, SerializationError, TaskNotFoundError } from "../errors/index.ts";
import type { TaskEntry } from "./task-entry.ts";

/** Whether another try can end better: not when the task cannot be found or its values cannot travel. */
export function isRetryable(error: unknown): boolean {
  return !(
    error instanceof TaskNotFoundError ||
    error instanceof SerializationError ||
    error instanceof CancelledError
  );
}

/** Milliseconds until the next try. */
export function retryDelayOf(entry: TaskEntry): number {
  const { retryDelay } = entry.options.source;
  return typeof retryDelay === "function" ? retryDelay(entry.attempt) : (retryDelay ?? 0);
}
