import { badArgument, outOfRange, wrongType } from "../../util/argument-error.ts";
import { isDeepStrictEqual } from "node:util";
import { InvalidStateError } from "../../errors/index.ts";
import type { Call } from "../call.ts";
import { checkInteger, checkIterable, checkKey } from "./checks.ts";
import { type Grant, grantIterator } from "./iterator.ts";

/** A map. The first parameter of every method is the call, which most do not need. */
export class ManagedDict {
  readonly #map: Map<unknown, unknown> = new Map();

  constructor(entries: unknown = []) {
    this.#add(entries);
  }

  get(_call: Call, key: unknown, otherwise?: unknown): unknown {
    return this.#map.has(key) ? this.#map.get(key) : otherwise;
  }

  set(_call: Call, key: unknown, value: unknown): void {
    this.#map.set(checkKey(key), value);
  }

  has(_call: Call, key: unknown): boolean {
    return this.#map.has(key);
  }

  delete(_call: Call, key: unknown): boolean {
    return this.#map.delete(key);
  }

  pop(_call: Call, key: unknown, otherwise?: unknown): unknown {
    const value = this.#map.has(key) ? this.#map.get(key) : otherwise;
    this.#map.delete(key);
    return value;
  }

  popItem(): [unknown, unknown] | undefined {
    const key = [...this.#map.keys()].at(-1);
    if (this.#map.size === 0) return undefined;
    const item: [unknown, unknown] = [key, this.#map.get(key)];
    this.#map.delete(key);
    return item;
  }

  setDefault(_call: Call, key: unknown, value: unknown): unknown {
    if (!this.#map.has(key)) this.#map.set(checkKey(key), value);
    return this.#map.get(key);
  }

  update(_call: Call, entries: unknown): void {
    this.#add(entries);
  }

  /** Adds to a number in one step. */
  increment(_call: Call, key: unknown, by: unknown = 1): number | bigint {
    const present = this.#map.get(key) ?? (typeof by === "bigint" ? 0n : 0);
    if (typeof present !== typeof by || (typeof by !== "number" && typeof by !== "bigint")) {
      throw new TypeError(
        `Expected numbers, or bigints, to add, got ${typeof present} and ${typeof by}`,
      );
    }
    const sum = (present as number) + (by as number);
    this.#map.set(checkKey(key), sum);
    return sum;
  }

  clear(): void {
    this.#map.clear();
  }

  size(): number {
    return this.#map.size;
  }

  keys(): unknown[] {
    return [...this.#map.keys()];
  }

  values(): unknown[] {
    return [...this.#map.values()];
  }

  items(): [unknown, unknown][] {
    return [...this.#map];
  }

  copy(): Map<unknown, unknown> {
    return this.#map;
  }

  iterate(): Grant {
    return grantIterator(steady(this.#map, "dict"));
  }

  #add(entries: unknown): void {
    const isPlain = typeof entries === "object" && entries !== null;
    const list =
      isPlain && !(Symbol.iterator in entries)
        ? Object.entries(entries)
        : checkIterable(entries, "entries");
    // All of it is checked before any of it is taken.
    const pairs = [...list].map((pair): [unknown, unknown] => {
      if (!Array.isArray(pair)) throw badArgument("Expected entries to be pairs of key and value");
      return [checkKey(pair[0]), pair[1]];
    });
    for (const [key, value] of pairs) this.#map.set(key, value);
  }
}

/** Items of a collection whose size must not change meanwhile. */
function* steady<T>(items: Iterable<T> & { readonly size: number }, what: string): Generator<T> {
  const { size } = items;
  const changed = (): InvalidStateError =>
    new InvalidStateError(
      `The ${what} changed its size while it was iterated over: iterate over its copy() instead.`,
    );
  for (const item of items) {
    if (items.size !== size) throw changed();
    yield item;
  }
  if (items.size !== size) throw changed();
}

/** A set. */
export class ManagedSet {
  readonly #set: Set<unknown>;

  constructor(items: unknown = []) {
    this.#set = toSet(items);
  }

  add(_call: Call, item: unknown): void {
    this.#set.add(checkKey(item));
  }

  delete(_call: Call, item: unknown): boolean {
    return this.#set.delete(item);
  }

  has(_call: Call, item: unknown): boolean {
    return this.#set.has(item);
  }

  pop(): unknown {
    const [item] = this.#set;
    this.#set.delete(item);
    return item;
  }

  update(_call: Call, items: unknown): void {
    for (const item of toSet(items)) this.#set.add(item);
  }

  clear(): void {
    this.#set.clear();
  }

  size(): number {
    return this.#set.size;
  }

  copy(): Set<unknown> {
    return this.#set;
  }

  union(_call: Call, items: unknown): Set<unknown> {
    return new Set([...this.#set, ...toSet(items)]);
  }

  intersection(_call: Call, items: unknown): Set<unknown> {
    const other = toSet(items);
    return new Set([...this.#set].filter((item) => other.has(item)));
  }

  difference(_call: Call, items: unknown): Set<unknown> {
    const other = toSet(items);
    return new Set([...this.#set].filter((item) => !other.has(item)));
  }

  symmetricDifference(_call: Call, items: unknown): Set<unknown> {
    const other = toSet(items);
    const added = [...other].filter((item) => !this.#set.has(item));
    return new Set([...[...this.#set].filter((item) => !other.has(item)), ...added]);
  }

  isSubsetOf(_call: Call, items: unknown): boolean {
    const other = toSet(items);
    return [...this.#set].every((item) => other.has(item));
  }

  isSupersetOf(_call: Call, items: unknown): boolean {
    return [...toSet(items)].every((item) => this.#set.has(item));
  }

  isDisjointFrom(_call: Call, items: unknown): boolean {
    return [...toSet(items)].every((item) => !this.#set.has(item));
  }

  iterate(): Grant {
    return grantIterator(steady(this.#set, "set"));
  }
}

function toSet(items: unknown): Set<unknown> {
  return new Set([...checkIterable(items, "items")].map((item) => checkKey(item)));
}

/** A list. */
export class ManagedList {
  #items: unknown[];

  constructor(items: unknown = []) {
    this.#items = [...checkIterable(items, "items")];
  }

  at(_call: Call, index: unknown): unknown {
    return this.#items.at(checkIndex(index));
  }

  set(_call: Call, index: unknown, value: unknown): void {
    const at = checkIndex(index);
    const place = at < 0 ? at + this.#items.length : at;
    if (place < 0 || place >= this.#items.length) {
      throw outOfRange("index", "within the list", at);
    }
    this.#items[place] = value;
  }

  push(_call: Call, ...values: unknown[]): number {
    return this.#items.push(...values);
  }

  extend(_call: Call, values: unknown): number {
    for (const value of checkIterable(values, "values")) this.#items.push(value);
    return this.#items.length;
  }

  pop(_call: Call, index: unknown = -1): unknown {
    const at = checkIndex(index);
    const place = at < 0 ? at + this.#items.length : at;
    return place < 0 ? undefined : this.#items.splice(place, 1)[0];
  }

  shift(): unknown {
    return this.#items.shift();
  }

  unshift(_call: Call, ...values: unknown[]): number {
    return this.#items.unshift(...values);
  }

  insert(_call: Call, index: unknown, value: unknown): void {
    this.#items.splice(checkIndex(index), 0, value);
  }

  remove(_call: Call, value: unknown): boolean {
    const at = this.#find(value);
    if (at >= 0) this.#items.splice(at, 1);
    return at >= 0;
  }

  splice(_call: Call, start: unknown, count?: unknown, ...values: unknown[]): unknown[] {
    const many = count === undefined ? Infinity : checkInteger(count, "deleteCount", 0);
    return this.#items.splice(checkIndex(start), many, ...values);
  }

  slice(_call: Call, start: unknown = 0, end?: unknown): unknown[] {
    return this.#items.slice(checkIndex(start), end === undefined ? undefined : checkIndex(end));
  }

  indexOf(_call: Call, value: unknown): number {
    return this.#find(value);
  }

  includes(_call: Call, value: unknown): boolean {
    return this.#find(value) >= 0;
  }

  count(_call: Call, value: unknown): number {
    return this.#items.filter((item) => isDeepStrictEqual(item, value)).length;
  }

  reverse(): void {
    this.#items.reverse();
  }

  sort(_call: Call, options?: unknown): void {
    const { descending = false } = (options ?? {}) as { descending?: boolean };
    this.#items.sort(descending ? (a, b) => naturally(b, a) : naturally);
  }

  clear(): void {
    this.#items = [];
  }

  length(): number {
    return this.#items.length;
  }

  copy(): unknown[] {
    return this.#items;
  }

  /** The item of an iteration: none behind the end, wherever that is by now. */
  item(_call: Call, index: unknown): { value: unknown } | undefined {
    const at = checkInteger(index, "index", 0);
    return at < this.#items.length ? { value: this.#items[at] } : undefined;
  }

  #find(value: unknown): number {
    return this.#items.findIndex((item) => isDeepStrictEqual(item, value));
  }
}

/** An index as arrays take it: any whole number. */
function checkIndex(index: unknown): number {
  if (typeof index === "number" && Number.isInteger(index)) return index;
  throw typeof index === "number"
    ? outOfRange("index", "an integer", index)
    : wrongType("index", "an integer", index);
}

/** The order of numbers, strings and bigints, and of lists of them item by item; undefined comes last. */
export function naturally(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = naturally(a[i], b[i]);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  const [x, y] = [a as number, b as number];
  return x < y ? -1 : Number(x > y);
}
