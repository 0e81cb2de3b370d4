import { wrongType } from "../util/argument-error.ts";
import { isClass } from "./function-kind.ts";
import { isTaskRef } from "./refs.ts";

/** Refuses what cannot be run elsewhere: anything but functions and references from `tasks()`; classes too. */
export function checkTask(value: unknown, name: string): void {
  if (typeof value === "function") {
    if (!isClass(value)) return;
    throw wrongType(name, "a function", value, "wrap its construction in an exported function");
  }
  if (!isTaskRef(value)) throw wrongType(name, "a function or a reference from tasks()", value);
}
