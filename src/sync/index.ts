export { Guard } from "./guard.ts";
export { Lock, type LockOptions } from "./lock.ts";
export type { SharedOptions } from "./sync-object.ts";
