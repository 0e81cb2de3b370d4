import { abortSignal, milliseconds } from "./checks.ts";
import { boundWait } from "./bound-wait.ts";
import { checkOptions, type OptionTable } from "./option-table.ts";

/** Bounds of a wait; every function of this package that waits takes them. */
export interface WaitOptions {
  /** Milliseconds; `0` tries once, a negative number counts as 0; default: no limit. */
  readonly timeout?: number | undefined;
  /** Gives the wait up; it then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** Names that a bound of a wait has elsewhere, in Python too. */
export const WAIT_SISTERS = {
  block: "timeout",
  blocking: "timeout",
  timeoutMs: "timeout",
  milliseconds: "timeout",
  abortSignal: "signal",
} as const;

const WAIT: OptionTable<WaitOptions> = {
  of: "a wait",
  checks: { timeout: milliseconds, signal: abortSignal },
  sisters: WAIT_SISTERS,
  bare: "timeout",
};

/**
 * Checks the bounds of a wait, also of one that would not have to wait. Costs nothing without options.
 *
 * @throws TypeError or RangeError that quotes the option and the value.
 */
export function checkWait(options: WaitOptions | undefined): void {
  if (options !== undefined) checkOptions(options, WAIT);
}

/**
 * The checked timeout of a wait, at least 0.
 *
 * @throws as {@link checkWait}; `signal.reason` when the signal is aborted already.
 */
export function timeoutOf(options: WaitOptions | undefined, fallback: number = Infinity): number {
  if (options === undefined) return fallback;
  checkOptions(options, WAIT);
  options.signal?.throwIfAborted();
  return options.timeout === undefined ? fallback : Math.max(0, options.timeout);
}

/** As {@link checkWait}, for callers that must not throw. @returns the error, if there is one. */
export function waitFault(options: WaitOptions | undefined): Error | undefined {
  if (options === undefined) return undefined;
  try {
    checkOptions(options, WAIT);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Checks a number of milliseconds; NaN and non-numbers are mistakes of the caller. */
export function checkMilliseconds(value: unknown, name: string): number {
  milliseconds(value, name);
  return Math.max(0, value as number);
}

/**
 * Waits for `promise` no longer than the options allow.
 *
 * The promise goes on by itself after a timeout or an abort; only the wait ends.
 * @param onTimeout - makes the outcome when time is up: returns a value or throws.
 */
export async function waitWithin<T>(
  promise: PromiseLike<T>,
  options: WaitOptions | undefined,
  onTimeout: (timeout: number) => T,
): Promise<T> {
  const timeout = timeoutOf(options);
  const signal = options?.signal;
  if (timeout === Infinity && signal === undefined) return promise;
  let unbind: (() => void) | undefined;
  let outcome: T | typeof TIME_IS_UP;
  try {
    outcome = await new Promise<T | typeof TIME_IS_UP>((resolve, reject) => {
      unbind = boundWait(timeout, signal, () => resolve(TIME_IS_UP), reject);
      promise.then(resolve, reject);
    });
  } finally {
    unbind?.();
  }
  if (outcome !== TIME_IS_UP) return outcome;
  try {
    // Here and not in the timer: an error that is made now has the stack of whoever awaits this.
    return onTimeout(timeout);
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error, waitWithin);
    throw error;
  }
}

const TIME_IS_UP: unique symbol = Symbol("time is up");
