import { types } from "node:util";
import { SerializationError } from "../errors/index.ts";
import { accessor } from "./accessor.ts";
import { classOf } from "./class-registry.ts";
import type { EncodeOptions } from "./codec-types.ts";
import { CircularCustom, TRANSFER, WHOLE } from "./encode-state.ts";
import {
  isAsyncIterable,
  isReadableStream,
  refusal,
  type Rules,
  Unsendable,
} from "./unsendable.ts";

/** Makes the error for the user of what stopped the encoder: it names the path to the value. */
export function explain(
  error: unknown,
  value: unknown,
  options: EncodeOptions,
): SerializationError {
  if (error instanceof RangeError && /call stack/.test(error.message)) {
    return new SerializationError(
      `${options.root} is nested too deeply: send it flat, for example as a list with indices.`,
      { path: options.root, cause: error },
    );
  }
  if (error instanceof Unsendable && error.value === TRANSFER) {
    return new SerializationError(`${error.message}.`, { path: "transfer" });
  }
  if (error instanceof Unsendable && error.value === WHOLE) {
    return new SerializationError(`${options.root} ${error.message}.`, { path: options.root });
  }
  const found = findUnsendable(value, options, error);
  const path = found?.path ?? options.root;
  const reason =
    found?.reason ??
    (error instanceof Unsendable || error instanceof CircularCustom ? error.message : undefined);
  if (reason !== undefined) return new SerializationError(`${path} ${reason}.`, { path });
  const what = error instanceof Error ? error.message : String(error);
  return new SerializationError(`${path} could not be read: ${what}.`, { path, cause: error });
}

/** A value that cannot travel: its path, and the reason. */
interface Found {
  readonly path: string;
  readonly reason: string;
}

interface Step {
  readonly value: unknown;
  readonly path: string;
}

/**
 * Searches for what stopped the encoder, in the order in which the encoder went.
 *
 * The encoder itself keeps no path, so that values which can travel pay nothing for those that cannot.
 * Without recursion, as the value may be deep.
 */
function findUnsendable(root: unknown, options: EncodeOptions, error: unknown): Found | undefined {
  const rules: Rules = {
    destination: options.destination,
    streams: options.streams !== undefined,
    moved: new Set(options.transfer),
  };
  const culprit = error instanceof CircularCustom ? error.instance : undefined;
  const seen = new Set<unknown>();
  const stack: Step[] = [{ value: root, path: options.root }];
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { value, path } = step;
    const isObject = typeof value === "object" && value !== null;
    if (isObject && seen.has(value)) continue;
    seen.add(value);
    const stopped =
      (error instanceof Unsendable && error.value === value) || (isObject && value === culprit);
    try {
      const reason = stopped ? (error as Error).message : refusal(value, rules);
      if (reason !== undefined) return { path, reason };
      if (!isObject) continue;
      const { steps, failure } = stepsInto(value, path);
      if (failure !== undefined) return failure;
      for (let i = steps.length - 1; i >= 0; i--) stack.push(steps[i] as Step);
    } catch (failure) {
      // A proxy may refuse whatever is asked of it.
      return { path, reason: `could not be read: ${messageOf(failure)}` };
    }
  }
  return undefined;
}

interface Steps {
  readonly steps: Step[];
  readonly failure?: Found;
}

function stepsInto(value: object, path: string): Steps {
  if (types.isNativeError(value) || value instanceof Error) return { steps: [] };
  const registered = classOf(value);
  if (registered?.encode !== undefined) {
    try {
      return { steps: [{ value: registered.encode(value), path }] };
    } catch (error) {
      return { steps: [], failure: { path, reason: `could not be encoded: ${messageOf(error)}` } };
    }
  }
  if (isLeaf(value)) return { steps: [] };
  if (types.isMap(value)) return { steps: [...stepsIntoMap(value, path)] };
  if (types.isSet(value)) {
    return { steps: [...value].map((item, i) => ({ value: item, path: `[...${path}][${i}]` })) };
  }
  return stepsIntoFields(value, path);
}

function isLeaf(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    isReadableStream(value) ||
    isAsyncIterable(value)
  );
}

function* stepsIntoMap(map: ReadonlyMap<unknown, unknown>, path: string): Generator<Step> {
  let i = 0;
  for (const [key, value] of map) {
    yield { value: key, path: `[...${path}.keys()][${i}]` };
    const named = typeof key === "string" || typeof key === "number";
    yield {
      value,
      path: named ? `${path}.get(${JSON.stringify(key)})` : `[...${path}.values()][${i}]`,
    };
    i++;
  }
}

function stepsIntoFields(value: object, path: string): Steps {
  const steps: Step[] = [];
  for (const key of Object.keys(value)) {
    const at = path + accessor(key, Array.isArray(value));
    try {
      steps.push({ value: (value as Record<string, unknown>)[key], path: at });
    } catch (error) {
      // Anything that could not travel before it would have stopped the encoder first, unless it lies deeper.
      return { steps, failure: { path: at, reason: `could not be read: ${messageOf(error)}` } };
    }
  }
  return { steps };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
