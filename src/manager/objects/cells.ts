import { inspect } from "node:util";
import type { Call } from "../call.ts";
import { checkInteger } from "./checks.ts";

/** Named values. */
export class ManagedNamespace {
  readonly #values: Map<string, unknown> = new Map();

  constructor(values: unknown = {}) {
    for (const [name, value] of Object.entries(values as object)) this.#values.set(name, value);
  }

  get(_call: Call, name: string): unknown {
    return this.#values.get(name);
  }

  set(_call: Call, name: unknown, value: unknown): void {
    if (typeof name !== "string") throw new TypeError(`Expected a name, got ${typeof name}`);
    this.#values.set(name, value);
  }

  has(_call: Call, name: string): boolean {
    return this.#values.has(name);
  }

  delete(_call: Call, name: string): boolean {
    return this.#values.delete(name);
  }

  copy(): Record<string, unknown> {
    return Object.fromEntries(this.#values);
  }

  text(): string {
    const shown = [...this.#values].map(([name, value]) => `${name}=${inspect(value)}`);
    return `Namespace(${shown.join(", ")})`;
  }
}

const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  bigint64: BigInt64Array,
  biguint64: BigUint64Array,
} as const satisfies Record<NumberType, unknown>;

/** What a number of a manager's value or array is stored as. */
export type NumberType =
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "float32"
  | "float64"
  | "bigint64"
  | "biguint64";
/** The numbers of such a type. */
export type NumberOf<T extends NumberType> = T extends `big${string}` ? bigint : number;

type Numbers = Float64Array;

/** Numbers of one type; a single one is an array of one. */
export class ManagedArray {
  readonly #numbers: Numbers;

  constructor(type: unknown, content: unknown) {
    if (typeof type !== "string" || !Object.hasOwn(ARRAYS, type)) {
      throw new TypeError(
        `Expected \`type\` to be one of ${Object.keys(ARRAYS).join(", ")}, got ${String(type)}`,
      );
    }
    // One stands for all: they differ in what they hold, and a wrong number is a TypeError of theirs.
    const Class = ARRAYS[type as NumberType] as unknown as Float64ArrayConstructor;
    this.#numbers =
      typeof content === "number"
        ? new Class(checkInteger(content, "length", 0))
        : Class.from(content as number[]);
  }

  at(_call: Call, index: number): number | undefined {
    return this.#numbers.at(index);
  }

  set(_call: Call, index: unknown, value: number): void {
    this.#numbers[this.#place(index)] = value;
  }

  add(_call: Call, index: unknown, value: number): number {
    const at = this.#place(index);
    this.#numbers[at] = this.#numbers[at]! + value;
    return this.#numbers[at];
  }

  /** @returns what was there, and stays there unless it equals `expected`. */
  compareExchange(_call: Call, index: unknown, expected: number, value: number): number {
    const at = this.#place(index);
    const present = this.#numbers[at]!;
    if (Object.is(present, expected)) this.#numbers[at] = value;
    return present;
  }

  length(): number {
    return this.#numbers.length;
  }

  slice(_call: Call, start?: number, end?: number): Numbers {
    return this.#numbers.slice(start, end);
  }

  fill(_call: Call, value: number, start?: number, end?: number): void {
    this.#numbers.fill(value, start, end);
  }

  #place(index: unknown): number {
    const at = checkInteger(index, "index", 0);
    if (at < this.#numbers.length) return at;
    throw new RangeError(`Expected \`index\` to be below ${this.#numbers.length}, got ${at}`);
  }
}
