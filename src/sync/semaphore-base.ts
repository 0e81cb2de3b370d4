import { park, parkSync } from "../parking/index.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { Acquirable } from "./acquirable.ts";
import { describeObject } from "./describe.ts";
import { giveBack, type PermitBody } from "./permit-body.ts";
import { undetected } from "./permit-options.ts";
import { keepUnreleased, openBody } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

/** The permits behind a handle. @throws InvalidStateError when the handle is closed. */
export const permitsOf: (semaphore: SemaphoreBase) => PermitBody = openBody as never;

/** Base of the semaphores: what has permits that are taken and given back. */
export abstract class SemaphoreBase extends Acquirable {
  /** The permits that can be had now; a moment later it may be another number. */
  get value(): number {
    return permitsOf(this).free;
  }

  /** Takes a permit if there is one; never waits. */
  tryAcquire(): boolean {
    const permits = permitsOf(this);
    if (permits.take() === true) return true;
    return permits.recover?.() === true && permits.take() === true;
  }

  /**
   * Takes a permit.
   *
   * **Waiting**: until there is one. **Cancellation**: safe.
   * @returns false when the time was up.
   * @throws `signal.reason`.
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    const permits = permitsOf(this);
    const isTaken = (await park(permits.request(), undetected(options))) === true;
    if (isTaken) keepUnreleased(this, permits);
    return isTaken;
  }

  /** Takes a permit as `acquire()` does; the thread sleeps, and its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    const permits = permitsOf(this);
    if (options?.signal === undefined && permits.take() === true) return true;
    return parkSync(permits.request(), undetected(options)) === true;
  }

  static {
    waitable(SemaphoreBase, (semaphore) => {
      const permits = permitsOf(semaphore);
      return {
        request: () => permits.request(),
        taken: () => keepUnreleased(semaphore, permits),
        giveBack: () => giveBack(permits, 1, () => describeObject(semaphore)),
      };
    });
  }
}
