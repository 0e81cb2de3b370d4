import type { DICT, LIST, NAMESPACE, SET, NameIn } from "../built-in-methods.ts";
import { wrongType } from "../../util/argument-error.ts";
import { iterable, numeric, text } from "../../util/checks.ts";
import { checkOptions } from "../../util/option-table.ts";
import { checkPosition, checkRange } from "./positions.ts";
import { SORT } from "../option-tables.ts";
import type { WaitOptions } from "../../util/wait-options.ts";
import { callBuiltIn, type CallBuiltIn, ObjectProxy, proxiesOf } from "../object-proxy.ts";
import type { IteratorProxy } from "./iterator-proxy.ts";

const callDict: CallBuiltIn<NameIn<typeof DICT>> = callBuiltIn;
const callList: CallBuiltIn<NameIn<typeof LIST>> = callBuiltIn;
const callNamespace: CallBuiltIn<NameIn<typeof NAMESPACE>> = callBuiltIn;
const callSet: CallBuiltIn<NameIn<typeof SET>> = callBuiltIn;

/** Entries of a dict: pairs, a Map, or an object when keys are strings. */
export type DictEntries<K, V> =
  | Iterable<readonly [K, V]>
  | (K extends string ? Readonly<Record<K, V>> : never);

/**
 * A dict in the server of a manager, as JavaScript's Map: each call is one step, which no other client's call
 * comes between.
 *
 * Keys are strings, numbers, bigints, booleans, null and undefined. Values are copies: to change one, set it again.
 * Proxies as values stand for the same object.
 *
 * @since 0.2.0
 */
export class DictProxy<K = string, V = unknown>
  extends ObjectProxy
  implements AsyncIterable<[K, V]>
{
  static {
    proxiesOf(DictProxy, "dict");
  }

  /** The value of a key, or `otherwise`. */
  get(key: K): Promise<V | undefined>;
  get<D>(key: K, otherwise: D): Promise<V | D>;
  get(key: K, otherwise?: unknown): Promise<unknown> {
    return callDict(this, "get", [key, otherwise]);
  }

  set(key: K, value: V): Promise<void> {
    return callDict(this, "set", [key, value]);
  }

  has(key: K): Promise<boolean> {
    return callDict(this, "has", [key]);
  }

  /** @returns whether it was there. */
  delete(key: K): Promise<boolean> {
    return callDict(this, "delete", [key]);
  }

  /** Takes a key out. @returns its value, or `otherwise`. */
  pop(key: K): Promise<V | undefined>;
  pop<D>(key: K, otherwise: D): Promise<V | D>;
  pop(key: K, otherwise?: unknown): Promise<unknown> {
    return callDict(this, "pop", [key, otherwise]);
  }

  /** Takes out what was added last; undefined when the dict is empty. */
  popItem(): Promise<[K, V] | undefined> {
    return callDict(this, "popItem");
  }

  /** Sets a key that is not there. @returns its value now. */
  setDefault(key: K, value: V): Promise<V> {
    return callDict(this, "setDefault", [key, value]);
  }

  /** Sets many at once: all or, when one is no key, none. */
  async update(entries: DictEntries<K, V>): Promise<void> {
    checkEntries(entries);
    return callDict(this, "update", [spread(entries)]);
  }

  /** Adds to a number in one step; a key that is not there counts as 0. @returns the sum. */
  async increment(key: K, by?: V & (number | bigint)): Promise<V & (number | bigint)> {
    if (by !== undefined) numeric(by, "by");
    return callDict(this, "increment", by === undefined ? [key] : [key, by]);
  }

  clear(): Promise<void> {
    return callDict(this, "clear");
  }

  size(): Promise<number> {
    return callDict(this, "size");
  }

  keys(): Promise<K[]> {
    return callDict(this, "keys");
  }

  values(): Promise<V[]> {
    return callDict(this, "values");
  }

  items(): Promise<[K, V][]> {
    return callDict(this, "items");
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<Map<K, V>> {
    return callDict(this, "copy");
  }

  /**
   * Goes through the entries one call each, and sees values that are set meanwhile. To go through many, use `copy()`.
   *
   * @throws InvalidStateError when keys were added or removed meanwhile.
   */
  [Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    return iterate<[K, V]>(this);
  }
}

/**
 * A set in the server of a manager. Items are of the kinds that keys of a {@link DictProxy} are.
 * @since 0.2.0
 */
export class SetProxy<T = unknown> extends ObjectProxy implements AsyncIterable<T> {
  static {
    proxiesOf(SetProxy, "set");
  }

  add(item: T): Promise<void> {
    return callSet(this, "add", [item]);
  }

  /** @returns whether it was there. */
  delete(item: T): Promise<boolean> {
    return callSet(this, "delete", [item]);
  }

  has(item: T): Promise<boolean> {
    return callSet(this, "has", [item]);
  }

  /** Takes one out; undefined when the set is empty. */
  pop(): Promise<T | undefined> {
    return callSet(this, "pop");
  }

  async update(items: Iterable<T>): Promise<void> {
    return callSet(this, "update", [listOf(items, "items")]);
  }

  clear(): Promise<void> {
    return callSet(this, "clear");
  }

  size(): Promise<number> {
    return callSet(this, "size");
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<Set<T>> {
    return callSet(this, "copy");
  }

  async union(items: Iterable<T>): Promise<Set<T>> {
    return callSet(this, "union", [listOf(items, "items")]);
  }

  async intersection(items: Iterable<T>): Promise<Set<T>> {
    return callSet(this, "intersection", [listOf(items, "items")]);
  }

  async difference(items: Iterable<T>): Promise<Set<T>> {
    return callSet(this, "difference", [listOf(items, "items")]);
  }

  async symmetricDifference(items: Iterable<T>): Promise<Set<T>> {
    return callSet(this, "symmetricDifference", [listOf(items, "items")]);
  }

  async isSubsetOf(items: Iterable<T>): Promise<boolean> {
    return callSet(this, "isSubsetOf", [listOf(items, "items")]);
  }

  async isSupersetOf(items: Iterable<T>): Promise<boolean> {
    return callSet(this, "isSupersetOf", [listOf(items, "items")]);
  }

  async isDisjointFrom(items: Iterable<T>): Promise<boolean> {
    return callSet(this, "isDisjointFrom", [listOf(items, "items")]);
  }

  /** As that of {@link DictProxy}. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return iterate<T>(this);
  }
}

/**
 * A list in the server of a manager, as JavaScript's Array: each call is one step, which no other client's call
 * comes between. Items are copies: to change one, set it again.
 * @since 0.2.0
 */
export class ListProxy<T = unknown> extends ObjectProxy implements AsyncIterable<T> {
  static {
    proxiesOf(ListProxy, "list");
  }

  /** The item at an index; a negative one counts from the end. Undefined behind the ends. */
  async at(index: number): Promise<T | undefined> {
    checkPosition(index, "index");
    return callList(this, "at", [index]);
  }

  /** @throws RangeError for an index behind the ends. */
  async set(index: number, value: T): Promise<void> {
    checkPosition(index, "index");
    return callList(this, "set", [index, value]);
  }

  /** @returns the new length. */
  push(...values: T[]): Promise<number> {
    return callList(this, "push", values);
  }

  /** Appends all of them. @returns the new length. */
  async extend(values: Iterable<T>): Promise<number> {
    return callList(this, "extend", [listOf(values, "values")]);
  }

  /** Takes out the item at an index, by default the last one; undefined when there is none. */
  async pop(index = -1): Promise<T | undefined> {
    checkPosition(index, "index");
    return callList(this, "pop", [index]);
  }

  shift(): Promise<T | undefined> {
    return callList(this, "shift");
  }

  /** @returns the new length. */
  unshift(...values: T[]): Promise<number> {
    return callList(this, "unshift", values);
  }

  /** Puts a value before the item at an index. */
  async insert(index: number, value: T): Promise<void> {
    checkPosition(index, "index");
    return callList(this, "insert", [index, value]);
  }

  /** Takes out the first item that deeply equals `value`. @returns whether there was one. */
  remove(value: T): Promise<boolean> {
    return callList(this, "remove", [value]);
  }

  /** @returns what was taken out. */
  async splice(start: number, deleteCount?: number, ...values: T[]): Promise<T[]> {
    checkPosition(start, "start");
    if (deleteCount !== undefined) checkPosition(deleteCount, "deleteCount");
    return callList(this, "splice", [start, deleteCount, ...values]);
  }

  async slice(start = 0, end?: number): Promise<T[]> {
    checkRange(start, end);
    return callList(this, "slice", [start, end]);
  }

  /** The index of the first item that deeply equals `value`; -1: there is none. */
  indexOf(value: T): Promise<number> {
    return callList(this, "indexOf", [value]);
  }

  includes(value: T): Promise<boolean> {
    return callList(this, "includes", [value]);
  }

  /** The number of items that deeply equal `value`. */
  count(value: T): Promise<number> {
    return callList(this, "count", [value]);
  }

  reverse(): Promise<void> {
    return callList(this, "reverse");
  }

  /** Sorts in the order of numbers, strings, or lists of them item by item. */
  async sort(options?: { readonly descending?: boolean }): Promise<void> {
    checkOptions(options, SORT);
    await callList(this, "sort", [options]);
  }

  clear(): Promise<void> {
    return callList(this, "clear");
  }

  length(): Promise<number> {
    return callList(this, "length");
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<T[]> {
    return callList(this, "copy");
  }

  /** Goes through the items one call each, and sees what is changed meanwhile. To go through many, use `copy()`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let i = 0; ; i++) {
      const item = await callList<{ value: T } | undefined>(this, "item", [i]);
      if (item === undefined) return;
      yield item.value;
    }
  }
}

/**
 * Named values in the server of a manager. Names that begin with `_` stay here, in this proxy.
 * @since 0.2.0
 */
export class NamespaceProxy<T extends object = Record<string, unknown>> extends ObjectProxy {
  static {
    proxiesOf(NamespaceProxy, "namespace");
  }

  readonly #local = new Map<PropertyKey, unknown>();

  async get<N extends keyof T & string>(name: N): Promise<T[N]> {
    text(name, "name");
    if (isLocal(name)) return this.#local.get(name) as T[N];
    return await callNamespace(this, "get", [name]);
  }

  async set<N extends keyof T & string>(name: N, value: T[N]): Promise<void> {
    text(name, "name");
    if (isLocal(name)) this.#local.set(name, value);
    else await callNamespace(this, "set", [name, value]);
  }

  async has(name: keyof T & string): Promise<boolean> {
    text(name, "name");
    if (isLocal(name)) return this.#local.has(name);
    return await callNamespace(this, "has", [name]);
  }

  /** @returns whether it was there. */
  async delete(name: keyof T & string): Promise<boolean> {
    text(name, "name");
    if (isLocal(name)) return this.#local.delete(name);
    return await callNamespace(this, "delete", [name]);
  }

  /** All values that are not local. */
  copy(): Promise<Partial<T>> {
    return callNamespace(this, "copy");
  }

  /** Shows them: `Namespace(x=1, y='two')`. */
  text(options?: WaitOptions): Promise<string> {
    return callNamespace(this, "text", [], options);
  }
}

function isLocal(name: string): boolean {
  return name.startsWith("_");
}

/** The items of an argument, as they travel. */
function listOf<T>(items: Iterable<T>, name: string): T[] {
  iterable(items, name);
  return [...items];
}

/** As it travels: iterables that are no arrays, maps or sets would not. */
export function spread(entries: unknown): unknown {
  const isIterable = typeof entries === "object" && entries !== null && Symbol.iterator in entries;
  return isIterable ? [...(entries as Iterable<unknown>)] : entries;
}

async function* iterate<T>(proxy: ObjectProxy): AsyncGenerator<T, void, undefined> {
  yield* await proxy.$call<IteratorProxy<T>>("iterate");
}

/** Refuses what is no {@link DictEntries}. */
export function checkEntries(entries: unknown): void {
  const expected = "pairs of key and value, a Map or an object";
  if (typeof entries !== "object" || entries === null)
    throw wrongType("entries", expected, entries);
}
