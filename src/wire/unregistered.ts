import { accessor } from "./accessor.ts";

/** Names of the classes whose instances arrived as plain objects: of the first of each class in a message. */
const names: WeakMap<object, string> = new WeakMap();
let isAny = false;

/** More is not looked through for one that may explain an error. */
const MAX_OBJECTS = 10_000;

/** Messages of V8 when an object lacks what its class would have given it. */
const MISSING =
  /is not a function|is not iterable|is not a constructor|Cannot (?:read|write) private|Receiver (?:must|is)|incompatible receiver|Cannot read properties of undefined|Right-hand side of 'instanceof'/;

const ARRIVED = "arrived as a plain object";

/** Remembers that an instance of the class of that name arrived as this plain object. */
export function noteUnregistered(object: object, name: string): void {
  isAny = true;
  names.set(object, name);
}

/**
 * Says in an error's message that something in the input of the function that threw it was an instance of a
 * class that nobody registered, when the error looks as if the function had missed the class.
 *
 * @param roots - the input by its name, such as `args`.
 */
export function explainUnregistered(
  error: unknown,
  roots: Readonly<Record<string, unknown>>,
): void {
  if (!isAny || !(error instanceof TypeError) || !MISSING.test(error.message)) return;
  if (error.message.includes(ARRIVED)) return;
  const found = find(roots);
  if (found === undefined) return;
  const { message, stack } = error;
  const hint = `${message} (${found.path} ${ARRIVED}: its class ${found.name} is not registered. Call registerClass(${found.name}) in the module that defines it)`;
  // Not by assignment: a frozen error stays as it is.
  if (!Reflect.set(error, "message", hint) || typeof stack !== "string") return;
  Reflect.set(
    error,
    "stack",
    stack.replace(message, () => hint),
  );
}

interface Found {
  readonly path: string;
  readonly name: string;
}

function find(roots: Readonly<Record<string, unknown>>): Found | undefined {
  const seen = new Set<object>();
  const queue = Object.entries(roots).map(([path, value]) => ({ path, value }));
  for (let i = 0; i < queue.length && i < MAX_OBJECTS; i++) {
    const { path, value } = queue[i] as { path: string; value: unknown };
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    const name = names.get(value);
    if (name !== undefined) return { path, name };
    const inArray = Array.isArray(value);
    for (const [key, item] of fieldsOf(value)) {
      if (queue.length >= MAX_OBJECTS) break;
      queue.push({ path: path + accessor(key, inArray), value: item });
    }
  }
  return undefined;
}

/** Fields of something decoded, and maybe changed since: nothing of it is called. */
function fieldsOf(value: object): [string, unknown][] {
  if (ArrayBuffer.isView(value)) return [];
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), item]);
  if (value instanceof Set) return [...value].map((item, i) => [String(i), item]);
  return Object.entries(Object.getOwnPropertyDescriptors(value)).map(([key, { value: item }]) => [
    key,
    item,
  ]);
}
