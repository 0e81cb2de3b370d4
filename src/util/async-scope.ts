import { AsyncResource } from "node:async_hooks";

/**
 * The asynchronous context of a moment: what every `AsyncLocalStorage` of the program holds then.
 *
 * Code of the user that runs on behalf of a call runs in the context of that call, whoever makes it run: a
 * message from a worker arrives in the context of whoever happened to start that worker.
 */
export type AsyncScope = AsyncResource;

const OPTIONS = { requireManualDestroy: true };

/** Takes the present context along. An `AsyncResource`: twenty nanoseconds, where a snapshot takes microseconds. */
export function captureScope(): AsyncScope {
  return new AsyncResource("manycore.call", OPTIONS);
}

/** Runs `body` in `scope`, or where it is called when there is none. */
export function runIn<T>(scope: AsyncScope | undefined, body: () => T): T {
  return scope === undefined ? body() : scope.runInAsyncScope(body);
}

/** Runs `body` in a copy of `scope`: a store that it enters is not seen by others. */
export function runInCopy<T>(scope: AsyncScope, body: () => T): T {
  return scope.runInAsyncScope(captureScope).runInAsyncScope(body);
}
