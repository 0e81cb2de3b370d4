import { TimeoutError } from "../errors/index.ts";
import type { TaskEntry } from "./task-entry.ts";

/**
 * Gives an error that the executor makes about a task the stack of the call that submitted the task: its own begins
 * in a timer, or in the message of a worker's end, and says nothing of the program.
 */
export function placeAtCall<E extends Error>(error: E, entry: TaskEntry): E {
  const stack = entry.site?.stack;
  const frames = stack?.slice(stack.indexOf("\n")) ?? "";
  if (!frames.startsWith("\n")) return error;
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}${frames}`,
    writable: true,
    configurable: true,
    enumerable: false,
  });
  return error;
}

/** The error of a task that ran longer than it may. */
export function timeoutOf(entry: TaskEntry): TimeoutError {
  const limit = `within ${entry.options.timeout} ms of its start`;
  return placeAtCall(new TimeoutError(`Task "${entry.name}" was not done ${limit}.`), entry);
}
