import { types } from "node:util";
import { takeMoreFrames, trimStack } from "../errors/own-frames.ts";

/** The `code` of every TypeError and RangeError that refuses an argument or an option. */
const INVALID_ARGUMENT = "ERR_MANYCORE_INVALID_ARGUMENT";

/** Longer values are cut in messages. */
const MAX_SHOWN = 60;

/** A TypeError for a value of the wrong kind. @param expected - completes "Expected `name` to be …". */
export function wrongType(name: string, expected: string, value: unknown, hint?: string): Error {
  return coded(new TypeError(takeMoreFrames(sentence(name, expected, value, hint))));
}

/** A RangeError for a value of the right kind that is not among those allowed. */
export function outOfRange(name: string, expected: string, value: unknown, hint?: string): Error {
  return coded(new RangeError(takeMoreFrames(sentence(name, expected, value, hint))));
}

/** A TypeError with a text of its own. */
export function badArgument(message: string): Error {
  return coded(new TypeError(takeMoreFrames(message)));
}

/** A value as messages show it: `"5"` (a string). Runs no code of the value's own. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return `\`${value}\``;
  return `\`${textOf(value)}\` (${kindOf(value)})`;
}

function sentence(
  name: string,
  expected: string,
  value: unknown,
  hint: string | undefined,
): string {
  const more = hint === undefined ? "" : `: ${hint}`;
  return `Expected \`${name}\` to be ${expected}, got ${shown(value)}${more}`;
}

function coded(error: Error): Error {
  trimStack(error);
  return Object.assign(error, { code: INVALID_ARGUMENT });
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return cut(JSON.stringify(value));
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return cut(`${value}n`);
    case "function":
      return nameOf(value) ?? "anonymous";
    case "boolean":
    case "symbol":
      return cut(String(value));
    default:
      return Array.isArray(value) ? `[${value.length} items]` : `{${keysOf(value as object)}}`;
  }
}

function kindOf(value: unknown): string {
  if (typeof value === "function") {
    return /^class\b/.test(Function.prototype.toString.call(value)) ? "a class" : "a function";
  }
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const name = classNameOf(value as object);
  return name === undefined || name === "Object" ? "an object" : `an instance of ${name}`;
}

/** The names of some own fields. A proxy is not looked into: it would run code. */
function keysOf(value: object): string {
  if (types.isProxy(value)) return " … ";
  const keys = Object.keys(value);
  if (keys.length === 0) return "";
  return ` ${cut(keys.slice(0, 4).join(", "))}${keys.length > 4 ? ", …" : ""} `;
}

function classNameOf(value: object): string | undefined {
  if (types.isProxy(value)) return undefined;
  for (let at: object | null = Object.getPrototypeOf(value) as object | null; at !== null;) {
    if (types.isProxy(at)) return undefined;
    const maker: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof maker === "function") return nameOf(maker);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return undefined;
}

function nameOf(fn: Function): string | undefined {
  if (types.isProxy(fn)) return undefined;
  const name: unknown = Object.getOwnPropertyDescriptor(fn, "name")?.value;
  return typeof name === "string" && name !== "" ? cut(name) : undefined;
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
