import { unwrapFacade } from "../util/facade.ts";

/** Tells a class constructor from a function that can be called. */
export function isClass(fn: Function): boolean {
  return /^class\b/.test(Function.prototype.toString.call(unwrapFacade(fn)));
}

const METHOD =
  /^(?:async\s*)?\*?\s*(?:(?:get|set)\s+)?(?:#?[\p{ID_Start}$_][\p{ID_Continue}$]*|\[[^\]]*\]|"[^"]*"|'[^']*'|\d+)\s*\(/u;
const FUNCTION_OR_ARROW = /^(?:async\s*)?(?:function\b|\()/;

/** Tells whether a function was written as a method: `{ foo() {} }`, also in classes. */
export function isMethod(fn: Function): boolean {
  const text = Function.prototype.toString.call(fn);
  return METHOD.test(text) && !FUNCTION_OR_ARROW.test(text);
}
