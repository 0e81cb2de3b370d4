import { pathToFileURL } from "node:url";
import { isAbsolute } from "node:path";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import { normalizeModuleUrl } from "./module-url.ts";
import type { AnyTaskRef, TaskRef } from "./types.ts";

/** Typed references to the functions that module `M` exports. */
export type TaskRefs<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? TaskRef<A, Awaited<R>>
    : never;
};

/** Marks references, so that the codec knows them even when another copy of the package made them. */
const TASK_REF = Symbol.for("manycore.taskRef");

/**
 * Refers to the exports of a module without loading it here.
 *
 * That an export exists is checked by the compiler, and by the worker when it imports the module.
 *
 * @param module - the module's URL: `new URL("./x.ts", import.meta.url)`, `import.meta.resolve("package")`, or an absolute path.
 * @returns an object with one reference per exported function.
 * @throws TypeError when `module` is relative.
 * @example
 * const work = tasks<typeof import("./work.ts")>(new URL("./work.ts", import.meta.url));
 * await pool.map(work.square, [1, 2, 3]);
 * @since 0.1.0
 */
export function tasks<M>(module: URL | string): TaskRefs<M> {
  const url = moduleUrl(module);
  const made = new Map<string, AnyTaskRef>();
  const proxy = new Proxy(Object.create(null) as object, {
    get(_target, name): AnyTaskRef | undefined {
      // `then` keeps an awaited proxy from being taken for a promise.
      if (typeof name !== "string" || name === "then") return undefined;
      let ref = made.get(name);
      if (ref === undefined) {
        ref = Object.freeze(
          Object.defineProperty({ module: url, name }, TASK_REF, { value: true }),
        );
        made.set(name, ref);
      }
      return ref;
    },
    set: () => false,
  });
  return proxy as TaskRefs<M>;
}

/** Tells whether `value` names a module's export: made by {@link tasks}, decoded from the wire, or written by hand. */
export function isTaskRef(value: unknown): value is AnyTaskRef {
  if (typeof value !== "object" || value === null) return false;
  const ref = value as Partial<AnyTaskRef>;
  return typeof ref.module === "string" && typeof ref.name === "string";
}

function moduleUrl(module: URL | string): string {
  if (typeof module !== "string" && typeof (module as URL | null)?.href !== "string") {
    throw wrongType("module", "a URL or an absolute path", module);
  }
  const text = String(module);
  const url = isAbsolute(text) ? pathToFileURL(text).href : text;
  if (!/^(?:file|node|data):/.test(url)) {
    throw outOfRange(
      "module",
      "an absolute URL or path",
      text,
      `write tasks(new URL(${JSON.stringify(text)}, import.meta.url)), or import.meta.resolve() for a package`,
    );
  }
  return normalizeModuleUrl(url) ?? url;
}
