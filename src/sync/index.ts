export { Barrier, type BarrierOptions } from "./barrier.ts";
export { BoundedSemaphore } from "./bounded-semaphore.ts";
export { Condition } from "./condition.ts";
export { describeState, type ObjectState, type SeenHolder } from "./describe.ts";
export type { Ending, Joinable } from "./endings.ts";
export { Event, type EventOptions, type ResetMode } from "./event.ts";
export { Guard } from "./guard.ts";
export { Lock } from "./lock.ts";
export type { LockOptions } from "./mutex.ts";
export { openNamed, openOrMake } from "./open-named.ts";
export { RLock } from "./rlock.ts";
export { RWLock, type RWLockOptions } from "./rw-lock.ts";
export { Semaphore, type SemaphoreOptions } from "./semaphore.ts";
export {
  Arrival,
  openBody,
  optionsOf,
  revive,
  shareable,
  SyncObject,
  type Body,
  type SharedClass,
  type SharedOptions,
} from "./sync-object.ts";
export { waitAll, waitAllSync, type SyncWaitable } from "./wait-all.ts";
export { waitAny, waitAnySync, type WaitAnyResult } from "./wait-any.ts";
export {
  WaitableTimer,
  type TimerSetOptions,
  type WaitableTimerOptions,
} from "./waitable-timer.ts";
