import { inspectAs } from "../util/inspectable.ts";
import { TimeoutError } from "../errors/index.ts";
import { deferred } from "../util/deferred.ts";
import { checkWait, type WaitOptions, waitWithin } from "../util/wait-options.ts";
import { checkFutures, type Future } from "./future.ts";
import { performance } from "../util/platform.ts";

/**
 * Yields each Future as it gets done: finished ones first, then in order of completion, each once.
 *
 * The variable of a `for await` over it is the Future, although TypeScript shows it with the type of
 * the result, as it does for every async iterable of promises: await it, which is right for both.
 *
 * @param options - `timeout`: milliseconds for the whole iteration, counted from this call.
 * @throws TimeoutError saying how many were not done in time.
 * @example
 * for await (const future of asCompleted(urls.map((url) => executor.submit(fetchTitle, url)))) {
 *   console.log(await future);
 * }
 */
export function asCompleted<R>(
  futures: Iterable<Future<R>>,
  options?: WaitOptions,
): AsyncIterableIterator<Future<R>>;
export function asCompleted<F extends Future<unknown>>(
  futures: Iterable<F>,
  options?: WaitOptions,
): AsyncIterableIterator<F>;
export function asCompleted<R>(
  futures: Iterable<Future<R>>,
  options: WaitOptions = {},
): AsyncIterableIterator<Future<R>> {
  checkWait(options);
  const all = checkFutures(futures);
  const ready: Future<R>[] = [];
  const deadline = options.timeout === undefined ? Infinity : performance.now() + options.timeout;
  const news = new Set<() => void>();
  for (const future of all) {
    if (future.done) ready.push(future);
  }
  for (const future of all) {
    if (future.done) continue;
    future.addDoneCallback((settled) => {
      ready.push(settled);
      for (const wake of news) wake();
    });
  }
  let yielded = 0;
  // Written out: an async generator would await each Future that it yields.
  const iterator: AsyncIterableIterator<Future<R>> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      while (ready.length === 0 || yielded >= all.size) {
        if (yielded >= all.size) return { done: true, value: undefined };
        const { promise, resolve } = deferred<void>();
        const timeout = deadline - performance.now();
        news.add(resolve);
        try {
          await waitWithin(promise, { timeout, signal: options.signal }, () => {
            throw new TimeoutError(
              `${all.size - yielded} of ${all.size} futures were not done within ${options.timeout} ms.`,
            );
          });
        } finally {
          news.delete(resolve);
        }
      }
      yielded++;
      return { done: false, value: ready.shift() as Future<R> };
    },
    async return() {
      yielded = all.size;
      for (const wake of news) wake();
      return { done: true, value: undefined };
    },
  };
  const state = (): string => `<asCompleted ${yielded} of ${all.size} read: use "for await">`;
  inspectAs({ prototype: iterator }, state);
  return iterator;
}
