import { type Meta, moduleOfMeta } from "./module-of-meta.ts";
import { taskSlot } from "./slot.ts";
import { badArgument, wrongType } from "../util/argument-error.ts";
import { checkFunction } from "../util/checks.ts";
import { isClass } from "./function-kind.ts";

/** The part of `import.meta` that `task()` needs; a CommonJS module passes `{ url: __filename }`. */
export interface ModuleMeta {
  readonly url: string;
}

/**
 * Makes a function findable that its module does not export, and returns it unchanged.
 *
 * The module and the order of its `task()` calls identify the function, so call it at the top level of
 * the module: a worker imports the module and makes the same calls. Registering a function twice keeps the
 * first registration.
 *
 * @param meta - the module's own `import.meta`; in CommonJS `{ url: __filename }`.
 * @param fn - the function.
 * @throws TypeError when an argument has the wrong type or the module has no file.
 * @example
 * const square = task(import.meta, (x: number) => x * x);
 * await pool.map(square, [1, 2, 3]);
 * @since 0.1.0
 */
export function task<F extends (...args: never[]) => unknown>(meta: ModuleMeta, fn: F): F {
  checkFunction(fn, "fn");
  if (isClass(fn)) {
    throw wrongType("fn", "a function", fn, "wrap its construction in a function");
  }
  if (typeof meta !== "object" || meta === null || Array.isArray(meta) || !isUrl(meta)) {
    throw wrongType("meta", "import.meta (in CommonJS: { url: __filename })", meta);
  }
  const slot = taskSlot();
  if (slot.marked.get(fn)?.kind === "registered") return fn;
  const module = moduleOfMeta(meta, task);
  if (module === undefined) {
    throw badArgument(
      `task() needs a module that has a file; ${meta.url} has none. Use inline() instead.`,
    );
  }
  const index = nextIndex(meta, module);
  const list = slot.registered.get(module) ?? [];
  slot.registered.set(module, list);
  list[index] = fn;
  slot.marked.set(fn, { kind: "registered", module, name: fn.name, index });
  return fn;
}

/** Bundlers that know of no URL make an empty object of `import.meta`. */
function isUrl({ url }: Meta): boolean {
  return typeof url === "string" || url === undefined;
}

/**
 * The position of this registration in its module. A second instance of the module (a reload, a query in
 * its URL) has an `import.meta` of its own and counts from 0 again, as the only instance in a worker will.
 * Loaders that rewrite `import.meta` into a fresh object at every mention can only be counted by URL.
 */
function nextIndex(meta: ModuleMeta, module: string): number {
  const slot = taskSlot();
  const isRealMeta = Object.getPrototypeOf(meta) === null;
  const index =
    slot.counts.get(meta) ?? (isRealMeta ? 0 : (slot.registered.get(module)?.length ?? 0));
  slot.counts.set(meta, index + 1);
  return index;
}
