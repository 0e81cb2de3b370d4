import type { TaskIdentity } from "./identity.ts";

/** State of which there is one per process and thread even when two copies of this package are loaded. */
export interface TaskSlot {
  /** Functions that carry their own identity: `task()` and `inline()`. */
  readonly marked: WeakMap<object, TaskIdentity>;
  /** Functions registered by `task()`, per module URL, in the order of the calls. */
  readonly registered: Map<string, Function[]>;
  /** Number of registrations that each module instance has made, by its `import.meta`. */
  readonly counts: WeakMap<object, number>;
  /** True in processes and threads that this package started. */
  isWorker: boolean;
}

const SLOT = Symbol.for("manycore.task");

/** Reads the slot of this process or thread, making it on first use. */
export function taskSlot(): TaskSlot {
  const holder = globalThis as { [SLOT]?: TaskSlot };
  const present = holder[SLOT];
  if (present !== undefined) return present;
  const slot: TaskSlot = {
    marked: new WeakMap(),
    registered: new Map(),
    counts: new WeakMap(),
    isWorker: false,
  };
  Object.defineProperty(holder, SLOT, { value: slot });
  return slot;
}
