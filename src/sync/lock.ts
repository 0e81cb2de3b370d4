import { KIND } from "../memory/index.ts";
import {
  childContext,
  enterContext,
  park,
  parkSync,
  runIn,
  whileHeld,
  type Context,
  type ParkOptions,
  type Wish,
} from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { checkFunction } from "../util/checks.ts";
import { LOCK_CHECKS } from "./option-checks.ts";
import type { Guard } from "./guard.ts";
import { describeOwner } from "./owner-text.ts";
import { Ownership } from "./ownership.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { checkTaken, guardTaken } from "./taken.ts";
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
const LOCK: OptionTable<LockOptions> = { of: "Lock", checks: LOCK_CHECKS };

/**
 * A lock that one task of one thread of one process holds at a time.
 *
 * When its holder dies, in any way, the next one gets it, and learns of it by {@link Lock.abandoned}. Whoever
 * comes first is served, but a wait of a few milliseconds is served before all newcomers. It is
 * not re-entrant: see {@link RLock}. A lock that is waited for keeps the program open, one that is
 * held does not.
 *
 * @example
 * const lock = new Lock({ name: "report" });
 * await lock.run(async () => {
 *   // one at a time, among all programs of this user
 * });
 * @since 0.2.0
 */
export class Lock extends SyncObject {
  readonly #ownership: Ownership;
  readonly #throwsAbandoned: boolean;
  readonly #detectDeadlock: boolean;

  constructor(options?: LockOptions);
  /** @internal */
  constructor(options: LockOptions | Arrival = {}) {
    super(
      options instanceof Arrival
        ? options
        : { kind: KIND.lock, name: checked(options).name, fill: () => {} },
    );
    this.#ownership = new Ownership(this.cell);
    this.#throwsAbandoned = !(options instanceof Arrival) && options.onAbandoned === "throw";
    this.#detectDeadlock = options instanceof Arrival || options.detectDeadlock !== false;
  }

  /** Whether anyone holds it. */
  get locked(): boolean {
    return this.#open.owner !== 0;
  }

  /** Whether the holder before this one died with it; false unless this thread holds it. */
  get abandoned(): boolean {
    return this.cell.isHeld && this.cell.isAbandoned;
  }

  /** Takes the lock if it is free; never waits. */
  tryAcquire(): boolean {
    return this.#open.tryTake(undefined) || this.acquireSync(AT_ONCE);
  }

  /**
   * Takes the lock.
   *
   * **Waiting**: until the holder releases it or dies. **Cancellation**: safe.
   * @returns false when the time was up.
   * @throws DeadlockError; {@link AbandonedError} if that was asked for; `signal.reason`.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    return this.#acquire(enterContext(), options);
  }

  /** As {@link Lock.acquire}, but the thread sleeps: its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    const ownership = this.#open;
    if (options?.signal === undefined && ownership.tryTake(undefined)) return true;
    const isTaken = parkSync(ownership.wish(undefined), this.#bounds(options));
    return this.#checked(isTaken === true);
  }

  /**
   * Releases the lock; one that waits for it goes on.
   * @throws InvalidStateError when this thread does not hold it.
   */
  release(): void {
    this.#ownership.release();
  }

  /**
   * Takes the lock for as long as the guard lasts.
   * @throws TimeoutError when the time was up.
   */
  async hold(options?: WaitOptions): Promise<Guard> {
    const isTaken = await this.acquire(options);
    return this.#guard(isTaken, options);
  }

  /** As {@link Lock.hold}; the thread sleeps. */
  holdSync(options?: WaitOptions): Guard {
    return this.#guard(this.acquireSync(options), options);
  }

  /**
   * Runs a function while holding the lock, and releases it when what the function returns has settled.
   * @throws TimeoutError when the time was up; what the function throws.
   */
  run<T>(body: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    const context = childContext();
    return runIn(context, async () => {
      checkFunction(body, "body");
      const guard = this.#guard(await this.#acquire(context, options), options);
      try {
        return await whileHeld(body);
      } finally {
        guard.release();
      }
    });
  }

  async #acquire(context: Context, options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    const ownership = this.#open;
    if (options?.signal === undefined && ownership.tryTake(context)) return true;
    const bounds = { ...this.#bounds(options), context: context.parent };
    return this.#checked((await park(ownership.wish(context), bounds)) === true);
  }

  #wish(context: Context | undefined): Wish<true> {
    return this.#open.wish(context);
  }

  /** The word of the lock, as long as this handle is open: afterwards the cell may be another object's. */
  get #open(): Ownership {
    return (this.cell, this.#ownership);
  }

  #bounds(options: WaitOptions | undefined): ParkOptions {
    return {
      timeout: options?.timeout,
      signal: options?.signal,
      detectDeadlock: this.#detectDeadlock,
    };
  }

  #checked(isTaken: boolean): boolean {
    return checkTaken(this, this.#ownership, isTaken, this.#throwsAbandoned);
  }

  #guard(isTaken: boolean, options: WaitOptions | undefined): Guard {
    return guardTaken(this, this.#ownership, isTaken, options);
  }

  static #describe(lock: Lock): string {
    return lock.isClosed ? "Lock { closed }" : `Lock { ${describeOwner(lock.#ownership)} }`;
  }

  static {
    shareable(
      Lock,
      KIND.lock,
      (arrival) => new Lock(arrival as LockOptions),
      (lock) => Lock.#describe(lock),
    );
    waitable(Lock, {
      wish: (lock, context) => lock.#wish(context),
      giveBack: (lock) => lock.release(),
      isAbandoned: (lock) => lock.words.isAbandoned,
    });
  }
}

function checked(options: LockOptions): LockOptions {
  checkOptions(options, LOCK);
  return options;
}
