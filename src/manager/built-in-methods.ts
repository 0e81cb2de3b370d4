/*
 * Methods of the built-in objects that clients may call, and nothing else: a security list. The compiler holds both sides to
 * it: a name that is no method of the object does not compile in `catalogue.ts`, and one that is not listed not in the
 * proxies.
 */

/** The names in one of the lists. */
export type NameIn<L extends readonly string[]> = L[number];

export const DICT = [
  "get",
  "set",
  "has",
  "delete",
  "pop",
  "popItem",
  "setDefault",
  "update",
  "increment",
  "clear",
  "size",
  "keys",
  "values",
  "items",
  "copy",
  "iterate",
] as const;

export const LIST = [
  "at",
  "set",
  "push",
  "extend",
  "pop",
  "shift",
  "unshift",
  "insert",
  "remove",
  "splice",
  "slice",
  "indexOf",
  "includes",
  "count",
  "reverse",
  "sort",
  "clear",
  "length",
  "copy",
  "item",
] as const;

export const SET = [
  "add",
  "delete",
  "has",
  "pop",
  "update",
  "clear",
  "size",
  "copy",
  "union",
  "intersection",
  "difference",
  "symmetricDifference",
  "isSubsetOf",
  "isSupersetOf",
  "isDisjointFrom",
  "iterate",
] as const;

export const NAMESPACE = ["get", "set", "has", "delete", "copy", "text"] as const;

export const QUEUE = ["put", "get", "size", "empty", "full", "shutdown"] as const;

export const JOINABLE_QUEUE = [
  "put",
  "get",
  "size",
  "empty",
  "full",
  "shutdown",
  "taskDone",
  "join",
] as const;

export const LOCK = ["acquire", "release", "locked"] as const;

export const SEMAPHORE = ["acquire", "release", "value"] as const;

export const EVENT = ["set", "clear", "isSet", "wait"] as const;

export const CONDITION = ["acquire", "release", "wait", "notify", "notifyAll"] as const;

export const BARRIER = ["wait", "abort", "reset", "parties", "waiting", "broken"] as const;

export const NUMBERS = ["at", "set", "add", "compareExchange", "length", "slice", "fill"] as const;

export const POOL = [
  "apply",
  "map",
  "starmap",
  "imap",
  "imapUnordered",
  "close",
  "join",
  "terminate",
] as const;

export const SHARED_MEMORY_TRACKER = ["sharedMemory", "shareableList"] as const;

export const ITERATOR = ["next", "return"] as const;
