import { outOfRange, wrongType } from "./argument-error.ts";

/** Refuses what is no right value of the argument or option `name`. */
export type Check = (value: unknown, name: string) => void;

/** Milliseconds: any number but NaN. What is less than 0 counts as 0, Infinity is no limit. */
export const milliseconds: Check = (value, name) => {
  const expected = "a number of milliseconds";
  if (typeof value !== "number") throw wrongType(name, expected, value);
  if (Number.isNaN(value)) throw outOfRange(name, expected, value);
};

/** Whole numbers from `least` to `most`; where one of these is infinite, so may be the value. */
export function integer(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (value: unknown, name: string) => void {
  const expected = integerText(least, most);
  return (value, name) => {
    if (typeof value !== "number") throw wrongType(name, expected, value);
    const isRight =
      Number.isSafeInteger(value) || (value === most && most === Infinity) || value === -Infinity;
    if (!isRight || value < least || value > most) throw outOfRange(name, expected, value);
  };
}

/** Any whole number, for a place in a list; what is beyond the ends is cut, as arrays do. */
export const checkPosition: Check = integer(-Infinity, Infinity);

function integerText(least: number, most: number): string {
  if (least === -Infinity) return "an integer";
  if (most === Infinity) return `an integer >= ${least} or Infinity`;
  return most === Number.MAX_SAFE_INTEGER
    ? `an integer >= ${least}`
    : `an integer from ${least} to ${most}`;
}

/** Any number but NaN. */
export const number: Check = (value, name) => {
  if (typeof value !== "number") throw wrongType(name, "a number", value);
  if (Number.isNaN(value)) throw outOfRange(name, "a number", value);
};

/** A number or a bigint. */
export const numeric: Check = (value, name) => {
  if (typeof value !== "bigint" && typeof value !== "number") {
    throw wrongType(name, "a number or a bigint", value);
  }
};

/** Any text. */
export const text: Check = (value, name) => {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
};

export const boolean: Check = (value, name) => {
  if (typeof value !== "boolean") throw wrongType(name, "true or false", value);
};

/** A function that is called here, as it is. */
export const checkFunction: Check = (value, name) => {
  if (typeof value !== "function") throw wrongType(name, "a function", value);
};

/** One of a few words. */
export function oneOf(...words: readonly string[]): Check {
  const quoted = words.map((word) => JSON.stringify(word));
  const expected = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  return (value, name) => {
    if (typeof value !== "string") throw wrongType(name, expected, value);
    if (!words.includes(value)) throw outOfRange(name, expected, value);
  };
}

/** An AbortSignal, of this realm or another one. */
export const abortSignal: Check = (value, name) => {
  const signal = value as Partial<AbortSignal> | null;
  const isSignal =
    typeof value === "object" &&
    typeof signal?.aborted === "boolean" &&
    typeof signal.addEventListener === "function";
  if (isSignal) return;
  const isController = typeof (value as Partial<AbortController>)?.abort === "function";
  const hint = isController ? "give the controller's `signal`" : undefined;
  throw wrongType(name, "an AbortSignal", value, hint);
};

export const array: Check = (value, name) => {
  if (!Array.isArray(value)) throw wrongType(name, "an array", value);
};

/** Something that `for … of` takes, other than a string: characters are rarely meant. */
export const iterable: Check = (value, name) => {
  const isIterable =
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, Symbol.iterator) === "function";
  if (!isIterable) throw wrongType(name, "an iterable", value);
};

/** An array whose items are right. */
export function arrayOf(item: Check): Check {
  return (value, name) => {
    array(value, name);
    for (const [at, element] of (value as unknown[]).entries()) item(element, `${name}[${at}]`);
  };
}

/** An object that is no array and no function. */
export const object: Check = (value, name) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(name, "an object", value);
  }
};

/** Any value. */
export const anything: Check = () => {};
