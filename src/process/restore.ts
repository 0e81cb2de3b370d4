import type { Work } from "./handle-options.ts";

/** Set on the base classes themselves: where the child's way up from a subclass ends. */
export const HANDLE: unique symbol = Symbol.for("manycore.handle") as never;
/** Present in the options with which a child makes the object again. */
const RESTORE: unique symbol = Symbol.for("manycore.restore") as never;

/** Fields of the handle when it is made again inside the child. */
export interface Restored {
  readonly name: string;
  readonly daemon: boolean;
  readonly work: Work | undefined;
}

/** Reads the mark that {@link restoreHandle} puts into the options. */
export function restoredFrom(options: object): Restored | undefined {
  return (options as { [RESTORE]?: Restored } | null)?.[RESTORE];
}

/**
 * Makes the object of `start()` again, in the child: as an instance of its class with its own fields,
 * without running the subclass's constructor, which may do what only the starter should.
 *
 * The base class is looked up from the subclass: its module may have loaded another copy of this package.
 *
 * @returns undefined when `subclass` does not extend one of the base classes.
 */
export function restoreHandle(
  subclass: Function,
  restored: Restored,
  fields: object | undefined,
): { run(): unknown } | undefined {
  let base: unknown = subclass;
  while (typeof base === "function" && !Object.hasOwn(base, HANDLE))
    base = Object.getPrototypeOf(base);
  if (typeof base !== "function") return undefined;
  const handle = Reflect.construct(base, [{ [RESTORE]: restored }], subclass) as { run(): unknown };
  for (const [key, value] of Object.entries(fields ?? {})) {
    // Not by assignment: a setter of the class must not run, and `__proto__` is a field like others.
    Object.defineProperty(handle, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return handle;
}
