import type { DecodeState } from "./decode-state.ts";
import type { EncodeState } from "./encode-state.ts";
import {
  classOfKind,
  domClass,
  ErrorClass,
  isDomException,
  nearestClass,
  platformError,
} from "./error-class.ts";
import { describe, read, text } from "./error-text.ts";
import { Tag } from "./tags.ts";

/** Bits that say which of the parts of an error follow. */
const ErrorPart = { message: 1, name: 2, stack: 4, cause: 8, errors: 16 } as const;

/**
 * Errors that hang on each other deeper than this are cut, wherever they go: how deep the stack lets the
 * encoder go depends on the kind of worker, and on where it is called.
 */
const MAX_NESTED = 500;

/** Own properties of errors that have a place of their own. */
const APART: ReadonlySet<string> = new Set(["message", "name", "stack", "cause", "errors"]);

/**
 * Writes an error: `class kind, class name, parts, message, name, stack, cause, errors, fields`; for
 * `ErrorClass.domDerived` the attributes of its class stand before the cause.
 *
 * A field that cannot travel becomes a string that says so: an error that is lost on the way because of
 * what hangs on it would help nobody.
 */
export function writeError(state: EncodeState, error: Error): void {
  const { writer } = state;
  const isDom = isDomException(error);
  const nearest = isDom ? domClass(error) : nearestClass(error);
  const parts = partsOf(error, nearest.exact && !isDom);
  writer.tag(Tag.error);
  writer.byte(nearest.kind);
  writer.string(nearest.name);
  writer.byte(parts);
  if (parts & ErrorPart.message) writer.string(text(error, "message"));
  if (parts & ErrorPart.name) writer.string(text(error, "name"));
  if (parts & ErrorPart.stack) writer.string(text(error, "stack"));
  if (nearest.kind === ErrorClass.domDerived) state.parts.write(state, attributesOf(error));
  if (parts & ErrorPart.cause) writeLeniently(state, read(error, "cause"), "cause");
  if (parts & ErrorPart.errors) {
    const errors = read(error, "errors");
    const list: readonly unknown[] = Array.isArray(errors) ? errors : [];
    writer.number(list.length);
    for (const item of list) writeLeniently(state, item, "");
  }
  const shown = Object.keys(error).filter((key) => !APART.has(key));
  writeOwn(state, error, shown);
  const hidden = Object.getOwnPropertyNames(error).filter(
    (key) => !APART.has(key) && !Object.prototype.propertyIsEnumerable.call(error, key),
  );
  writeOwn(state, error, hidden);
}

function writeOwn(state: EncodeState, error: Error, keys: readonly string[]): void {
  const { writer } = state;
  writer.number(keys.length);
  for (const key of keys) {
    writer.string(key);
    writeLeniently(state, read(error, key), key);
  }
}

/** Answers of the getters of a class that is derived from DOMException. */
function attributesOf(error: Error): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  const prototype = Object.getPrototypeOf(error) as object;
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const value = property.get === undefined ? undefined : read(error, key);
    // Such as a quota: a number, or null, for which the constructor wants nothing.
    if (typeof value === "number" || typeof value === "string") attributes[key] = value;
  }
  return attributes;
}

function partsOf(error: Error, inheritsName: boolean): number {
  let parts = 0;
  if (Object.hasOwn(error, "message") || text(error, "message") !== "") parts |= ErrorPart.message;
  if (!inheritsName || Object.hasOwn(error, "name")) parts |= ErrorPart.name;
  if (typeof read(error, "stack") === "string") parts |= ErrorPart.stack;
  if (Object.hasOwn(error, "cause")) parts |= ErrorPart.cause;
  if (Array.isArray(read(error, "errors"))) parts |= ErrorPart.errors;
  return parts;
}

function writeLeniently(state: EncodeState, value: unknown, key: string): void {
  if (state.lenient >= MAX_NESTED && value instanceof Error) {
    state.writer.string(
      `[${text(value, "name")} left out: ${MAX_NESTED} errors hang on each other before it]`,
    );
    return;
  }
  const checkpoint = state.checkpoint();
  state.lenient++;
  try {
    state.parts.write(state, value);
  } catch {
    // Whatever stopped it (something unsendable, a getter that throws, too deep a nest): say what it was.
    state.rollback(checkpoint);
    state.writer.string(describe(value, key));
  } finally {
    state.lenient--;
  }
}

/** Reads an error; the counterpart of `writeError`. */
export function readError(state: DecodeState): Error {
  const { reader, parts } = state;
  const kind = reader.byte();
  const className = reader.text();
  const present = reader.byte();
  const message = present & ErrorPart.message ? reader.text() : undefined;
  const name = present & ErrorPart.name ? reader.text() : undefined;
  const stack = present & ErrorPart.stack ? reader.text() : undefined;
  const place = state.reserve();
  const attributes = kind === ErrorClass.domDerived ? parts.read(state) : undefined;
  const error = state.fill(place, make(kind, className, message, name, attributes));
  if (stack !== undefined) hide(error, "stack", stack);
  if (present & ErrorPart.cause) hide(error, "cause", parts.read(state));
  if (present & ErrorPart.errors) {
    const count = reader.count(reader.unsigned());
    const errors: unknown[] = [];
    for (let i = 0; i < count; i++) errors.push(parts.read(state));
    hide(error, "errors", errors);
  }
  for (const define of [show, hide]) {
    const fields = reader.count(reader.unsigned());
    for (let i = 0; i < fields; i++) define(error, reader.text(), parts.read(state));
  }
  return error;
}

function make(
  kind: number,
  className: string,
  message: string | undefined,
  name: string | undefined,
  attributes: unknown,
): Error {
  const limit = Error.stackTraceLimit;
  // The stack of the place where it was thrown follows; taking one here would be for nothing.
  Error.stackTraceLimit = 0;
  try {
    if (kind === ErrorClass.domDerived) {
      const Derived = platformError(className);
      if (Derived !== undefined && Derived.prototype instanceof DOMException) {
        return Reflect.construct(Derived, [message ?? "", attributes]) as Error;
      }
    }
    if (kind === ErrorClass.dom || kind === ErrorClass.domDerived) {
      return new DOMException(message ?? "", name ?? "Error");
    }
    // Constructed as a real error but without running the class's own constructor, whose parameters
    // nobody knows here: what that would have set arrives as fields.
    const error = Reflect.construct(Error, [], classOfKind(kind, className)) as Error;
    if (message !== undefined) hide(error, "message", message);
    if (name !== undefined) hide(error, "name", name);
    return error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

function show(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
