/**
 * State that belongs to the JS thread rather than to one copy of this package.
 *
 * A program can load the package twice (two versions in `node_modules`, a TypeScript loader with its
 * own module cache); what both must agree on is kept on `globalThis` under a registered symbol.
 *
 * @param name - unique within the package.
 * @param make - called once for each JS thread.
 */
export function globalSlot<T>(name: string, make: () => T): T {
  const key = Symbol.for(`manycore.${name}`);
  const holder = globalThis as { [key: symbol]: unknown };
  holder[key] ??= make();
  return holder[key] as T;
}
