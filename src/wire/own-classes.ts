import { entryUrl } from "../util/entry-url.ts";

/** What the names of this package's own classes begin with on the wire. */
export const OWN_CLASS_PREFIX = "manycore.";

const missing = new WeakSet<object>();

/** Marks the error of a value whose class is this package's own and was not loaded here yet. */
export function markOwnClassMissing(error: object): void {
  missing.add(error);
}

/**
 * Whether decoding failed only because this thread has not loaded the package as a whole: a worker starts
 * with the part that runs tasks, and gets locks and queues when the first one arrives.
 */
export function isOwnClassMissing(error: unknown): boolean {
  return typeof error === "object" && error !== null && missing.has(error);
}

/** Loads, and thereby registers, every class of this package; then decode again. */
export async function loadOwnClasses(): Promise<void> {
  await import(entryUrl("index").href);
}
