import type { Place } from "../memory/index.ts";
import type { Context } from "./context.ts";

/**
 * A cell as this thread sees it: one for all of the thread's handles of the object, since to other
 * participants the thread is one, whatever its tasks do.
 */
export class LocalCell implements Place {
  readonly index: number;
  readonly generation: number;
  readonly ints: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
  readonly base: number;
  /** Handles of this thread. */
  handles = 0;
  /** Waits of this thread; while there are some, its bit in `waiters` is set. */
  waits = 0;
  /** This thread holds it (locks). */
  isHeld = false;
  /** Which hold of this thread this is, of those there have been: to tell one from the next. */
  hold = 0;
  holds = 0;
  /** Whose hold it is; undefined is the whole thread. */
  context: Context | undefined;
  /** It was just taken over from a dead holder. */
  isStolen = false;
  /** This thread has asked to be handed it. */
  isStarving = false;
  /** The holder before this thread died with it. */
  isAbandoned = false;
  /** Shared holds of this thread (readers of an RWLock, arrived parties of a Barrier). */
  members = 0;
  /** How often this thread has taken it (RLock); 1 while it is not re-entered. */
  depth = 0;
  /** Where code was that took it for the whole thread (RLock). */
  origin: Context | undefined;
  /** Waits of this thread for the writer's side (RWLock). */
  writers = 0;
  /** Slots to ring once this thread has let go of it (locks): those that a condition has notified. */
  toRing: Set<number> | undefined;
  /** Whether something of this thread is in it although no handle, wait or hold is left (bounded permits). */
  isNeeded: (() => boolean) | undefined;
  /** Called right before this thread lets go of it: until then what it stands for stays mapped. */
  beforeEnd: (() => void) | undefined;
  /** What must not be collected before it: the lock of a condition. */
  keeps: object | undefined;

  constructor(index: number, generation: number, place: Place) {
    this.index = index;
    this.generation = generation;
    this.ints = place.ints;
    this.floats = place.floats;
    this.bytes = place.bytes;
    this.base = place.base;
  }
}
