import { types } from "node:util";

/** Something that a method gives to its caller as an object of its own instead of as a copy. */
export class Grant {
  readonly kind: string;
  readonly object: object;

  constructor(kind: string, object: object) {
    this.kind = kind;
    this.object = object;
  }
}

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** An iterator that a client pulls, one item at a time. */
export class ManagedIterator {
  readonly #iterator: AnyIterator;

  constructor(iterator: AnyIterator) {
    this.#iterator = iterator;
  }

  async next(): Promise<{ done: boolean; value: unknown }> {
    const { done = false, value } = await this.#iterator.next();
    return { done, value };
  }

  async return(): Promise<void> {
    await this.#iterator.return?.();
  }

  /** Ends it when nobody has it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** Gives an iterator to the caller of a method. */
export function grantIterator(iterator: AnyIterator): Grant {
  return new Grant("iterator", new ManagedIterator(iterator));
}

/** Iterators that methods of own classes return: generators, and what else is not an iterable collection. */
export function isIterator(value: unknown): value is AnyIterator {
  if (types.isGeneratorObject(value)) return true;
  if (typeof value !== "object" || value === null) return false;
  const iterator = value as { next?: unknown; [Symbol.asyncIterator]?: unknown };
  return (
    typeof iterator.next === "function" && typeof iterator[Symbol.asyncIterator] === "function"
  );
}
