import * as own from "../errors/index.ts";
import { assert } from "../util/builtin.ts";
import { malformed } from "./byte-reader.ts";
import { classNamed, classOfPrototype } from "./class-registry.ts";
import { read, text } from "./error-text.ts";

type ErrorPrototype = { readonly constructor: Function };

/** Names of an error's class in a message. */
export const ErrorClass = { known: 0, registered: 1, dom: 2, domDerived: 3 } as const;

/** Beginning of the codes of this package's errors. */
const CODES = "ERR_MANYCORE_";

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
export interface NearestClass {
  readonly kind: number;
  readonly name: string;
  /** False when the error is of a subclass nobody knows: its `name` must then travel. */
  readonly exact: boolean;
}

const DOM: NearestClass = { kind: ErrorClass.dom, name: "DOMException", exact: false };

/** Without touching the global, which Node loads on first use. */
export function isDomException(error: Error): boolean {
  return (
    typeof read(error, "code") === "number" &&
    chainOf(error).some(
      (at) => Object.getOwnPropertyDescriptor(at, Symbol.toStringTag)?.value === "DOMException",
    )
  );
}

/** The prototypes of an error. */
function chainOf(error: Error): object[] {
  const chain: object[] = [];
  let at: object | null = Object.getPrototypeOf(error) as object | null;
  for (; at !== null; at = Object.getPrototypeOf(at) as object | null) chain.push(at);
  return chain;
}

/** A class of the platform derived from DOMException is made from its message and its attributes. */
export function domClass(error: Error): NearestClass {
  const prototype = Object.getPrototypeOf(error) as ErrorPrototype;
  const { name } = prototype.constructor;
  const isDerived = name !== "DOMException" && platformError(name)?.prototype === prototype;
  return isDerived ? { kind: ErrorClass.domDerived, name, exact: false } : DOM;
}

export function nearestClass(error: Error): NearestClass {
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

/** True for the classes of the language and of the platform, in any realm, and of this package, be it another copy of it. */
function isKnown(Class: Function, error: Error): boolean {
  const known = KNOWN.get(Class.name) ?? platformError(Class.name);
  if (known === undefined || known === Class) return known === Class;
  if (known.prototype instanceof own.ManycoreError) return text(error, "code").startsWith(CODES);
  // Of another realm.
  return isNative(Class);
}

function isNative(Class: Function): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(Class));
}

/** An error class that this Node has under that name, besides those of the language that all have. */
export function platformError(name: string): Function | undefined {
  if (!/^[A-Z]\w*Error$/.test(name)) return undefined;
  const { WebAssembly: wasm } = globalThis as { WebAssembly?: Record<string, unknown> };
  for (const holder of [globalThis as Record<string, unknown>, wasm]) {
    if (holder === undefined || !Object.hasOwn(holder, name)) continue;
    const found: unknown = holder[name];
    if (typeof found === "function" && isErrorClass(found)) return found;
  }
  return name === "AssertionError" ? assert().AssertionError : undefined;
}

function isErrorClass(Class: Function): boolean {
  const prototype: unknown = Class.prototype;
  return prototype instanceof Error && (isNative(Class) || prototype instanceof DOMException);
}

export function classOfKind(kind: number, name: string): Function {
  if (kind === ErrorClass.registered) {
    const found = registeredClass(name);
    if (found !== undefined) return found;
    throw new own.SerializationError(
      `An error of the class "${name}" arrived, which is not registered here. ` +
        "Call registerClass in a module that both sides import, such as the one that defines the class.",
    );
  }
  if (kind !== ErrorClass.known) throw malformed("it holds an error of unknown kind");
  // The other side may run a Node that has more classes than this one.
  return KNOWN.get(name) ?? platformError(name) ?? Error;
}

/** A registered class, if its instances are errors. */
function registeredClass(name: string): Function | undefined {
  const Class = classNamed(name)?.Class;
  return Class !== undefined && Class.prototype instanceof Error ? Class : undefined;
}
