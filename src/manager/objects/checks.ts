/** Checks a whole number that came from a client. */
export function checkInteger(value: unknown, name: string, min: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`Expected \`${name}\` to be an integer >= ${min}, got ${String(value)}`);
}

/**
 * Checks a key of a dict, or an item of a set: what arrives is a copy, and a copied object would equal
 * nothing that is there.
 */
export function checkKey<K>(key: K): K {
  if ((typeof key === "object" && key !== null) || typeof key === "function") {
    throw new TypeError(
      "Expected a key to be a string, number, bigint, boolean, null or undefined, got an object: use a part of it, or text made of it, as the key",
    );
  }
  return key;
}

/** Checks a function among the things that are iterated over. */
export function checkIterable(value: unknown, name: string): Iterable<unknown> {
  const iterable = value as { [Symbol.iterator]?: unknown } | null | undefined;
  if (typeof iterable?.[Symbol.iterator] === "function") return value as Iterable<unknown>;
  throw new TypeError(`Expected \`${name}\` to be iterable, got ${typeof value}`);
}
