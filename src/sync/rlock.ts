import { CELL, KIND } from "../memory/index.ts";
import {
  childContext,
  currentContext,
  enterContext,
  isWithin,
  park,
  parkSync,
  runIn,
  whileHeld,
  type Context,
  type ParkOptions,
  type Wish,
} from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, waitFault, type WaitOptions } from "../util/wait-options.ts";
import { checkFunction } from "../util/checks.ts";
import { LOCK_CHECKS } from "./option-checks.ts";
import type { Guard } from "./guard.ts";
import type { LockOptions } from "./lock.ts";
import { describeOwner } from "./owner-text.ts";
import { Ownership } from "./ownership.ts";
import { Arrival, shareable, SyncObject } from "./sync-object.ts";
import { checkTaken, guardTaken } from "./taken.ts";
import { waitable } from "./waitable.ts";

const RLOCK: OptionTable<LockOptions> = { of: "RLock", checks: LOCK_CHECKS };

/** How code takes an RLock: for its thread, or for its async context. */
type Manner = "sync" | "async";

/** Releases a lock whatever its depth, for a Condition that waits; gives the depth for {@link restoreDepth}. */
export let releaseFully: (lock: RLock) => number;

/** Makes a lock that was just taken as deep as it was before {@link releaseFully}. */
export let restoreDepth: (lock: RLock, depth: number) => void;

/**
 * A lock that its holder may take again: it is free when it was released as often as it was taken.
 *
 * Who counts as the holder depends on how it was taken:
 * - with `acquire`, `hold` or `run`: the task, that is the code after it and all that code calls or starts,
 *   synchronously or not. Other tasks of the same thread wait. A task that a function takes it in goes on after
 *   that function only if nothing was awaited before; to be safe, use `run`.
 * - with `acquireSync`, `tryAcquire` or `holdSync`: the thread for further synchronous calls, and for
 *   asynchronous ones the code that is in no other task than the one that took it. Two tasks that hold no
 *   lock look the same here, so do not keep it across an `await`: take it with `run` for that.
 *
 * Everything else is as with {@link Lock}: abandonment, fairness, deadlocks.
 *
 * @example
 * const lock = new RLock();
 * const add = (n: number) => lock.run(() => write(n));
 * await lock.run(async () => {
 *   await add(1); // would wait for ever with a Lock
 * });
 * @since 0.2.0
 */
export class RLock extends SyncObject {
  readonly #ownership: Ownership;
  readonly #throwsAbandoned: boolean;
  readonly #detectDeadlock: boolean;

  constructor(options?: LockOptions);
  /** @internal */
  constructor(options: LockOptions | Arrival = {}) {
    super(
      options instanceof Arrival
        ? options
        : { kind: KIND.rlock, name: checked(options).name, fill: () => {} },
    );
    this.#ownership = new Ownership(this.cell);
    this.#throwsAbandoned = !(options instanceof Arrival) && options.onAbandoned === "throw";
    this.#detectDeadlock = options instanceof Arrival || options.detectDeadlock !== false;
  }

  /** Whether anyone holds it. */
  get locked(): boolean {
    return (this.cell, this.#ownership.owner !== 0);
  }

  /** Whether the holder before this one died with it; false unless this thread holds it. */
  get abandoned(): boolean {
    return this.cell.isHeld && this.cell.isAbandoned;
  }

  /** Takes the lock if it is free or held by the code that calls; never waits. */
  tryAcquire(): boolean {
    return this.acquireSync({ timeout: 0 });
  }

  /**
   * Takes the lock, or takes it once more.
   *
   * **Waiting**: until another holder releases it or dies. **Cancellation**: safe.
   * @returns false when the time was up.
   * @throws DeadlockError; {@link AbandonedError} if that was asked for; `signal.reason`.
   */
  acquire(options?: WaitOptions): Promise<boolean> {
    const fault = waitFault(options);
    if (fault !== undefined) return Promise.reject(fault);
    try {
      if (this.#reenter("async", options)) return Promise.resolve(true);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#acquire(enterContext(), options);
  }

  /** As {@link RLock.acquire}, but the thread sleeps: its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    if (this.#reenter("sync", options)) return true;
    if (options?.signal === undefined && this.#tryTake(undefined)) return true;
    const isTaken = parkSync(this.#wish(undefined), this.#bounds(options));
    return this.#checked(isTaken === true);
  }

  /**
   * Releases the lock once; when that was the last time, one that waits for it goes on.
   * @throws InvalidStateError when this thread does not hold it.
   */
  release(): void {
    const { cell } = this.#ownership;
    if (cell.isHeld && cell.depth > 1) {
      this.#setDepth(cell.depth - 1);
      return;
    }
    if (cell.isHeld) this.#setDepth(0);
    this.#ownership.release();
  }

  /**
   * Takes the lock for as long as the guard lasts.
   * @throws TimeoutError when the time was up.
   */
  async hold(options?: WaitOptions): Promise<Guard> {
    return this.#guard(await this.acquire(options), options);
  }

  /** As {@link RLock.hold}; the thread sleeps. */
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
      checkWait(options);
      const isTaken = this.#reenter("async", options) || (await this.#acquire(context, options));
      const guard = this.#guard(isTaken, options);
      try {
        return await whileHeld(body);
      } finally {
        guard.release();
      }
    });
  }

  async #acquire(context: Context, options?: WaitOptions): Promise<boolean> {
    if (options?.signal === undefined && this.#tryTake(context)) return true;
    const bounds = { ...this.#bounds(options), context: context.parent };
    return this.#checked((await park(this.#wish(context), bounds)) === true);
  }

  /** Takes it once more, if the code that calls holds it. */
  #reenter(manner: Manner, options: WaitOptions | undefined): boolean {
    const { cell } = this;
    if (!cell.isHeld || cell.depth === 0 || !isHolder(cell.context, cell.origin, manner))
      return false;
    if (options?.signal?.aborted === true) return false;
    this.#setDepth(cell.depth + 1);
    return true;
  }

  #tryTake(context: Context | undefined): boolean {
    const { cell } = this;
    if (!this.#ownership.tryTake(context)) return false;
    cell.origin = context === undefined ? currentContext() : undefined;
    this.#setDepth(1);
    return true;
  }

  #wish(context: Context | undefined): Wish<true> {
    const wish = this.#ownership.wish(context);
    const origin = context === undefined ? currentContext() : undefined;
    const { cell } = this;
    return {
      ...wish,
      attempt: () => {
        if (wish.attempt() === undefined) return undefined;
        cell.origin = origin;
        this.#setDepth(1);
        return true;
      },
    };
  }

  /** As part of a wait for several objects: the code that holds it may take it again. */
  #jointWish(context: Context | undefined): Wish<true> {
    const wish = this.#wish(context);
    const { cell } = this;
    const isOurs =
      cell.isHeld && isHolder(cell.context, cell.origin, context === undefined ? "sync" : "async");
    if (!isOurs) return wish;
    return {
      ...wish,
      attempt: () => {
        if (cell.isHeld) this.#setDepth(cell.depth + 1);
        return cell.isHeld ? true : wish.attempt();
      },
    };
  }

  /** The shared copy is for those who look on. */
  #setDepth(depth: number): void {
    const { cell } = this.#ownership;
    cell.depth = depth;
    Atomics.store(cell.ints, cell.base + CELL.aux, depth);
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

  static {
    releaseFully = (lock) => {
      const { cell } = lock;
      const { depth } = cell;
      if (cell.isHeld) lock.#setDepth(0);
      lock.#ownership.release();
      return depth;
    };
    restoreDepth = (lock, depth) => lock.#setDepth(depth);
    waitable(RLock, {
      wish: (lock, context) => lock.#jointWish(context),
      giveBack: (lock) => lock.release(),
      isAbandoned: (lock) => lock.words.isAbandoned,
    });
    shareable(
      RLock,
      KIND.rlock,
      (arrival) => new RLock(arrival as LockOptions),
      (lock) => {
        if (lock.isClosed) return "RLock { closed }";
        const depth = Atomics.load(lock.cell.ints, lock.cell.base + CELL.aux);
        const times = depth > 1 ? `, ${depth} times` : "";
        return `RLock { ${describeOwner(lock.#ownership)}${times} }`;
      },
    );
  }
}

/** Whether the code that calls is the holder, given whose hold it is and where it was taken. */
function isHolder(
  holder: Context | undefined,
  origin: Context | undefined,
  manner: Manner,
): boolean {
  const current = currentContext();
  if (holder !== undefined) return isWithin(current, holder);
  if (manner === "sync") return true;
  return origin === undefined ? current === undefined : isWithin(current, origin);
}

function checked(options: LockOptions): LockOptions {
  checkOptions(options, RLOCK);
  return options;
}
