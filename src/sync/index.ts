export { describeState, type ObjectState, type SeenHolder } from "./describe-state.ts";
export { Guard } from "./guard.ts";
export { Lock, type LockOptions } from "./lock.ts";
export type { SharedOptions } from "./sync-object.ts";
