import { wrongType } from "../util/argument-error.ts";
import { array } from "../util/checks.ts";
import { globalSlot } from "../util/global-slot.ts";

const lists: WeakMap<object, readonly unknown[]> = globalSlot("transfer", () => new WeakMap());

/**
 * Marks a task's result so that parts of it move to the caller instead of being copied; the task must not
 * use them any more. What the `transfer` option is for arguments, this is for results.
 *
 * @param value - what the task returns or yields.
 * @param list - the objects in it that move: ArrayBuffers, MessagePorts.
 * @returns `value` itself.
 * @example
 * export function render(scene: Scene): Uint8Array {
 *   const pixels = paint(scene);
 *   return transfer(pixels, [pixels.buffer]);
 * }
 */
export function transfer<T extends object>(value: T, list: readonly unknown[]): T {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  if (!isObject) throw wrongType("value", "an object", value);
  array(list, "list");
  lists.set(value, list);
  return value;
}

/** The objects that are moved with a value, if its task said so. */
export function transferListOf(value: unknown): readonly unknown[] | undefined {
  return typeof value === "object" && value !== null ? lists.get(value) : undefined;
}
