import { checkFunction } from "../util/checks.ts";

/** A value of which every JS thread has its own. */
export interface ThreadLocal<T> {
  value: T;
}

/**
 * Makes a value of which every JS thread has its own, made by `init` when it is first read there.
 *
 * Keep it in a module: each thread loads its own copy of the module, and with it its own value. For a
 * value per asynchronous context within one thread use Node's AsyncLocalStorage.
 *
 * @example
 * const buffer = threadLocal(() => new Uint8Array(65536));
 * export function hash(file: string) { return digest(file, buffer.value); }
 * @since 0.1.0
 */
export function threadLocal<T>(init: () => T): ThreadLocal<T> {
  checkFunction(init, "init");
  let made: { value: T } | undefined;
  return {
    get value(): T {
      made ??= { value: init() };
      return made.value;
    },
    set value(value: T) {
      made = { value };
    },
  };
}
