import { pathToFileURL } from "node:url";
import { TaskNotFoundError } from "../errors/index.ts";
import { checkFunction } from "../util/checks.ts";
import { callerScript } from "./caller.ts";
import { inlineFactory } from "./inline-source.ts";
import { normalizeModuleUrl } from "./module-url.ts";
import { taskSlot } from "./slot.ts";

/**
 * Ships a function as source text instead of finding it again by its module; returns it unchanged.
 *
 * The function must stand alone: in the worker it sees its parameters, the globals and `await import(…)`
 * (relative to the file that called `inline`), and no variable of its surroundings. Values it needs go in as
 * arguments. What it closes over cannot be checked here; the worker's ReferenceError says so.
 *
 * @param fn - an arrow function, function, method, async function or generator.
 * @throws TaskNotFoundError when its text cannot be evaluated elsewhere: built-in and bound functions, classes, methods with `super` or private names.
 * @example
 * await pool.map(inline((x: number) => x * x), [1, 2, 3]);
 * @since 0.1.0
 */
export function inline<F extends (...args: never[]) => unknown>(fn: F): F {
  checkFunction(fn, "fn");
  const { marked } = taskSlot();
  if (marked.get(fn)?.kind === "inline") return fn;
  const source = Function.prototype.toString.call(fn);
  const why = unfit(source);
  if (why !== undefined) {
    const name = fn.name === "" ? "This function" : `Function ${JSON.stringify(fn.name)}`;
    throw new TaskNotFoundError(
      `${name} cannot be shipped as text: ${why}. Export it from its module, or pass inline() a function that stands alone.`,
    );
  }
  marked.set(fn, { kind: "inline", name: fn.name, source, base: callerUrl(inline) });
  return fn;
}

function unfit(source: string): string | undefined {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source))
    return "it is built in or bound, and has no text";
  if (/^class\b/.test(source)) return "it is a class";
  if (/\/\/[#@]\s*sourceMappingURL=/.test(source))
    return "its text contains a sourceMappingURL comment";
  try {
    inlineFactory(source, undefined);
  } catch (error) {
    return `its text is no function by itself (${(error as Error).message})`;
  }
  return undefined;
}

/** The file that called `below`, or else the working directory; both as `file:` URLs. */
function callerUrl(below: Function): string {
  const url = normalizeModuleUrl(callerScript(below) ?? "");
  return url?.startsWith("file:") === true ? url : pathToFileURL(`${process.cwd()}/`).href;
}
