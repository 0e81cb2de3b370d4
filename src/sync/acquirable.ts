import { TimeoutError } from "../errors/index.ts";
import { checkFunction } from "../util/checks.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { describeObject } from "./describe.ts";
import type { Guard } from "./guard.ts";
import { openBody, SyncObject, type Body } from "./sync-object.ts";

/** The object behind a handle that takes it and gives it back. */
export interface AcquirableBody extends Body {
  /** The guard of what was just taken: it gives that back whatever becomes of the handle. */
  guard(describe: () => string): Guard;
  /** Why it could not be had, as the end of a sentence that begins with its name. */
  missed(ms: number): string;
}

/** Gives the guard of what was taken. @throws TimeoutError when nothing was. */
export function guardOf(
  object: Acquirable,
  body: AcquirableBody,
  isTaken: boolean,
  options: WaitOptions | undefined,
): Guard {
  if (isTaken) return body.guard(() => describeObject(object));
  throw new TimeoutError(`${describeObject(object)} ${body.missed(options?.timeout ?? 0)}.`);
}

/** Base of what is taken and given back: locks and semaphores. */
export abstract class Acquirable extends SyncObject {
  /** Takes it if it can be had at once; never waits. */
  abstract tryAcquire(): boolean;

  /**
   * Takes it.
   *
   * **Waiting**: until it can be had. **Cancellation**: safe.
   * @returns false when the time was up.
   */
  abstract acquire(options?: WaitOptions): Promise<boolean>;

  /** Takes it as `acquire()` does; the thread sleeps, and its event loop stands still meanwhile. */
  abstract acquireSync(options?: WaitOptions): boolean;

  /**
   * Takes it for as long as the guard lasts.
   * @throws TimeoutError when the time was up; what `acquire()` throws.
   */
  async hold(options?: WaitOptions): Promise<Guard> {
    const body = openBody(this) as AcquirableBody;
    return guardOf(this, body, await this.acquire(options), options);
  }

  /** Takes it as `hold()` does; the thread sleeps. */
  holdSync(options?: WaitOptions): Guard {
    const body = openBody(this) as AcquirableBody;
    return guardOf(this, body, this.acquireSync(options), options);
  }

  /**
   * Runs a function while holding it, and gives it back when what the function returns has settled.
   * @throws TimeoutError when the time was up; what `acquire()` and the function throw.
   */
  async run<T>(body: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    checkFunction(body, "body");
    const guard = await this.hold(options);
    try {
      return await body();
    } finally {
      guard.release();
    }
  }
}
