import { types } from "node:util";
import { isMethod } from "./function-kind.ts";
import { livingFunctions, livingObjects } from "./heap.ts";
import type { LocatedIdentity } from "./identity.ts";
import { inspectFunction, variablesAround } from "./inspect.ts";
import { findExport, read } from "./find-export.ts";
import { normalizeModuleUrl } from "./module-url.ts";
import { sourceHash } from "./source-hash.ts";

/** The functions among `candidates` that were written at that place. */
export async function atPlace(
  identity: LocatedIdentity,
  candidates: Iterable<unknown>,
): Promise<Function[]> {
  const found: Function[] = [];
  for (const fn of candidates) {
    if (typeof fn !== "function" || ownName(fn) !== identity.name || found.includes(fn)) continue;
    // Text first: thousands of functions have it, one has the place, and V8 is slow to say where that is.
    if ((await sourceHash(fn)) === identity.source && isAt(identity, fn)) found.push(fn);
  }
  return found;
}

/** Without the code of the user that may stand behind a property. */
function ownName(fn: Function): unknown {
  return Reflect.getOwnPropertyDescriptor(fn, "name")?.value;
}

function isAt({ module, line, column }: LocatedIdentity, fn: Function): boolean {
  const facts = inspectFunction(fn);
  if (facts.kind !== "placed") return false;
  const { place } = facts;
  return (
    place.line === line && place.column === column && normalizeModuleUrl(place.script) === module
  );
}

/** The variables a function sees, one level deep: its module's other functions, as far as something refers to them. */
export function neighbours(fn: Function): unknown[] {
  const variables = variablesAround(fn);
  return Object.keys(variables).flatMap((name) => {
    const value = read(variables, name);
    return typeof value === "object" && value !== null && !types.isProxy(value)
      ? [value, ...members(value)]
      : [value];
  });
}

function members(holder: object): unknown[] {
  if (Array.isArray(holder) || ArrayBuffer.isView(holder)) return [];
  return Object.values(Object.getOwnPropertyDescriptors(holder)).map((it) => it.value as unknown);
}

/** Tells whether a function needs the object it belongs to. */
export function needsOwner(fn: Function): boolean {
  return isMethod(fn) && /\b(?:this|super)\b/.test(Function.prototype.toString.call(fn));
}

/**
 * The object that has `fn` as its method: an object of a module, or a class for its static methods; no prototype,
 * whose methods belong to instances.
 */
export function ownerOf(fn: Function): object | undefined {
  const variables = variablesAround(fn);
  const path = findExport(variables, fn)?.split(".");
  if (path?.length === 2) return read(variables, path[0]!) as object;
  for (const list of [livingFunctions, livingObjects]) {
    const owners = list(fn).filter((it) => isOwner(it, fn));
    if (owners.length > 0) return owners.length === 1 ? owners[0] : undefined;
  }
  return undefined;
}

function isOwner(holder: object, fn: Function): boolean {
  // A proxy would run code of its maker.
  if (types.isProxy(holder)) return false;
  if (Reflect.getOwnPropertyDescriptor(holder, fn.name)?.value !== fn) return false;
  return !Object.hasOwn(holder, "constructor");
}
