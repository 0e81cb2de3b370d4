/** Exports whose members are searched too: deeper trees would make names that nobody reads. */
function isHolder(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Reads an export or a variable; one that is not initialised yet (its module is still evaluating) counts as absent. */
export function read(exports: object, name: string): unknown {
  try {
    return (exports as Record<string, unknown>)[name];
  } catch {
    // A ReferenceError of the temporal dead zone, or a getter that throws: either way not our function.
    return undefined;
  }
}

/**
 * Finds under which name a module exports `fn`: directly, or one level down in an exported object or as a
 * static method of an exported class. Getters of exported objects are not called.
 *
 * @returns the name, such as `"square"`, `"default"` or `"math.square"`; `undefined` when there is none.
 */
export function findExport(exports: unknown, fn: Function): string | undefined {
  if (exports === fn) return "default"; // module.exports = fn
  if (!isHolder(exports)) return undefined;
  if (Object.hasOwn(exports, fn.name) && read(exports, fn.name) === fn && !fn.name.includes("."))
    return fn.name;
  const names = Object.keys(exports).filter((name) => name !== "" && !name.includes("."));
  const direct = names.find((name) => read(exports, name) === fn);
  if (direct !== undefined) return direct;
  for (const name of names) {
    const member = findMember(read(exports, name), fn);
    if (member !== undefined) return `${name}.${member}`;
  }
  return undefined;
}

function findMember(holder: unknown, fn: Function): string | undefined {
  if (!isHolder(holder) || ArrayBuffer.isView(holder) || Array.isArray(holder)) return undefined;
  const isFn = (name: string): boolean => {
    const descriptor = Object.getOwnPropertyDescriptor(holder, name);
    return descriptor !== undefined && descriptor.value === fn;
  };
  const usable = (name: string): boolean =>
    name !== "" && name !== "prototype" && name !== "constructor" && !name.includes(".");
  if (usable(fn.name) && isFn(fn.name)) return fn.name;
  return Object.getOwnPropertyNames(holder).find((name) => usable(name) && isFn(name));
}
