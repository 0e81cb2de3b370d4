import { checkMilliseconds, type WaitOptions } from "../util/wait-options.ts";
import type { Context } from "./context.ts";

/** Bounds of one wait, and whether it may end with a DeadlockError. */
export interface ParkOptions extends WaitOptions {
  readonly detectDeadlock?: boolean;
  /** The context the wait is part of; default: the current one. */
  readonly context?: Context | undefined;
  /** What the wait's own task holds and keeps it from ever ending, as an error; undefined when there is nothing. */
  readonly blockedBySelf?: () => Error | undefined;
}

/** The limit of a wait in milliseconds. @throws `signal.reason` when the signal is already aborted. */
export function checkedTimeout(options: ParkOptions | undefined): number {
  options?.signal?.throwIfAborted();
  return options?.timeout === undefined ? Infinity : checkMilliseconds(options.timeout, "timeout");
}
