import { tasks } from "manycore";

/** Functions that the tests run elsewhere. */
export const work = tasks<typeof import("../fixtures/manager/work.mjs")>(
  new URL("../fixtures/manager/work.mjs", import.meta.url),
);

/** A bound against hangs, not an expectation. */
export const BOUND = { timeout: 20_000 };

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
