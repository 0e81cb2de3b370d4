import { badArgument } from "../util/argument-error.ts";

/** Never called from outside, whatever a class exposes: these lead out of the object, or make a proxy look like a promise. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  "constructor",
  "then",
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** True for the name of a method that clients may be given. */
function isPublic(name: string): boolean {
  return !/^[_#$]/.test(name) && !FORBIDDEN.has(name);
}

/** The public methods of an object's class and those above it; getters are not looked into. */
function publicMethods(object: object): string[] {
  const found = new Set<string>();
  let at: object | null = object;
  while (at !== null && at !== Object.prototype && at !== Function.prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && isPublic(name)) found.add(name);
    }
    at = Object.getPrototypeOf(at) as object | null;
  }
  return [...found];
}

/**
 * Lists the methods of an object that clients may call.
 *
 * @param exposed - the methods that were chosen; default: the public ones.
 * @throws TypeError when one of them is no method, or must not be called from outside.
 */
export function exposedMethods(object: object, exposed: readonly string[] | undefined): string[] {
  if (exposed === undefined) return publicMethods(object);
  for (const name of exposed) {
    const isMethod = typeof (object as Record<string, unknown>)[name] === "function";
    if (isMethod && isPublic(name)) continue;
    throw badArgument(
      `Expected \`exposed\` to name public methods, got ${JSON.stringify(name)}, ` +
        (isMethod ? "which no client may call" : "which is none of this object"),
    );
  }
  return [...exposed];
}
