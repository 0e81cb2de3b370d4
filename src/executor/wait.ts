import { deferred } from "../util/deferred.ts";
import { WAIT_SISTERS, type WaitOptions, waitWithin } from "../util/wait-options.ts";
import { abortSignal, milliseconds, oneOf } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkFutures, type Future } from "./future.ts";

/** The event that {@link wait} waits for. */
export type ReturnWhen = "ALL_COMPLETED" | "FIRST_COMPLETED" | "FIRST_EXCEPTION";

/** The two halves of what {@link wait} was given. */
export interface WaitResult<R, F extends Future<R> = Future<R>> {
  readonly done: Set<F>;
  readonly notDone: Set<F>;
}

const WAIT: OptionTable<WaitOptions & { readonly returnWhen?: ReturnWhen }> = {
  of: "wait()",
  checks: {
    timeout: milliseconds,
    signal: abortSignal,
    returnWhen: oneOf("ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"),
  },
  sisters: WAIT_SISTERS,
  bare: "timeout",
};

/**
 * Waits until all of the Futures are done, or the first one, or the first that failed.
 *
 * **Waiting**: a timeout is no error; it returns what is done by then. A cancelled Future is done, and not
 * a failure. **Cancellation**: detached; the tasks go on.
 *
 * @param futures - duplicates count once.
 */
export function wait<R>(
  futures: Iterable<Future<R>>,
  options?: WaitOptions & { readonly returnWhen?: ReturnWhen | undefined },
): Promise<WaitResult<R>>;
export function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options?: WaitOptions & { readonly returnWhen?: ReturnWhen | undefined },
): Promise<WaitResult<unknown, F>>;
export async function wait<R>(
  futures: Iterable<Future<R>>,
  options: WaitOptions & { readonly returnWhen?: ReturnWhen | undefined } = {},
): Promise<WaitResult<R>> {
  checkOptions(options, WAIT);
  const { returnWhen = "ALL_COMPLETED", timeout, signal } = options;
  const all = checkFutures(futures);
  const enough = deferred<void>();
  let open = 0;
  const note = (future: Future<R>): void => {
    const failed = future.state === "failed";
    const isFirst =
      returnWhen === "FIRST_COMPLETED" || (returnWhen === "FIRST_EXCEPTION" && failed);
    if (isFirst || open === 0) enough.resolve();
  };
  for (const future of all) {
    if (!future.done) open++;
  }
  for (const future of all) {
    if (future.done) {
      note(future);
      continue;
    }
    future.addDoneCallback((settled) => {
      open--;
      note(settled);
    });
  }
  if (open === 0) enough.resolve();
  await waitWithin(enough.promise, { timeout, signal }, () => undefined);
  const done = new Set([...all].filter((future) => future.done));
  return { done, notDone: new Set([...all].filter((future) => !done.has(future))) };
}
