import { InvalidStateError } from "../errors/index.ts";
import { CELL, KIND, type Place } from "../memory/index.ts";
import {
  closeCell,
  currentContext,
  park,
  parkSync,
  type Context,
  type Handle,
  type LocalCell,
  type Wish,
} from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { inspectAs } from "../util/inspectable.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { wrongType } from "../util/argument-error.ts";
import { checkFunction, integer } from "../util/checks.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { registerOwnClass } from "../wire/class-registry.ts";
import { countdown } from "./countdown.ts";
import type { Guard } from "./guard.ts";
import { Lock } from "./lock.ts";
import { releaseFully, restoreDepth, RLock } from "./rlock.ts";
import { Arrival, SyncObject, type SharedOptions } from "./sync-object.ts";
import { protocolOf } from "./waitable.ts";
import { WaitingList, type Seat } from "./waiting-list.ts";

/** Which lock a condition belongs to: the index of its cell + 1, and its generation. */
const LOCK_INDEX = CELL.number;
const LOCK_GENERATION = CELL.number + 1;

/** One per thread and condition, whatever handles there are. */
const lists = new WeakMap<LocalCell, WaitingList>();

const CONDITION: OptionTable<SharedOptions> = { of: "Condition", checks: SHARED_CHECKS };

/** How many are to be notified. */
const notifyCount = integer(0, Infinity);

/** A wait that has let go of the lock. */
interface Suspended {
  readonly seat: Seat;
  /** Of an RLock: how often it was taken, and where. */
  readonly depth: number;
  readonly origin: Context | undefined;
  /** To be notified. */
  readonly notice: Wish<true>;
  /** To have the lock again, as part of the hold there was. */
  readonly reacquire: Wish<{}>;
  /** What the code that waits holds besides. */
  readonly context: Context | undefined;
}

/**
 * A lock, and a place to wait until somebody who held it has changed something.
 *
 * Who waits lets go of the lock meanwhile and has it again afterwards, in any case. Who notifies must hold
 * it; those notified go on, one after the other, once it lets go. Those who wait longest come first,
 * and a notification is not spent on the dead. Nothing is remembered: with nobody
 * waiting, a notification does nothing. So state what is waited for as a predicate, see {@link Condition.waitFor}.
 *
 * @example
 * const filled = new Condition();
 * // the consumer
 * await filled.run(async () => {
 *   await filled.waitFor(() => items.length > 0);
 *   consume(items.pop());
 * });
 * // the producer
 * await filled.run(() => {
 *   items.push(item);
 *   filled.notify();
 * });
 * @since 0.2.0
 */
export class Condition extends SyncObject {
  readonly #lock: Lock | RLock;
  readonly #ownsLock: boolean;
  /** The lock as this thread sees it. */
  readonly #held: LocalCell;
  readonly #list: WaitingList;
  /** Waits through this handle. */
  #waits = 0;

  /**
   * @param lock - the lock to be held; default: an RLock of its own, named after the condition if that
   *   has a name. Everybody who opens a named condition must give the same lock.
   */
  constructor(lock?: Lock | RLock, options?: SharedOptions);
  /** @internal */
  constructor(lock: Lock | RLock | undefined, options: SharedOptions | Arrival = {}) {
    if (!(options instanceof Arrival)) checkOptions(options, CONDITION);
    const mutex = lock === undefined ? new RLock(lockOptions(options)) : lock;
    const held = lockCell(mutex);
    const isOurs = (place: Place): boolean =>
      place.ints[place.base + LOCK_INDEX] === held.index + 1 &&
      place.ints[place.base + LOCK_GENERATION] === held.generation;
    super(
      options instanceof Arrival
        ? options
        : {
            kind: KIND.condition,
            name: options.name,
            fill: ({ ints, base }) => {
              ints[base + LOCK_INDEX] = held.index + 1;
              ints[base + LOCK_GENERATION] = held.generation;
            },
            check: (place) => {
              if (!isOurs(place)) throw anotherLock(options.name);
            },
          },
    );
    this.#lock = mutex;
    this.#ownsLock = lock === undefined;
    this.#held = held;
    // Garbage collection closes in any order; a condition without its lock could not be opened again.
    this.cell.keeps = mutex;
    this.#list = listOf(this.cell);
  }

  /** Whether anyone holds the lock. */
  get locked(): boolean {
    return this.#lock.locked;
  }

  /** Whether the holder of the lock before this one died with it; false unless this thread holds it. */
  get abandoned(): boolean {
    return this.#lock.abandoned;
  }

  /** Takes the lock if it is free; never waits. */
  tryAcquire(): boolean {
    return this.#lock.tryAcquire();
  }

  /** Takes the lock: see {@link Lock.acquire}. */
  acquire(options?: WaitOptions): Promise<boolean> {
    return this.#lock.acquire(options);
  }

  /** Takes the lock; the thread sleeps: see {@link Lock.acquireSync}. */
  acquireSync(options?: WaitOptions): boolean {
    return this.#lock.acquireSync(options);
  }

  /** Releases the lock: see {@link Lock.release}. */
  release(): void {
    this.#lock.release();
  }

  /** Takes the lock for as long as the guard lasts: see {@link Lock.hold}. */
  hold(options?: WaitOptions): Promise<Guard> {
    return this.#lock.hold(options);
  }

  /** As {@link Condition.hold}; the thread sleeps. */
  holdSync(options?: WaitOptions): Guard {
    return this.#lock.holdSync(options);
  }

  /** Runs a function while holding the lock: see {@link Lock.run}. */
  run<T>(body: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return this.#lock.run(body, options);
  }

  /**
   * Lets go of the lock, waits for a notification, takes the lock again.
   *
   * **Waiting**: for the notification as long as the options allow, then for the lock as long as it takes.
   * **Cancellation**: safe; the lock is held again before the promise rejects. A notification that came
   * before the lock was taken again counts: it is never lost to a timeout or an abort.
   * @returns whether it was notified; false when the time was up.
   * @throws InvalidStateError when this thread does not hold the lock; `signal.reason`.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    return this.#wait(this.cell, options);
  }

  async #wait(cell: LocalCell, options: WaitOptions | undefined): Promise<boolean> {
    const suspended = this.#suspend(cell);
    const { notice, reacquire, context } = suspended;
    let failure: { readonly reason: unknown } | undefined;
    try {
      await park(notice, { ...options, context });
    } catch (reason) {
      failure = { reason };
    }
    await park(reacquire, { context, detectDeadlock: false });
    return this.#resume(cell, suspended, failure);
  }

  /** As {@link Condition.wait}; the thread sleeps. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return this.#waitSync(this.cell, options);
  }

  #waitSync(cell: LocalCell, options: WaitOptions | undefined): boolean {
    const suspended = this.#suspend(cell);
    let failure: { readonly reason: unknown } | undefined;
    try {
      parkSync(suspended.notice, options);
    } catch (reason) {
      failure = { reason };
    }
    parkSync(suspended.reacquire, { detectDeadlock: false });
    return this.#resume(cell, suspended, failure);
  }

  /**
   * Waits until a predicate holds, which is asked at once and after each notification, with the lock held.
   *
   * **Waiting** and **cancellation**: as {@link Condition.wait}; the timeout is for all waits together.
   * @returns what the predicate returned last: something falsy when the time was up.
   * @throws what the predicate throws, with the lock held; and as {@link Condition.wait}.
   */
  async waitFor<T>(predicate: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    checkWait(options);
    checkFunction(predicate, "predicate");
    const { cell } = this;
    this.#checkHeld("waitFor");
    const left = countdown(options);
    for (;;) {
      const value = await predicate();
      if (value || left() <= 0) return value;
      await this.#wait(cell, { ...options, timeout: left() });
    }
  }

  /** As {@link Condition.waitFor}; the thread sleeps. */
  waitForSync<T>(predicate: () => T, options?: WaitOptions): T {
    checkWait(options);
    checkFunction(predicate, "predicate");
    const { cell } = this;
    this.#checkHeld("waitForSync");
    const left = countdown(options);
    for (;;) {
      const value = predicate();
      if (value || left() <= 0) return value;
      this.#waitSync(cell, { ...options, timeout: left() });
    }
  }

  /**
   * Lets those go on who wait longest, once this thread lets go of the lock. Never waits.
   * @param count - how many at most; default: 1.
   * @throws InvalidStateError when this thread does not hold the lock.
   */
  notify(count = 1): void {
    notifyCount(count, "count");
    void this.cell;
    this.#checkHeld("notify");
    const notified = this.#list.notify(count);
    if (notified.length === 0) return;
    // Rung now, they would wake only to wait for the lock.
    const toRing = (this.#held.toRing ??= new Set());
    for (const slot of notified) toRing.add(slot);
  }

  /** As {@link Condition.notify}, for all who wait now. */
  notifyAll(): void {
    this.notify(Infinity);
  }

  /** Gives this handle up, and the lock's if that is the condition's own; what waits through it goes on. */
  override close(): void {
    if (this.isClosed) return;
    super.close();
    // Who waits, or holds it, needs it to the end; then it is collected.
    if (this.#ownsLock && this.#waits === 0 && !this.#held.isHeld) this.#lock.close();
  }

  #suspend(cell: LocalCell): Suspended {
    this.#checkHeld("wait");
    const held = this.#held;
    const seat = this.#list.take();
    const { context: hold, origin } = held;
    // However the handles are closed meanwhile, the words stay where they are.
    cell.handles++;
    held.handles++;
    this.#waits++;
    const depth = this.#letGo();
    faultPoint("condition:waiting");
    return {
      seat,
      depth,
      origin,
      reacquire: wishOf(this.#lock, hold),
      context: currentContext(),
      notice: {
        cells: [cell],
        group: seat,
        attempt: () => (this.#list.isNotified(seat) ? true : undefined),
        arm: () => !this.#list.isNotified(seat),
        holder: () => 0,
        // Nobody else can be rung in its place: it is meant by its seat.
        suspend: () => {},
      },
    };
  }

  /** The lock is held again: as often as before, and by the same flow of work. */
  #resume(
    cell: LocalCell,
    { seat, depth, origin }: Suspended,
    failure: { readonly reason: unknown } | undefined,
  ): boolean {
    if (this.#lock instanceof RLock) {
      restoreDepth(this.#lock, depth);
      this.#held.origin = origin;
    }
    const isNotified = this.#list.isNotified(seat);
    this.#list.leave(seat);
    closeCell(cell);
    closeCell(this.#held);
    this.#waits--;
    if (failure !== undefined && !isNotified) throw failure.reason;
    return isNotified;
  }

  #letGo(): number {
    if (this.#lock instanceof RLock) return releaseFully(this.#lock);
    this.#lock.release();
    return 1;
  }

  #checkHeld(method: string): void {
    if (this.#held.isHeld) return;
    throw new InvalidStateError(
      `Hold the lock of a condition when you call ${method}(): inside run(), or between acquire() and release().`,
    );
  }

  static #describe(condition: Condition): string {
    if (condition.isClosed) return "Condition { closed }";
    const { size } = condition.#list;
    return `Condition { ${size} waiting, ${condition.locked ? "locked" : "not locked"} }`;
  }

  static {
    registerOwnClass(
      Condition,
      "manycore.Condition",
      (condition) => ({ ...SyncObject.handleOf(condition), lock: condition.#lock }),
      (data) => {
        const { lock, ...handle } = data as Handle & { lock: Lock | RLock };
        return new Condition(lock, new Arrival(handle, KIND.condition) as SharedOptions);
      },
    );
    inspectAs(Condition, (condition) => Condition.#describe(condition));
  }
}

function lockOptions(options: SharedOptions | Arrival): SharedOptions {
  if (options instanceof Arrival || options.name === undefined) return {};
  return { name: `${options.name}.lock` };
}

function lockCell(lock: Lock | RLock): LocalCell {
  if (!(lock instanceof Lock) && !(lock instanceof RLock)) {
    throw wrongType("lock", "a Lock or an RLock of this package", lock);
  }
  return wishOf(lock, undefined).cells[0]!;
}

function wishOf(lock: Lock | RLock, context: Context | undefined): Wish<{}> {
  return protocolOf(lock)!.wish(lock, context);
}

function listOf(cell: LocalCell): WaitingList {
  let list = lists.get(cell);
  if (list === undefined) {
    list = new WaitingList(cell);
    lists.set(cell, list);
  }
  return list;
}

function anotherLock(name: string | undefined): InvalidStateError {
  return new InvalidStateError(
    `The Condition ${JSON.stringify(name)} belongs to another lock: give the lock that it was made with.`,
  );
}
