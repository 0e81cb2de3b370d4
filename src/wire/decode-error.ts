import { SerializationError } from "../errors/index.ts";
import { malformed } from "./byte-reader.ts";
import type { DecodeState } from "./decode-state.ts";
import { ErrorClass, ErrorPart, knownErrorClass, registeredErrorClass } from "./error-fields.ts";

/** Reads an error; the counterpart of `writeError`. */
export function readError(state: DecodeState): Error {
  const { reader, parts } = state;
  const kind = reader.byte();
  const className = reader.text();
  const present = reader.byte();
  const message = present & ErrorPart.message ? reader.text() : undefined;
  const name = present & ErrorPart.name ? reader.text() : undefined;
  const stack = present & ErrorPart.stack ? reader.text() : undefined;
  const error = state.keep(make(kind, className, message, name));
  if (stack !== undefined) hide(error, "stack", stack);
  if (present & ErrorPart.cause) hide(error, "cause", parts.read(state));
  if (present & ErrorPart.errors) {
    const count = reader.count(reader.unsigned());
    const errors: unknown[] = [];
    for (let i = 0; i < count; i++) errors.push(parts.read(state));
    hide(error, "errors", errors);
  }
  const fields = reader.count(reader.unsigned());
  for (let i = 0; i < fields; i++) show(error, reader.text(), parts.read(state));
  return error;
}

function make(
  kind: number,
  className: string,
  message: string | undefined,
  name: string | undefined,
): Error {
  const limit = Error.stackTraceLimit;
  // The stack of the place where it was thrown follows; taking one here would be for nothing.
  Error.stackTraceLimit = 0;
  try {
    if (kind === ErrorClass.dom) return new DOMException(message ?? "", name ?? "Error");
    // Constructed as a real error but without running the class's own constructor, whose parameters
    // nobody knows here: what that would have set arrives as fields.
    const error = Reflect.construct(Error, [], classNamed(kind, className)) as Error;
    if (message !== undefined) hide(error, "message", message);
    if (name !== undefined) hide(error, "name", name);
    return error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function classNamed(kind: number, name: string): Function {
  if (kind === ErrorClass.registered) {
    const found = registeredErrorClass(name);
    if (found !== undefined) return found;
    throw new SerializationError(
      `An error of the class "${name}" arrived, which is not registered here. ` +
        "Call registerClass in a module that both sides import, such as the one that defines the class.",
    );
  }
  const known = kind === ErrorClass.known ? knownErrorClass(name) : undefined;
  if (known === undefined) throw malformed("it holds an error of unknown kind");
  return known;
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}

function show(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
}
