import type { SyncObject } from "./sync-object.ts";

/** What an error message calls an object: `Semaphore "pages"`, or `This semaphore`. */
export function describeObject(object: SyncObject): string {
  const kind = object.constructor.name;
  return object.name === undefined ? `This ${kind}` : `${kind} ${JSON.stringify(object.name)}`;
}
