import { globalSlot } from "./global-slot.ts";

const unmovable: WeakSet<object> = globalSlot("unmovable", () => new WeakSet());

/** Marks an ArrayBuffer that cannot be transferred, as its memory is not its own. */
export function markUnmovable(buffer: ArrayBuffer): void {
  unmovable.add(buffer);
}

/** True when an object was marked. */
export function isUnmovable(value: object): boolean {
  return unmovable.has(value);
}
