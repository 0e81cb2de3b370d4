import { onAbort } from "./abort.ts";
import { MAX_TIMER_MS, setTimer } from "./timer.ts";
import { clearTimeout } from "./platform.ts";
/** Bounds of a wait; every function of this package that waits takes them. */
export interface WaitOptions {
  /** Milliseconds; `0` tries once, a negative number counts as 0; default: no limit. */
  readonly timeout?: number | undefined;
  /** Gives the wait up; it then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** Checks a number of milliseconds; NaN and non-numbers are mistakes of the caller. */
export function checkMilliseconds(value: unknown, name: string): number {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new RangeError(
      `Expected \`${name}\` to be a number of milliseconds, got ${String(value)}`,
    );
  }
  return Math.max(0, value);
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
  const timeout =
    options?.timeout === undefined ? Infinity : checkMilliseconds(options.timeout, "timeout");
  const signal = options?.signal;
  if (signal?.aborted) throw signal.reason;
  if (timeout > MAX_TIMER_MS && signal === undefined) return promise;
  let timer: NodeJS.Timeout | undefined;
  let unwatch: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimer(() => {
        try {
          resolve(onTimeout(timeout));
        } catch (error) {
          reject(error);
        }
      }, timeout);
      unwatch = onAbort(signal, () => reject(signal?.reason));
      promise.then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    unwatch?.();
  }
}
