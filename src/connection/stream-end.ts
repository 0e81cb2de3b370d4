import {
  AuthenticationError,
  EndOfStreamError,
  InvalidStateError,
  type ManycoreError,
} from "../errors/index.ts";

/** Ends in the middle of a message. */
const truncated: WeakSet<Error> = new WeakSet();

/** Classes whose errors are made of a message and a cause alone. */
const ANEW: readonly (new (message: string, options?: { cause?: unknown }) => ManycoreError)[] = [
  EndOfStreamError,
  InvalidStateError,
  AuthenticationError,
];

/** Notes that the stream ended in the middle of a message. */
export function markTruncated(error: Error): void {
  truncated.add(error);
}

/** True when the other side ended between two messages, as it should. */
export function isCleanEnd(error: unknown): boolean {
  return error instanceof EndOfStreamError && !truncated.has(error);
}

/** The error of a stream's end as one call learns it: of its own, with the stack of that call. */
export function endAnew(error: Error): Error {
  const Class = ANEW.find((one) => error instanceof one);
  if (Class === undefined) return error;
  const anew = new Class(error.message, "cause" in error ? { cause: error.cause } : undefined);
  if (truncated.has(error)) truncated.add(anew);
  return anew;
}
