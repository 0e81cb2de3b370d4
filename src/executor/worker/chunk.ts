import { captureScope } from "../../util/async-scope.ts";
import { RemoteError } from "../../errors/index.ts";
import { explainUnregistered } from "../../wire/unregistered.ts";
import { isThenable } from "../../util/thenable.ts";

type AnyFunction = (...args: unknown[]) => unknown;

/** A chunk of which an item failed: `[values before it, error]`, so that what was done is not lost. */
export class BrokenChunk {
  readonly values: unknown[];
  readonly error: Error;

  constructor(values: unknown[], error: unknown) {
    this.values = values;
    this.error =
      error instanceof Error
        ? error
        : new RemoteError(`The task threw ${String(error)}, which is not an Error.`, {
            cause: error,
          });
  }
}

/**
 * Calls the function with each item, one after the other.
 * @returns the values, or a {@link BrokenChunk}; a promise of it once an item's call returns a promise.
 */
export function runChunk(
  target: AnyFunction,
  items: readonly unknown[],
  tuples: boolean,
): unknown[] | BrokenChunk | Promise<unknown[] | BrokenChunk> {
  const values: unknown[] = [];
  try {
    for (const item of items) {
      const value = callItem(target, item, tuples);
      if (isThenable(value)) return finishChunk(target, items, tuples, values, value);
      values.push(value);
    }
  } catch (error) {
    explainUnregistered(error, { items });
    return new BrokenChunk(values, error);
  }
  return values;
}

/** Each item starts in a context of its own, as if it were a task. */
function callItem(target: AnyFunction, item: unknown, tuples: boolean): unknown {
  const scope = captureScope();
  return tuples
    ? scope.runInAsyncScope(target, undefined, ...(item as unknown[]))
    : scope.runInAsyncScope(target, undefined, item);
}

async function finishChunk(
  target: AnyFunction,
  items: readonly unknown[],
  tuples: boolean,
  values: unknown[],
  first: PromiseLike<unknown>,
): Promise<unknown[] | BrokenChunk> {
  try {
    values.push(await first);
    for (let i = values.length; i < items.length; i++) {
      values.push(await callItem(target, items[i], tuples));
    }
  } catch (error) {
    explainUnregistered(error, { items });
    return new BrokenChunk(values, error);
  }
  return values;
}

/** A result as it is put on the wire: generators as async streams, broken chunks as a pair. */
export function travelForm(value: unknown, chunk: boolean): unknown {
  if (value instanceof BrokenChunk) return [value.values.map(streamable), value.error];
  return chunk ? (value as unknown[]).map(streamable) : streamable(value);
}

function streamable(value: unknown): unknown {
  return isGenerator(value) ? asAsync(value) : value;
}

function isGenerator(value: unknown): value is Generator<unknown> {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

async function* asAsync(source: Generator<unknown>): AsyncGenerator<unknown, void, undefined> {
  yield* source;
}
