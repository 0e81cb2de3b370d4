import { AbandonedError } from "../errors/index.ts";
import { KIND, type Kind } from "../memory/index.ts";
import {
  childContext,
  enterContext,
  park,
  parkSync,
  runIn,
  whileHeld,
  type Context,
  type Creation,
  type LocalCell,
  type ParkOptions,
} from "../parking/index.ts";
import { checkFunction } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { Acquirable, guardOf } from "./acquirable.ts";
import { describeObject } from "./describe.ts";
import { LOCK_CHECKS } from "./option-checks.ts";
import type { Ownership } from "./ownership.ts";
import {
  Arrival,
  keepUnreleased,
  openBody,
  optionsOf,
  releasable,
  type Body,
  type SharedOptions,
} from "./sync-object.ts";
import { waitable } from "./waitable.ts";

/** Options of locks. */
export interface LockOptions extends SharedOptions {
  /**
   * What taking a lock means whose holder died with it: `"report"` (default) takes it and sets
   * {@link Lock.abandoned}; `"throw"` takes it and throws {@link AbandonedError}.
   */
  readonly onAbandoned?: "report" | "throw";
  /** Whether a wait that closes a cycle of holders fails with {@link DeadlockError}; default: true. */
  readonly detectDeadlock?: boolean;
}

const AT_ONCE: WaitOptions = { timeout: 0 };

/** The words of a lock. @throws InvalidStateError when the handle is closed. */
export const ownershipOf: (lock: Mutex) => Ownership = openBody as never;

/** Base of Lock and RLock: what one task of one thread of one process holds at a time. */
export abstract class Mutex extends Acquirable {
  readonly #throwsAbandoned: boolean;
  readonly #detectDeadlock: boolean;

  /** @internal */
  protected constructor(
    kind: Kind,
    given: LockOptions | Arrival,
    bodyOf: (cell: LocalCell) => Body,
  ) {
    super(given instanceof Arrival ? given : creation(kind, given), bodyOf);
    const { onAbandoned, detectDeadlock } = optionsOf(given);
    this.#throwsAbandoned = onAbandoned === "throw";
    this.#detectDeadlock = detectDeadlock !== false;
  }

  /** Whether anyone holds it. */
  get locked(): boolean {
    return ownershipOf(this).owner !== 0;
  }

  /** Whether the holder before this one died with it; false unless this thread holds it. */
  get abandoned(): boolean {
    return ownershipOf(this).isAbandoned;
  }

  /** Takes the lock if it is free, or an RLock that the code which calls holds; never waits. */
  tryAcquire(): boolean {
    const ownership = ownershipOf(this);
    if (ownership.reenter("sync") || ownership.tryTake(undefined)) return true;
    return this.acquireSync(AT_ONCE);
  }

  /**
   * Takes the lock; an RLock that the code which calls holds is taken once more.
   *
   * **Waiting**: until another holder releases it or dies. **Cancellation**: safe.
   * @returns false when the time was up.
   * @throws DeadlockError; {@link AbandonedError} if that was asked for; `signal.reason`.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    try {
      checkWait(options);
      const ownership = ownershipOf(this);
      if (ownership.reenter("async", options)) return Promise.resolve(true);
      const context = enterContext();
      if (options === undefined && ownership.tryTake(context)) return Promise.resolve(true);
      return this.#take(ownership, context, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@link Mutex.acquire}, but the thread sleeps: its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    const ownership = ownershipOf(this);
    if (ownership.reenter("sync", options)) return true;
    if (options?.signal === undefined && ownership.tryTake(undefined)) return true;
    return this.#taken(ownership, parkSync(ownership.request(undefined), this.#bounds(options)));
  }

  /**
   * Releases the lock; one that waits for it goes on. An RLock is free when it was released as often as it was taken.
   * @throws InvalidStateError when this thread does not hold it.
   */
  release(): void {
    (releasable(this) as Ownership).release();
  }

  /**
   * Runs a function while holding the lock, and releases it when what the function returns has settled.
   * @throws TimeoutError when the time was up; what the function throws.
   */
  override run<T>(body: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    const context = childContext();
    return runIn(context, async () => {
      checkFunction(body, "body");
      checkWait(options);
      const ownership = ownershipOf(this);
      const isTaken =
        ownership.reenter("async", options) || (await this.#take(ownership, context, options));
      const guard = guardOf(this, ownership, isTaken, options);
      try {
        return await whileHeld(body);
      } finally {
        guard.release();
      }
    });
  }

  async #take(ownership: Ownership, context: Context, options?: WaitOptions): Promise<boolean> {
    if (options?.signal === undefined && ownership.tryTake(context)) return true;
    const bounds = { ...this.#bounds(options), context: context.parent };
    return this.#taken(ownership, await park(ownership.request(context), bounds));
  }

  /** What a wait has come to. */
  #taken(ownership: Ownership, value: true | undefined): boolean {
    if (value === undefined) return false;
    keepUnreleased(this, ownership);
    if (this.#throwsAbandoned && ownership.isAbandoned) {
      throw new AbandonedError(
        `The holder of ${describeObject(this)} died with it. This thread holds it now: check what it protects, then release it.`,
      );
    }
    return true;
  }

  #bounds(options: WaitOptions | undefined): ParkOptions {
    return {
      timeout: options?.timeout,
      signal: options?.signal,
      detectDeadlock: this.#detectDeadlock,
    };
  }

  static {
    waitable(Mutex, (lock) => {
      const ownership = ownershipOf(lock);
      return {
        request: (context) => ownership.jointRequest(context),
        taken: () => keepUnreleased(lock, ownership),
        giveBack: () => ownership.release(),
        isAbandoned: () => ownership.isAbandoned,
      };
    });
  }
}

const LOCK: OptionTable<LockOptions> = { of: "Lock", checks: LOCK_CHECKS };
const RLOCK: OptionTable<LockOptions> = { of: "RLock", checks: LOCK_CHECKS };

function creation(kind: Kind, options: LockOptions): Creation {
  checkOptions(options, kind === KIND.lock ? LOCK : RLOCK);
  return { kind, name: options.name, fill: () => {} };
}
