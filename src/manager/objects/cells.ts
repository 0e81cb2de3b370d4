import { inspect } from "node:util";
import { constructorOf, type ElementType } from "../../shared/element-types.ts";
import { outOfRange, wrongType } from "../../util/argument-error.ts";
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
    if (typeof name !== "string") throw wrongType("name", "a string", name);
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

type Numbers = Float64Array;

/** Numbers of one type; a single one is an array of one. */
export class ManagedArray {
  readonly #numbers: Numbers;

  constructor(type: unknown, content: unknown) {
    // One stands for all: they differ in what they hold, and a wrong number is a TypeError of theirs.
    const Class = constructorOf(type as ElementType) as unknown as Float64ArrayConstructor;
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
    throw outOfRange("index", `below ${this.#numbers.length}`, at);
  }
}
