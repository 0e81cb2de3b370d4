import { TaskNotFoundError } from "../errors/index.ts";
import { pathOfModule } from "./module-url.ts";

/** The reason why a function cannot be found again. */
export type NotFoundReason =
  | "anonymous"
  | "bound"
  | "class"
  | "closure"
  | "method"
  | "native"
  | "no-file"
  | "no-inspector"
  | "not-exported";

const WHY: Readonly<Record<NotFoundReason, string>> = {
  anonymous: "it has no name and its module does not export it",
  bound: "it is a bound function, and what it is bound to stays here",
  class: "it is a class that its module does not export",
  closure: "it was made inside another function, whose variables stay here",
  method: "it is a method, and the object it belongs to is not an export of its module",
  native: "it is built in and belongs to no module",
  "no-file": "its code has no file (command line, standard input, REPL, eval or vm)",
  "no-inspector": "this Node cannot say where a function was written",
  "not-exported": "its module does not export it",
};

interface NotFoundDetails {
  readonly module?: string | undefined;
  /** From 1. */
  readonly line?: number | undefined;
  /** From 1. */
  readonly column?: number | undefined;
  readonly cause?: unknown;
}

/** Makes the error for a function that no worker could find; it says why and what to write instead. */
export function notFound(
  fn: Function,
  reason: NotFoundReason,
  details: NotFoundDetails = {},
): TaskNotFoundError {
  const name = fn.name.replace(/^bound /, "");
  const called = name === "" ? "An anonymous function" : `Function ${JSON.stringify(fn.name)}`;
  const place = placeOf(details);
  const message =
    `${called}${place === "" ? "" : ` (${place})`} cannot be found again in a worker: ${WHY[reason]}. Do one of these:\n` +
    advice(fn, reason, name === "" || name === "default" ? "work" : name)
      .map((line) => `  - ${line}`)
      .join("\n");
  return new TaskNotFoundError(
    message,
    details.cause === undefined ? undefined : { cause: details.cause },
  );
}

function placeOf({ module, line, column }: NotFoundDetails): string {
  if (module === undefined) return "";
  const file = pathOfModule(module) ?? (module.startsWith("data:") ? "data: module" : module);
  return line === undefined ? file : `${file}:${line}:${column ?? 1}`;
}

function advice(fn: Function, reason: NotFoundReason, name: string): string[] {
  const id = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : "work";
  const fromModule = `put it in a module of its own and pass tasks<typeof import("./x.ts")>(new URL("./x.ts", import.meta.url)).${id}`;
  const asInline = `if it uses no variables from outside itself: inline(${id})`;
  const register = `register it at the top level of its module: const ${id} = task(import.meta, ${id === "work" ? "(…) => …" : `function ${id}(…) {…}`})`;
  switch (reason) {
    case "bound":
      return [
        "export a function that calls it and pass what it was bound to as an argument",
        `register such a function at the top level of a module: const ${id} = task(import.meta, (…) => …)`,
        fromModule,
        `if the call needs nothing from outside: inline((…) => …)`,
      ];
    case "native":
      return [
        `export a function that calls it: export function ${id}Task(...args) { return ${id}(...args); }`,
        "register such a function at the top level of a module: task(import.meta, (…) => …)",
        fromModule,
        `ship the call as text: inline((...args) => ${id}(...args))`,
      ];
    case "class":
      return [`export it: export class ${id} …`];
    case "method":
      return [
        "export the object it belongs to, or a function that makes the object and calls the method",
        "register such a function at the top level of its module: task(import.meta, (…) => …)",
        fromModule,
        asInline,
      ];
    case "closure":
      return [
        `move it to the top level of its module and export it; pass the outer variables as arguments`,
        `register it there: const ${id} = task(import.meta, …)`,
        fromModule,
        asInline,
      ];
    case "no-file":
      return [
        `ship it as text, if it uses no variables from outside itself: inline(${id})`,
        "save the program to a file and export the function there",
        fromModule,
      ];
    case "no-inspector":
      return [register, fromModule, asInline];
    default:
      return [`export it: ${exportLine(fn, id)}`, register, fromModule, asInline];
  }
}

function exportLine(fn: Function, id: string): string {
  const text = Function.prototype.toString.call(fn);
  const isAsync = /^async\b/.test(text) ? "async " : "";
  const isGenerator = /^(?:async\s+)?(?:function\s*)?\*/.test(text) ? "*" : "";
  return `export ${isAsync}function${isGenerator} ${id}(…) {…}`;
}
