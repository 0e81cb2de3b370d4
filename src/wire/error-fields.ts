import * as own from "../errors/index.ts";
import { malformed } from "./byte-reader.ts";
import { classNamed, classOfPrototype } from "./class-registry.ts";
import type { DecodeState } from "./decode-state.ts";
import type { EncodeState } from "./encode-state.ts";
import { Tag } from "./tags.ts";

type ErrorPrototype = { readonly constructor: Function };

/** How the class of an error is named in a message. */
const ErrorClass = { known: 0, registered: 1, dom: 2 } as const;

/** Bits that say which of the parts of an error follow. */
const ErrorPart = { message: 1, name: 2, stack: 4, cause: 8, errors: 16 } as const;

/** How the codes of this package's errors begin. */
const CODES = "ERR_MANYCORE_";

/** Own properties of errors that have a place of their own. */
const APART: ReadonlySet<string> = new Set(["message", "name", "stack", "cause", "errors"]);

/** The error classes of the language and of this package, by name. */
const KNOWN: ReadonlyMap<string, Function> = new Map(
  [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    ...Object.values(own).filter((Class) => Class !== own.ManycoreError),
  ].map((Class): [string, Function] => [Class.name, Class]),
);

/** The nearest class of an error that the other side knows too. */
interface NearestClass {
  readonly kind: number;
  readonly name: string;
  /** False when the error is of a subclass nobody knows: its `name` must then travel. */
  readonly exact: boolean;
}

/**
 * Writes an error: `class kind, class name, parts, message, name, stack, cause, errors, fields`.
 *
 * What cannot travel in it becomes a string that says so: an error that is lost on the way because of
 * what hangs on it would help nobody.
 */
export function writeError(state: EncodeState, error: Error): void {
  const { writer } = state;
  const isDom = isDomException(error);
  const nearest = isDom ? DOM : nearestClass(error);
  const parts = partsOf(error, nearest.exact && !isDom);
  writer.tag(Tag.error);
  writer.byte(nearest.kind);
  writer.string(nearest.name);
  writer.byte(parts);
  if (parts & ErrorPart.message) writer.string(text(error, "message"));
  if (parts & ErrorPart.name) writer.string(text(error, "name"));
  if (parts & ErrorPart.stack) writer.string(text(error, "stack"));
  if (parts & ErrorPart.cause) writeLeniently(state, read(error, "cause"), "cause");
  if (parts & ErrorPart.errors) {
    const errors = read(error, "errors");
    const list: readonly unknown[] = Array.isArray(errors) ? errors : [];
    writer.number(list.length);
    for (const item of list) writeLeniently(state, item, "");
  }
  const keys = Object.keys(error).filter((key) => !APART.has(key));
  if (Object.hasOwn(error, "code") && !keys.includes("code")) keys.push("code");
  writer.number(keys.length);
  for (const key of keys) {
    writer.string(key);
    writeLeniently(state, read(error, key), key);
  }
}

const DOM: NearestClass = { kind: ErrorClass.dom, name: "DOMException", exact: false };

/** Without touching the global, which Node loads on first use. */
function isDomException(error: Error): boolean {
  return (
    (error as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "DOMException" &&
    typeof (error as { code?: unknown }).code === "number"
  );
}

function nearestClass(error: Error): NearestClass {
  let exact = true;
  let at: ErrorPrototype | null = Object.getPrototypeOf(error) as ErrorPrototype | null;
  while (at !== null) {
    const registered = classOfPrototype(at);
    if (registered !== undefined)
      return { kind: ErrorClass.registered, name: registered.name, exact };
    const Class = at.constructor;
    if (typeof Class === "function" && Class.prototype === at && isKnown(Class, error)) {
      return { kind: ErrorClass.known, name: Class.name, exact };
    }
    exact = false;
    at = Object.getPrototypeOf(at) as ErrorPrototype | null;
  }
  return { kind: ErrorClass.known, name: "Error", exact };
}

/** True for the classes of the language and of this package, be it another copy of it. */
function isKnown(Class: Function, error: Error): boolean {
  const known = KNOWN.get(Class.name);
  if (known === undefined || known === Class) return known === Class;
  return known.prototype instanceof own.ManycoreError && text(error, "code").startsWith(CODES);
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

/** A getter on an error may fail; the rest of the error is worth more than the reason. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch {
    return `[${key} cannot be read]`;
  }
}

function text(error: Error, key: string): string {
  const value = read(error, key);
  return typeof value === "string" ? value : describe(value, key);
}

function writeLeniently(state: EncodeState, value: unknown, key: string): void {
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

/** Names a value that cannot travel: `[function callback]`. */
function describe(value: unknown, key: string): string {
  try {
    if (typeof value === "function") return `[function ${value.name || key}]`;
    if (typeof value !== "object" || value === null) return `[${typeof value} ${String(value)}]`;
    return `[object ${String(value.constructor?.name || "Object")}]`;
  } catch {
    return "[object]";
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
    const error = Reflect.construct(Error, [], classOfKind(kind, className)) as Error;
    if (message !== undefined) hide(error, "message", message);
    if (name !== undefined) hide(error, "name", name);
    return error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function classOfKind(kind: number, name: string): Function {
  if (kind === ErrorClass.registered) {
    const found = registeredClass(name);
    if (found !== undefined) return found;
    throw new own.SerializationError(
      `An error of the class "${name}" arrived, which is not registered here. ` +
        "Call registerClass in a module that both sides import, such as the one that defines the class.",
    );
  }
  const known = kind === ErrorClass.known ? KNOWN.get(name) : undefined;
  if (known === undefined) throw malformed("it holds an error of unknown kind");
  return known;
}

/** A registered class, if its instances are errors. */
function registeredClass(name: string): Function | undefined {
  const Class = classNamed(name)?.Class;
  return Class !== undefined && Class.prototype instanceof Error ? Class : undefined;
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
