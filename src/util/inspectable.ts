import { inspect } from "node:util";

/**
 * Sets what `console.log` and `util.inspect` show for instances of a class.
 *
 * A function instead of a `[inspect.custom]()` method: declarations are emitted file by file, and a key
 * that is not a well-known symbol cannot be named in them.
 */
export function inspectAs<T extends object>(
  constructor: { readonly prototype: T },
  describe: (self: T) => string,
): void {
  Object.defineProperty(constructor.prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: T): string {
      return describe(this);
    },
  });
}
