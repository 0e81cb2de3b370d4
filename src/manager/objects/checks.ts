import { badArgument, wrongType } from "../../util/argument-error.ts";
import { integer } from "../../util/checks.ts";

/** Checks a whole number that came from a client. */
export function checkInteger(value: unknown, name: string, min: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min) return value;
  integer(min)(value, name);
  return value as number;
}

/**
 * Checks a key of a dict, or an item of a set: what arrives is a copy, and a copied object would equal
 * nothing that is there.
 */
export function checkKey<K>(key: K): K {
  if ((typeof key === "object" && key !== null) || typeof key === "function") {
    throw badArgument(
      "Expected a key to be a string, number, bigint, boolean, null or undefined, got an object: use a part of it, or text made of it, as the key",
    );
  }
  return key;
}

/** Checks a function among the things that are iterated over. */
export function checkIterable(value: unknown, name: string): Iterable<unknown> {
  const iterable = value as { [Symbol.iterator]?: unknown } | null | undefined;
  if (typeof iterable?.[Symbol.iterator] === "function") return value as Iterable<unknown>;
  throw wrongType(name, "an iterable", value);
}
