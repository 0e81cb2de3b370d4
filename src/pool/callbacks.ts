import { Future } from "../executor/index.ts";
import type { AsyncCallbacks } from "./options.ts";

/** A promise as a Future, whose outcome the callbacks get first. */
export function promised<R>(work: Promise<R>, callbacks: AsyncCallbacks<R>): Future<R> {
  const future = new Future<R>();
  future.setRunning();
  work.then(
    (value) => future.setResult(value),
    (error: unknown) => future.setException(error),
  );
  return notify(future, callbacks);
}

/** Calls one of the callbacks with the outcome of a Future. */
export function notify<R>(future: Future<R>, callbacks: AsyncCallbacks<R>): Future<R> {
  const { callback, errorCallback } = callbacks;
  if (callback === undefined && errorCallback === undefined) return future;
  // First in the row, so it is called before whoever awaits the Future goes on.
  void future.then(
    (value) => callback?.(value),
    (error: unknown) => errorCallback?.(error),
  );
  return future;
}
