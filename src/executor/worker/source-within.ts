import { openSource, type StreamSource } from "../streams.ts";

/** A source whose code runs inside `run`, each time it is asked for an item: its task's context goes with it. */
export function sourceWithin(
  source: StreamSource,
  run: <T>(body: () => T) => T,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<unknown> {
      const inner = run(() => openSource(source));
      return {
        next: async () => run(() => inner.next()),
        return: async () => (await run(() => inner.return?.())) ?? { done: true, value: undefined },
      };
    },
  };
}
