/** What a worker, or the parent for it, tells about a record that failed. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** Who ran a record, and how long it took. */
export interface RunFacts {
  /** Runs of this record so far, from 1. */
  readonly attempts: number;
  /** Milliseconds of the last run. */
  readonly ms: number;
  /** Number of the worker, when known. */
  readonly worker: number | undefined;
  /** Process id of the worker, when known. */
  readonly pid: number | undefined;
}

/**
 * Writes a return value as JSON on one line; `undefined` becomes `null` so that no line is missing.
 *
 * @throws TypeError when it cannot be written: a BigInt, a cycle, a function, a generator.
 */
export function valueToJson(value: unknown): string {
  if (value === undefined) return "null";
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`The function returned a ${typeof value}, which JSON cannot hold`);
  }
  if (isGenerator(value)) {
    throw new TypeError("The function returned a generator; return an array of what it yields");
  }
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TypeError(`The return value cannot be written as JSON: ${detail}`, { cause: error });
  }
}

/** The envelope line of a record that went well; `json` is its value, already written. */
export function successEnvelope(index: number, key: string, json: string, facts: RunFacts): string {
  return `{"index":${index},"key":${JSON.stringify(key)},"ok":true,"value":${json},${factsJson(facts)}}\n`;
}

/** The envelope line of a record that failed for good. */
export function failureEnvelope(
  index: number,
  key: string,
  error: ErrorReport,
  facts: RunFacts,
): string {
  const { name, message, stack } = error;
  return `{"index":${index},"key":${JSON.stringify(key)},"ok":false,"error":${JSON.stringify({ name, message, stack })},${factsJson(facts)}}\n`;
}

function factsJson({ attempts, ms, worker, pid }: RunFacts): string {
  const rounded = Math.round(ms * 1000) / 1000;
  return `"attempts":${attempts},"ms":${rounded},"worker":${worker ?? null},"pid":${pid ?? null}`;
}

function isGenerator(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const isIterable = Symbol.asyncIterator in value || Symbol.iterator in value;
  return isIterable && "next" in value && typeof value.next === "function";
}
