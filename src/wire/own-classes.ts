import { SerializationError } from "../errors/index.ts";
import { loadEverything } from "../util/load-own.ts";

/** The names under which this package registers its own classes begin with this. */
const OWN_CLASS_PREFIX = "manycore.";

/** Errors that say that a class of this package is not loaded yet. */
const unloaded: WeakSet<object> = new WeakSet();
let loading: Promise<unknown> | undefined;
let isLoaded = false;

/** The error for an instance of a class that is not registered here. */
export function notRegistered(name: string): SerializationError {
  const error = new SerializationError(
    `An instance of the class "${name}" arrived, which is not registered here. ` +
      "Call registerClass in a module that both sides import, such as the one that defines the class.",
  );
  if (name.startsWith(OWN_CLASS_PREFIX) && !isLoaded) unloaded.add(error);
  return error;
}

/**
 * Loads the whole package into a worker that has met one of its classes: a worker starts with the little
 * it always needs, and the functions it runs need not import what they are given.
 *
 * @returns a promise when it is worth decoding again after it, else undefined.
 */
export function loadOwnClasses(error: unknown): Promise<unknown> | undefined {
  if (typeof error !== "object" || error === null || !unloaded.has(error)) return undefined;
  loading ??= loadEverything().then(() => (isLoaded = true));
  return loading;
}

/** Calls a function that decodes, once more if it lacked a class of this package. */
export async function withOwnClasses<T>(decode: () => T): Promise<T> {
  try {
    return decode();
  } catch (error) {
    const loaded = loadOwnClasses(error);
    if (loaded === undefined) throw error;
    await loaded;
    return decode();
  }
}
