import { builtinModules, createRequire, isBuiltin } from "node:module";
import { EventEmitter } from "node:events";

/** Facts of a class that are known without an instance. */
export type ClassFacts =
  /** No class at all, such as an object literal, also of another realm. */
  | { readonly kind: "plain" }
  /** A user's class, whose state is in properties as far as can be seen. */
  | { readonly kind: "user"; readonly name: string }
  /** A user's class that declares a private field. */
  | { readonly kind: "private"; readonly name: string; readonly field: string }
  /** A class of the language, Node or the platform, or one derived from it: `base` is that class, `field` a private one of the derived. */
  | {
      readonly kind: "platform";
      readonly name: string;
      readonly base: string;
      readonly field: string | undefined;
    };

const known: WeakMap<object, ClassFacts> = new WeakMap();

/** The facts of the class that a prototype belongs to; found out once. */
export function classFacts(prototype: object): ClassFacts {
  let facts = known.get(prototype);
  if (facts === undefined) {
    facts = findFacts(prototype);
    known.set(prototype, facts);
  }
  return facts;
}

const PLAIN: ClassFacts = { kind: "plain" };

/**
 * Walks up to the root. A class of the platform shows as native code, or as an export of it under its own
 * name: so new classes are known without a list of them. Those of Node that are neither keep their state
 * in private fields or under symbols, which are found as with anybody's.
 */
function findFacts(prototype: object): ClassFacts {
  let name: string | undefined;
  let field: string | undefined;
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if (isRoot(at)) break;
    const base = ITERATORS.get(at);
    if (base !== undefined) return { kind: "platform", name: name ?? base, base, field };
    const Class = constructorOf(at);
    if (typeof Class !== "function") {
      if (isNativeAlone(at)) return { kind: "platform", name: "platform object", base: "", field };
      continue;
    }
    name ??= String(Class.name);
    const source = Function.prototype.toString.call(Class);
    // An emitter's state is its listeners, which are properties: a user's class may well be one.
    if (at === EventEmitter.prototype && at !== prototype) continue;
    if (NATIVE.test(source) || isExported(Class.name, at)) {
      return { kind: "platform", name, base: String(Class.name), field };
    }
    field ??= privateField(source);
  }
  if (name === undefined) return PLAIN;
  return field === undefined ? { kind: "user", name } : { kind: "private", name, field };
}

function constructorOf(prototype: object): unknown {
  const property = Object.getOwnPropertyDescriptor(prototype, "constructor");
  try {
    // Of a few classes of the platform it is an accessor.
    return property?.get === undefined ? property?.value : property.get.call(prototype);
  } catch {
    return undefined;
  }
}

/** A prototype without a constructor that has methods, all of them native: that of `Intl`'s segments. */
function isNativeAlone(prototype: object): boolean {
  const methods = Object.values(Object.getOwnPropertyDescriptors(prototype)).flatMap(
    ({ value }: PropertyDescriptor) => (typeof value === "function" ? [value as Function] : []),
  );
  return (
    methods.length > 0 &&
    methods.every((method) => NATIVE.test(Function.prototype.toString.call(method)))
  );
}

/** One that is declared and used: a line of a text in the class may look like a declaration. */
function privateField(source: string): string | undefined {
  for (const [, field] of source.matchAll(PRIVATE_FIELD)) {
    if (field !== undefined && source.includes(`.${field}`)) return field;
  }
  return undefined;
}

const NATIVE = /\{\s*\[native code\]\s*\}$/;
/** The declaration of a private field of instances, where a member of a class begins. */
const PRIVATE_FIELD = /(?:[{};]|^)[^\S\n]*(#[\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(?:[=;}]|$)/gmu;

/** Prototypes that have no constructor of their own in every version of the language. */
const ITERATORS: ReadonlyMap<object, string> = new Map([
  [Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object, "Iterator"],
]);

/** `Object.prototype`, of this realm or another. */
function isRoot(prototype: object): boolean {
  if (prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

function isExported(name: unknown, prototype: object): boolean {
  if (typeof name !== "string" || !/^[A-Z]/.test(name)) return false;
  if (hasPrototype((globalThis as Record<string, unknown>)[name], prototype)) return true;
  return loadedBuiltins().some((module) => {
    const exported = Object.getOwnPropertyDescriptor(module, name);
    // A getter under the name of a class gives the class, or a warning that the instance's maker has given.
    return hasPrototype(exported?.value ?? exported?.get?.call(module), prototype);
  });
}

function hasPrototype(value: unknown, prototype: object): boolean {
  return typeof value === "function" && value.prototype === prototype;
}

const requireHere = createRequire(import.meta.url);
const LOADED = /^NativeModule ((?!internal\/|_).+)$/;

/** Modules of Node that somebody has loaded: there is no instance of a class of the others. */
function loadedBuiltins(): object[] {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  const lines = moduleLoadList ?? builtinModules.map((name) => `NativeModule ${name}`);
  const modules: object[] = [];
  for (const line of lines) {
    const name = LOADED.exec(line)?.[1];
    if (name === undefined || !isBuiltin(`node:${name}`)) continue;
    const module: unknown = requireHere(`node:${name}`);
    if (typeof module === "function" || typeof module === "object") modules.push(module as object);
  }
  return modules;
}
