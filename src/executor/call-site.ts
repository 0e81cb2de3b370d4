import { BrokenExecutorError, CancelledError, TimeoutError } from "../errors/index.ts";
import { setStack, withoutStack, withoutTopFrames } from "../errors/own-frames.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What has the stack of the call that submitted a task. */
export type CallSite = Pick<TaskEntry, "site">;

/**
 * Gives an error that the executor makes about a task the stack of the call that submitted the task: its own begins
 * in a timer, or in the message of a worker's end, and says nothing of the program.
 */
export function placeAtCall<E extends Error>(error: E, { site }: CallSite): E {
  const stack = site?.stack;
  const frames = stack?.slice(stack.indexOf("\n")) ?? "";
  if (!frames.startsWith("\n")) return error;
  const placed = withoutTopFrames(`${error.name}: ${error.message}${frames}`, Infinity);
  setStack(error, placed);
  return error;
}

/** The error of a task that ran longer than it may. */
export function timeoutOf(entry: TaskEntry): TimeoutError {
  const limit = `within ${entry.options.timeout} ms of its start`;
  const make = (): TimeoutError => new TimeoutError(`Task "${entry.name}" was not done ${limit}.`);
  return placeAtCall(withoutStack(make), entry);
}

/** An error that ends many tasks, as one of them learns it: of its own, with the stack of the task's call. */
export function shareOf(error: Error, entry: CallSite): Error {
  const Class = [CancelledError, BrokenExecutorError].find((one) => error instanceof one);
  if (Class === undefined || entry.site === undefined) return error;
  const options = "cause" in error ? { cause: error.cause } : undefined;
  return placeAtCall(
    withoutStack(() => new Class(error.message, options)),
    entry,
  );
}
