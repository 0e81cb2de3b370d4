/** An error of a record, as the worker tells it, or the command for it. */
export interface ErrorReport {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** The worker that ran a record, and how long it took. */
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

/** The head of an envelope: which record it is about. */
export interface EnvelopeHead {
  readonly index: number;
  readonly key: string;
  /** Records of a batch; 1 for a record by itself. */
  readonly count: number;
  /** The record as JSON, when it is to be told. */
  readonly input: string | undefined;
}

/**
 * Writes a return value as JSON on one line; `undefined` becomes `null` so that no line is missing.
 *
 * @throws TypeError when it cannot be written: a BigInt, a cycle, a function, a generator.
 */
export function valueToJson(
  value: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string {
  if (value === undefined) return "null";
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`The function returned a ${typeof value}, which JSON cannot hold`);
  }
  if (isGenerator(value)) {
    throw new TypeError("The function returned a generator; return an array of what it yields");
  }
  try {
    return JSON.stringify(value, replacer) ?? "null";
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TypeError(`The return value cannot be written as JSON: ${detail}`, { cause: error });
  }
}

/** Stands around the digits of a BigInt until they are numbers; no text of a user has it. */
const BIGINT_MARK = `bigint ${Math.random()} `;

/**
 * Writes what values were folded to. Folds work with what JSON has no form for: a Set is written as an array,
 * a Map as an array of pairs, a BigInt as a number with all its digits.
 *
 * @throws TypeError when it cannot be written.
 */
export function foldedToJson(value: unknown): string {
  const json = valueToJson(value, (_, field: unknown) => {
    if (field instanceof Set || field instanceof Map) return [...field];
    return typeof field === "bigint" ? `${BIGINT_MARK}${field}` : field;
  });
  return json.replaceAll(new RegExp(`"${BIGINT_MARK}(-?\\d+)"`, "g"), "$1");
}

/** The envelope line of a record that went well; `json` is its value, already written. */
export function successEnvelope(head: EnvelopeHead, json: string, facts: RunFacts): string {
  return `{${headJson(head)},"ok":true,"value":${json},${factsJson(facts)}}\n`;
}

/** The envelope line of a record that failed for good. */
export function failureEnvelope(head: EnvelopeHead, error: ErrorReport, facts: RunFacts): string {
  const { name, message, stack } = error;
  const report = JSON.stringify({ name, message, stack });
  return `{${headJson(head)},"ok":false,"error":${report},${factsJson(facts)}}\n`;
}

function headJson({ index, key, count, input }: EnvelopeHead): string {
  const many = count > 1 ? `,"count":${count}` : "";
  const record = input === undefined ? "" : `,"input":${input}`;
  return `"index":${index}${many},"key":${JSON.stringify(key)}${record}`;
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
