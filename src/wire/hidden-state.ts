import { EventEmitter } from "node:events";
import { inspect, types } from "node:util";
import type { RegisteredClass } from "./class-registry.ts";
import { type ClassFacts, classFacts } from "./class-facts.ts";
import { Unsendable } from "./unsendable.ts";

/** Of an array up to this length the keys are listed at the least cost. */
const FEW = 4;
/** Up to this length the values are: they are there already, while each key has to be made. */
const SEVERAL = 512;

/**
 * True when an array, or a typed one, has properties besides its elements.
 *
 * Keys of elements come first, so the last key tells. Values tell by their number, unless there are holes,
 * which `includes` takes for `undefined`. Of a long array neither is listed: what Node prints of an array of
 * which it must show no element is its length and its named properties.
 */
export function hasNamed(value: readonly unknown[] | Uint8Array): boolean {
  const count = value.length;
  if (count === 0 && !hasAny(value)) return false;
  if (count <= FEW) return isNamedLast(Object.keys(value), count);
  if (count <= SEVERAL && !(Array.isArray(value) && value.includes(undefined))) {
    return Object.values(value).length > count;
  }
  return !/ more items? \]$/.test(inspect(value, NAMES_ONLY));
}

/** True when there is an enumerable property, own or not: of an object without elements the engine keeps the answer. */
function hasAny(value: object): boolean {
  for (const _ in value) return true;
  return false;
}

function isNamedLast(keys: readonly string[], count: number): boolean {
  const last = keys[keys.length - 1];
  if (last === undefined || last === LAST_KEYS[count]) return false;
  return !(Number(last) < count && String(Number(last)) === last);
}

const LAST_KEYS: readonly string[] = Array.from({ length: FEW + 1 }, (_, i) => String(i - 1));

const NAMES_ONLY = {
  maxArrayLength: 0,
  depth: 0,
  customInspect: false,
  showHidden: false,
  showProxy: false,
  getters: false,
  colors: false,
  compact: true,
  breakLength: Infinity,
} as const;

/** Refuses properties whose keys are symbols: no other side has the same symbol. */
export function refuseSymbols(value: object, symbols: readonly symbol[]): void {
  // Node keeps marks of its own on every emitter.
  if (value instanceof EventEmitter) return;
  const shown = symbols.find((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol));
  if (shown === undefined) return;
  throw new Unsendable(
    value,
    `has a property whose key is a symbol, ${String(shown)}: only properties with names travel`,
  );
}

/** Refuses an object without properties that is not what its prototype says: a Map made into an Object. */
export function refuseHidden(value: object): void {
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  if (
    typeof tag === "string" &&
    Object.hasOwn(value, Symbol.toStringTag) &&
    !isEnumerableTag(value)
  ) {
    if (!types.isModuleNamespaceObject(value)) {
      throw new Unsendable(value, `is ${tag}, which every program has of its own`);
    }
  }
  if (isBranded(value)) {
    throw new Unsendable(
      value,
      "keeps its content where no property shows it: its prototype was changed",
    );
  }
}

function isEnumerableTag(value: object): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, Symbol.toStringTag);
}

/** One call after the other: through a list, the engine would not know which, and each costs four times as much. */
function isBranded(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isPromise(value) ||
    types.isNativeError(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value) ||
    types.isBoxedPrimitive(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    types.isExternal(value)
  );
}

/** Refuses what hangs on an object of which only the content travels, such as a Map, and private fields of a class derived from such. */
export function refuseExtras(value: object): void {
  refuseProperties(value);
  const what = classFacts(Object.getPrototypeOf(value) as object);
  if (what.kind !== "platform" || what.field === undefined) return;
  throw new Unsendable(value, privateReason(what.name, what.field));
}

/** Refuses properties of an object of which only the content travels. */
export function refuseProperties(value: object): void {
  const isNamedOne =
    ArrayBuffer.isView(value) && !types.isDataView(value)
      ? hasNamed(value as Uint8Array)
      : hasKeys(value);
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length > 0) refuseSymbols(value, symbols);
  if (!isNamedOne) return;
  const facts = classFacts(Object.getPrototypeOf(value) as object);
  const name = facts.kind === "plain" ? "object" : facts.name;
  const key = Object.keys(value).findLast((candidate) => !/^\d+$/.test(candidate));
  throw new Unsendable(
    value,
    `is a ${name} with a property of its own, ${JSON.stringify(key)}, and only its content travels: send that property beside it, or call registerClass with \`encode\` and \`decode\` for a class of your own`,
  );
}

function hasKeys(value: object): boolean {
  const keys = Object.keys(value);
  // The characters of a String object are keys, too.
  return keys.length > (types.isStringObject(value) ? (value as string).length : 0);
}

/**
 * Refuses an object of a class that nobody registered when its properties are not what it is: one of the
 * platform's, or one that has private fields and nothing else.
 *
 * @returns the name of its class; undefined when it has none.
 */
export function refuseUnknown(value: object): string | undefined {
  const facts = classFacts(Object.getPrototypeOf(value) as object);
  if (facts.kind === "plain") {
    if (Object.keys(value).length === 0) refuseHidden(value);
    return undefined;
  }
  const reason =
    reasonOf(value, facts) ?? (Object.keys(value).length > 0 ? undefined : emptyReason(value));
  if (reason !== undefined) throw new Unsendable(value, reason);
  return facts.name;
}

/** Refuses an object of a class that was registered without functions of its own, and needs them. */
export function refuseIncomplete(value: object, registered: RegisteredClass): void {
  const facts = classFacts(registered.Class.prototype as object);
  if (facts.kind !== "platform" && facts.kind !== "private") return;
  const why =
    facts.kind === "private" || facts.field !== undefined
      ? `keeps state in the private field ${facts.field}`
      : `is derived from ${facts.base}`;
  throw new Unsendable(
    value,
    `is a ${registered.name}, which ${why}, where no property shows it: give registerClass \`encode\` and \`decode\``,
  );
}

function reasonOf(value: object, facts: ClassFacts): string | undefined {
  if (facts.kind === "private") {
    return Object.keys(value).length > 0 ? undefined : privateReason(facts.name, facts.field);
  }
  if (facts.kind !== "platform") return undefined;
  const { name, base } = facts;
  if (base === "Iterator") return "is an iterator: spread it into an array";
  if (base === "") return "is an object of the platform: send what you need of it as plain data";
  const what =
    name === base ? `is a ${name}, a class of the platform` : `is a ${name}, derived from ${base}`;
  return `${what} that keeps its state where no property shows it: send what you need of it as plain data`;
}

/** The reason why an object of a class without properties to be sent is more than it shows. */
function emptyReason(value: object): string | undefined {
  const { name } = value.constructor;
  if (Object.getOwnPropertyNames(value).length > 0) {
    return `is a ${name} none of whose properties is enumerable, and only those travel: call registerClass(${name}, { encode, decode })`;
  }
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return typeof tag === "string"
    ? `is a ${tag} that keeps its state where no property shows it: send what you need of it as plain data`
    : undefined;
}

function privateReason(name: string, field: string): string {
  return `is a ${name}, which keeps state in the private field ${field}: call registerClass(${name}, { encode, decode })`;
}
