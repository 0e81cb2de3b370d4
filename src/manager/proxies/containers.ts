import type { WaitOptions } from "../../util/wait-options.ts";
import { ObjectProxy, proxiesOf } from "../object-proxy.ts";
import type { IteratorProxy } from "./iterator-proxy.ts";

/** What a dict can be filled from. */
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
    return this.$call("get", [key, otherwise]);
  }

  set(key: K, value: V): Promise<void> {
    return this.$call("set", [key, value]) as Promise<void>;
  }

  has(key: K): Promise<boolean> {
    return this.$call("has", [key]) as Promise<boolean>;
  }

  /** @returns whether it was there. */
  delete(key: K): Promise<boolean> {
    return this.$call("delete", [key]) as Promise<boolean>;
  }

  /** Takes a key out. @returns its value, or `otherwise`. */
  pop(key: K): Promise<V | undefined>;
  pop<D>(key: K, otherwise: D): Promise<V | D>;
  pop(key: K, otherwise?: unknown): Promise<unknown> {
    return this.$call("pop", [key, otherwise]);
  }

  /** Takes out what was added last; undefined when the dict is empty. */
  popItem(): Promise<[K, V] | undefined> {
    return this.$call("popItem") as Promise<[K, V] | undefined>;
  }

  /** Sets a key that is not there. @returns its value now. */
  setDefault(key: K, value: V): Promise<V> {
    return this.$call("setDefault", [key, value]) as Promise<V>;
  }

  /** Sets many at once: all or, when one is no key, none. */
  update(entries: DictEntries<K, V>): Promise<void> {
    return this.$call("update", [spread(entries)]) as Promise<void>;
  }

  /** Adds to a number in one step; a key that is not there counts as 0. @returns the sum. */
  increment(key: K, by?: V & (number | bigint)): Promise<V & (number | bigint)> {
    return this.$call("increment", by === undefined ? [key] : [key, by]) as Promise<
      V & (number | bigint)
    >;
  }

  clear(): Promise<void> {
    return this.$call("clear") as Promise<void>;
  }

  size(): Promise<number> {
    return this.$call("size") as Promise<number>;
  }

  keys(): Promise<K[]> {
    return this.$call("keys") as Promise<K[]>;
  }

  values(): Promise<V[]> {
    return this.$call("values") as Promise<V[]>;
  }

  items(): Promise<[K, V][]> {
    return this.$call("items") as Promise<[K, V][]>;
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<Map<K, V>> {
    return this.$call("copy") as Promise<Map<K, V>>;
  }

  /**
   * Goes through the entries one call each, and sees values that are set meanwhile. To go through many, use `copy()`.
   *
   * @throws {@link InvalidStateError} when keys were added or removed meanwhile.
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
    return this.$call("add", [item]) as Promise<void>;
  }

  /** @returns whether it was there. */
  delete(item: T): Promise<boolean> {
    return this.$call("delete", [item]) as Promise<boolean>;
  }

  has(item: T): Promise<boolean> {
    return this.$call("has", [item]) as Promise<boolean>;
  }

  /** Takes one out; undefined when the set is empty. */
  pop(): Promise<T | undefined> {
    return this.$call("pop") as Promise<T | undefined>;
  }

  update(items: Iterable<T>): Promise<void> {
    return this.$call("update", [[...items]]) as Promise<void>;
  }

  clear(): Promise<void> {
    return this.$call("clear") as Promise<void>;
  }

  size(): Promise<number> {
    return this.$call("size") as Promise<number>;
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<Set<T>> {
    return this.$call("copy") as Promise<Set<T>>;
  }

  union(items: Iterable<T>): Promise<Set<T>> {
    return this.$call("union", [[...items]]) as Promise<Set<T>>;
  }

  intersection(items: Iterable<T>): Promise<Set<T>> {
    return this.$call("intersection", [[...items]]) as Promise<Set<T>>;
  }

  difference(items: Iterable<T>): Promise<Set<T>> {
    return this.$call("difference", [[...items]]) as Promise<Set<T>>;
  }

  symmetricDifference(items: Iterable<T>): Promise<Set<T>> {
    return this.$call("symmetricDifference", [[...items]]) as Promise<Set<T>>;
  }

  isSubsetOf(items: Iterable<T>): Promise<boolean> {
    return this.$call("isSubsetOf", [[...items]]) as Promise<boolean>;
  }

  isSupersetOf(items: Iterable<T>): Promise<boolean> {
    return this.$call("isSupersetOf", [[...items]]) as Promise<boolean>;
  }

  isDisjointFrom(items: Iterable<T>): Promise<boolean> {
    return this.$call("isDisjointFrom", [[...items]]) as Promise<boolean>;
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
  at(index: number): Promise<T | undefined> {
    return this.$call("at", [index]) as Promise<T | undefined>;
  }

  /** @throws RangeError for an index behind the ends. */
  set(index: number, value: T): Promise<void> {
    return this.$call("set", [index, value]) as Promise<void>;
  }

  /** @returns the new length. */
  push(...values: T[]): Promise<number> {
    return this.$call("push", values) as Promise<number>;
  }

  /** Appends all of them. @returns the new length. */
  extend(values: Iterable<T>): Promise<number> {
    return this.$call("extend", [[...values]]) as Promise<number>;
  }

  /** Takes out the item at an index, by default the last one; undefined when there is none. */
  pop(index = -1): Promise<T | undefined> {
    return this.$call("pop", [index]) as Promise<T | undefined>;
  }

  shift(): Promise<T | undefined> {
    return this.$call("shift") as Promise<T | undefined>;
  }

  /** @returns the new length. */
  unshift(...values: T[]): Promise<number> {
    return this.$call("unshift", values) as Promise<number>;
  }

  /** Puts a value before the item at an index. */
  insert(index: number, value: T): Promise<void> {
    return this.$call("insert", [index, value]) as Promise<void>;
  }

  /** Takes out the first item that deeply equals `value`. @returns whether there was one. */
  remove(value: T): Promise<boolean> {
    return this.$call("remove", [value]) as Promise<boolean>;
  }

  /** @returns what was taken out. */
  splice(start: number, deleteCount?: number, ...values: T[]): Promise<T[]> {
    return this.$call("splice", [start, deleteCount, ...values]) as Promise<T[]>;
  }

  slice(start = 0, end?: number): Promise<T[]> {
    return this.$call("slice", [start, end]) as Promise<T[]>;
  }

  /** Where the first item is that deeply equals `value`; -1: there is none. */
  indexOf(value: T): Promise<number> {
    return this.$call("indexOf", [value]) as Promise<number>;
  }

  includes(value: T): Promise<boolean> {
    return this.$call("includes", [value]) as Promise<boolean>;
  }

  /** How many items deeply equal `value`. */
  count(value: T): Promise<number> {
    return this.$call("count", [value]) as Promise<number>;
  }

  reverse(): Promise<void> {
    return this.$call("reverse") as Promise<void>;
  }

  /** Sorts in the order of numbers, strings, or lists of them item by item. */
  sort(options?: { readonly descending?: boolean }): Promise<void> {
    return this.$call("sort", [options]) as Promise<void>;
  }

  clear(): Promise<void> {
    return this.$call("clear") as Promise<void>;
  }

  length(): Promise<number> {
    return this.$call("length") as Promise<number>;
  }

  /** All of it, as it is at that moment. */
  copy(): Promise<T[]> {
    return this.$call("copy") as Promise<T[]>;
  }

  /** Goes through the items one call each, and sees what is changed meanwhile. To go through many, use `copy()`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let i = 0; ; i++) {
      const item = (await this.$call("item", [i])) as { value: T } | undefined;
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
    if (isLocal(name)) return this.#local.get(name) as T[N];
    return (await this.$call("get", [name])) as T[N];
  }

  async set<N extends keyof T & string>(name: N, value: T[N]): Promise<void> {
    if (isLocal(name)) this.#local.set(name, value);
    else await this.$call("set", [name, value]);
  }

  async has(name: keyof T & string): Promise<boolean> {
    if (isLocal(name)) return this.#local.has(name);
    return (await this.$call("has", [name])) as boolean;
  }

  /** @returns whether it was there. */
  async delete(name: keyof T & string): Promise<boolean> {
    if (isLocal(name)) return this.#local.delete(name);
    return (await this.$call("delete", [name])) as boolean;
  }

  /** All values that are not local. */
  copy(): Promise<Partial<T>> {
    return this.$call("copy") as Promise<Partial<T>>;
  }

  /** Shows them: `Namespace(x=1, y='two')`. */
  text(options?: WaitOptions): Promise<string> {
    return this.$call("text", [], options) as Promise<string>;
  }
}

function isLocal(name: string): boolean {
  return name.startsWith("_");
}

/** As it travels: iterables that are no arrays, maps or sets would not. */
export function spread(entries: unknown): unknown {
  const isIterable = typeof entries === "object" && entries !== null && Symbol.iterator in entries;
  return isIterable ? [...(entries as Iterable<unknown>)] : entries;
}

async function* iterate<T>(proxy: ObjectProxy): AsyncGenerator<T, void, undefined> {
  yield* (await proxy.$call("iterate")) as IteratorProxy<T>;
}
