import { CELL } from "../memory/index.ts";

const FIRST: number = CELL.members;

/** Words of the cell of a SharedValue, SharedArray or ShareableList. Part of the ABI. */
export const FIELD: {
  /** The value itself, 8 bytes. */
  readonly value: number;
  /** Code of the element type. */
  readonly type: number;
  /** 1 when there is a lock. */
  readonly isLocked: number;
  /** Cell of the lock: index + 1. */
  readonly lock: number;
  readonly lockGeneration: number;
  /** f64: elements of an array. */
  readonly length: number;
} = {
  value: FIRST,
  type: FIRST + 2,
  isLocked: FIRST + 3,
  lock: FIRST + 4,
  lockGeneration: FIRST + 5,
  length: FIRST + 6,
};
