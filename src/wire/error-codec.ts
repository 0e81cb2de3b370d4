import { withoutOwnFrames, withoutTopFrames } from "../errors/own-frames.ts";
import { RemoteError } from "../errors/index.ts";
import { decodeValue, encodeValue } from "./codec.ts";
import type { DecodeOptions, Encoded, EncodeOptions } from "./codec-types.ts";
import { maxValueBytes } from "./limits.ts";

/** Characters of an error that has to be put in words. */
const MAX_WORDS = 16_384;

/**
 * Writes what a task threw; unlike `encodeValue` it never throws.
 *
 * An Error travels as itself: class when both sides know it, name, message, stack, code, own fields,
 * cause and `errors`; parts that cannot travel become strings that say so. Anything else travels as
 * the `cause` of a {@link RemoteError}.
 */
export function encodeThrown(thrown: unknown, options: EncodeOptions): Encoded {
  const error = isError(thrown) ? thrown : wrap(thrown);
  try {
    return encodeValue(error, { maxBytes: maxValueBytes(options.destination), ...options });
  } catch (failure) {
    // A registered class whose own `encode` fails, or an error that fights back: what can be said of
    // it in words must still arrive.
    return encodeValue(inWords(error, failure), {
      destination: options.destination,
      root: options.root,
    });
  }
}

/**
 * Reads what {@link encodeThrown} wrote.
 *
 * @returns the error to reject with; when the bytes cannot be read, the SerializationError that says so.
 */
export function decodeThrown(
  bytes: Uint8Array,
  attachments: readonly unknown[] | undefined,
  options?: DecodeOptions,
): Error {
  try {
    const value = decodeValue(bytes, attachments, options);
    return isError(value) ? value : wrap(value);
  } catch (error) {
    return error as Error;
  }
}

/**
 * Puts the caller's frames below the worker's in an error's stack, with a line between that says where
 * the boundary was.
 *
 * @param caller - a stack taken where the task was submitted; its first line, if it is no frame, is left out.
 * @param via - what lies between: `process worker 2 (pid 812) [manycore]`.
 */
export function joinStacks(error: Error, caller: string | undefined, via: string): void {
  const remote = typeof error.stack === "string" ? withoutOwnFrames(error.stack) : String(error);
  const frames = withoutTopFrames(caller ?? "", Infinity)
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  const value = [remote.trimEnd(), `    at ${via}`, ...frames].join("\n");
  // Frozen errors stay as they are: their own stack is worth more than a failure here.
  Reflect.defineProperty(error, "stack", {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function wrap(thrown: unknown): RemoteError {
  const error = new RemoteError(
    `A value that is not an Error was thrown: ${show(thrown)}. It is the \`cause\` of this error.`,
    { cause: thrown },
  );
  // Nothing of this stack is where it was thrown.
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

/** A short, safe rendering for a message. */
function show(value: unknown): string {
  try {
    if (typeof value === "string") return JSON.stringify(value.slice(0, 200));
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "function") return `[function ${value.name}]`;
    if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value);
    return String(value);
  } catch {
    return typeof value;
  }
}

function inWords(error: Error, failure: unknown): Error {
  const name = cut(safely(() => String(error.name), "Error"));
  const message = cut(safely(() => String(error.message), "(its message cannot be read)"));
  const reason = cut(safely(() => String((failure as Error).message), "unknown"));
  const plain = new Error(`${message} (the error itself could not be sent: ${reason})`);
  Object.defineProperty(plain, "name", { value: name, configurable: true, writable: true });
  plain.stack = cut(safely(() => String(error.stack), `${name}: ${plain.message}`));
  return plain;
}

/** Messages and stacks are not what makes it too large. */
function cut(text: string): string {
  return text.length <= MAX_WORDS
    ? text
    : `${text.slice(0, MAX_WORDS)}… (${text.length} characters)`;
}

function safely(read: () => string, otherwise: string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
