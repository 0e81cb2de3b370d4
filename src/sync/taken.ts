import { AbandonedError, TimeoutError } from "../errors/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { describeObject } from "./describe-object.ts";
import { Guard } from "./guard.ts";
import { describeOwner } from "./owner-text.ts";
import type { Ownership } from "./ownership.ts";
import type { SyncObject } from "./sync-object.ts";

/** A lock as its holder has it. */
interface Held extends SyncObject {
  release(): void;
}

/**
 * What taking a lock has come to.
 * @param throwsAbandoned - the option `onAbandoned: "throw"`.
 * @throws AbandonedError when the lock was taken over from the dead, if that was asked for.
 */
export function checkTaken(
  lock: SyncObject,
  ownership: Ownership,
  isTaken: boolean,
  throwsAbandoned: boolean,
): boolean {
  if (isTaken && throwsAbandoned && ownership.cell.isAbandoned) {
    throw new AbandonedError(
      `The holder of ${describeObject(lock)} died with it. This thread holds it now: check what it protects, then release it.`,
    );
  }
  return isTaken;
}

/** @throws TimeoutError when the lock was not taken. */
export function guardTaken(
  lock: Held,
  ownership: Ownership,
  isTaken: boolean,
  options: WaitOptions | undefined,
): Guard {
  if (!isTaken) {
    throw new TimeoutError(
      `${describeObject(lock)} was not free within ${options?.timeout ?? 0} ms; it is held by ${describeOwner(ownership)}.`,
    );
  }
  return new Guard(() => lock.release(), ownership.cell.isAbandoned);
}
