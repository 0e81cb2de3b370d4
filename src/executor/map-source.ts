import { badArgument, wrongType } from "../util/argument-error.ts";
import type { AnyIterable } from "./types.ts";

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/**
 * The items of one or several iterables side by side, pulled one step at a time until the shortest ends.
 *
 * With one iterable a step is the item itself, with several it is the list of their items.
 */
export class StepSource {
  /** True when every iterable is synchronous: steps need no waiting. */
  readonly isSync: boolean;
  /** Number of steps, if it is known without pulling. */
  readonly length: number | undefined;
  readonly #iterators: AnyIterator[];
  /** The only iterable if it is a list with nothing special about it: pieces of it are cut out at once. */
  readonly #list: readonly unknown[] | undefined;
  #position = 0;

  /** @param name - what the caller calls them; of several they are told apart by their index. */
  constructor(iterables: readonly AnyIterable<unknown>[], name = "iterables") {
    if (iterables.length === 0) {
      throw badArgument("Expected at least one iterable of arguments, got none");
    }
    // All of them before the first is opened.
    for (const [at, iterable] of iterables.entries()) {
      checkSource(iterable, name === "iterables" ? `${name}[${at}]` : name);
    }
    this.isSync = iterables.every((iterable) => !(Symbol.asyncIterator in Object(iterable)));
    this.length = shortest(iterables);
    this.#list = iterables.length === 1 && isList(iterables[0]) ? iterables[0] : undefined;
    this.#iterators = iterables.map(openIterator);
  }

  /** The next `count` steps; fewer at the end, or when the input fails. Only when `isSync`. */
  pullSync(count: number): { steps: unknown[]; failure?: { readonly error: unknown } } {
    if (this.#list !== undefined) {
      const steps = this.#list.slice(this.#position, this.#position + count);
      this.#position += steps.length;
      return { steps };
    }
    const steps: unknown[] = [];
    try {
      while (steps.length < count) {
        const step = this.#nextSync();
        if (step === undefined) break;
        steps.push(step.value);
      }
    } catch (error) {
      return { steps, failure: { error } };
    }
    return { steps };
  }

  #nextSync(): { readonly value: unknown } | undefined {
    const values: unknown[] = [];
    for (const iterator of this.#iterators as Iterator<unknown>[]) {
      const { done, value } = iterator.next();
      if (done === true) {
        void this.close(iterator);
        return undefined;
      }
      values.push(value);
    }
    return { value: values.length === 1 ? values[0] : values };
  }

  /** The next step, or undefined at the end. */
  async next(): Promise<{ readonly value: unknown } | undefined> {
    const values: unknown[] = [];
    for (const iterator of this.#iterators) {
      const { done, value } = await iterator.next();
      if (done === true) {
        await this.close(iterator);
        return undefined;
      }
      values.push(value);
    }
    return { value: values.length === 1 ? values[0] : values };
  }

  /** Lets go of the iterables, but for one that has ended by itself. */
  async close(ended?: AnyIterator): Promise<void> {
    for (const iterator of this.#iterators) {
      if (iterator !== ended) await iterator.return?.();
    }
  }
}

function openIterator(iterable: AnyIterable<unknown>): AnyIterator {
  const source = Object(iterable) as Iterable<unknown> | AsyncIterable<unknown>;
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return source[Symbol.iterator]();
}

function checkSource(iterable: unknown, name: string): void {
  const source = Object(iterable) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
  if (Symbol.asyncIterator in source || Symbol.iterator in source) return;
  throw wrongType(name, "an iterable or asynchronous iterable of arguments", iterable);
}

function isList(iterable: unknown): iterable is readonly unknown[] {
  return (
    Array.isArray(iterable) &&
    Object.getPrototypeOf(iterable) === Array.prototype &&
    iterable[Symbol.iterator] === Array.prototype[Symbol.iterator]
  );
}

function shortest(iterables: readonly AnyIterable<unknown>[]): number | undefined {
  let least = Infinity;
  for (const iterable of iterables) {
    const { length, size } = Object(iterable) as { length?: unknown; size?: unknown };
    const known = Array.isArray(iterable) || ArrayBuffer.isView(iterable) ? length : size;
    if (typeof known !== "number") return undefined;
    least = Math.min(least, known);
  }
  return least;
}
