export type { ValueOf, ValueType } from "./cell-number.ts";
export type { LockChoice, LockOf, SharedLock } from "./companion-lock.ts";
export type { ElementOf, ElementType, TypedArrays } from "./element-types.ts";
export type { ShareableItem } from "./list-item.ts";
export { SharedArray, type SharedArrayOptions } from "./shared-array.ts";
export { SharedMemory, type SegmentOptions, type SharedMemoryOptions } from "./shared-memory.ts";
export { ShareableList } from "./shareable-list.ts";
export { SharedValue, type LockedOptions } from "./shared-value.ts";
