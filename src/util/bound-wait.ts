import { onAbort } from "./abort.ts";
import { clearTimeout } from "./platform.ts";
import { setTimer } from "./timer.ts";

/**
 * Bounds one wait by a timer and an abort signal: at most one of the two calls back, once.
 *
 * @param timeout - milliseconds; Infinity, or more than a timer can have, is no limit.
 * @returns how to end both when the wait is over.
 */
export function boundWait(
  timeout: number,
  signal: AbortSignal | undefined,
  onTimeout: () => void,
  onAborted: (reason: unknown) => void,
): () => void {
  const timer = setTimer(() => {
    unwatch();
    onTimeout();
  }, timeout);
  const unwatch = onAbort(signal, () => {
    clearTimeout(timer);
    onAborted(signal?.reason);
  });
  return () => {
    clearTimeout(timer);
    unwatch();
  };
}
