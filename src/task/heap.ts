import { types } from "node:util";
import { withV8Session } from "./v8-session.ts";

/**
 * All functions and classes of this thread that live, of the realm that `fn` belongs to.
 *
 * V8 collects garbage first: 100 ms in a small program, more in one with much memory, and nothing else runs meanwhile.
 */
export function livingFunctions(fn: Function): readonly Function[] {
  return living(functionPrototype(fn)) as readonly Function[];
}

/**
 * Classes that living prototypes belong to. V8 does not list a class among the functions if it extends a proxy, such as
 * what the front of this package exports until it is used.
 */
export function livingClasses(fn: Function): readonly unknown[] {
  return livingObjects(fn).map((it) =>
    types.isProxy(it) ? undefined : Reflect.getOwnPropertyDescriptor(it, "constructor")?.value,
  );
}

/** All objects of this thread that live, functions included. It takes as long. */
export function livingObjects(fn: Function): readonly object[] {
  return living(Object.getPrototypeOf(functionPrototype(fn)) as object);
}

function living(prototype: object): readonly object[] {
  return withV8Session([prototype], (session) => session.living(session.values()[0]!));
}

/** `Function.prototype` of the function's realm; those of async functions and generators inherit from it. */
function functionPrototype(fn: Function): object {
  let prototype = Object.getPrototypeOf(fn) as object;
  for (;;) {
    const next = Object.getPrototypeOf(prototype) as object | null;
    if (next === null || Object.getPrototypeOf(next) === null) return prototype;
    prototype = next;
  }
}
