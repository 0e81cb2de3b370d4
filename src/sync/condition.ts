import { InvalidStateError } from "../errors/index.ts";
import { CELL, KIND } from "../memory/index.ts";
import {
  closeCell,
  currentContext,
  park,
  parkSync,
  type Context,
  type Creation,
  type Handle,
  type LocalCell,
  type WaitRequest,
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
import { ownershipOf } from "./mutex.ts";
import type { Ownership, SuspendedHold } from "./ownership.ts";
import { RLock } from "./rlock.ts";
import {
  Arrival,
  inspected,
  keepUnreleased,
  openBody,
  optionsOf,
  releasable,
  SyncObject,
  type Body,
  type SharedOptions,
} from "./sync-object.ts";
import { WaitingList, type Seat } from "./waiting-list.ts";

/** Which lock a condition belongs to: the index of its cell + 1, and its generation. */
const LOCK_INDEX = CELL.number;
const LOCK_GENERATION = CELL.number + 1;

/** One per thread and condition, whatever handles there are. */
const lists = new WeakMap<LocalCell, WaitingList>();

/** A condition, and its lock as this thread sees it. */
interface ConditionBody extends Body {
  readonly lock: Lock | RLock;
  readonly ownership: Ownership;
  readonly list: WaitingList;
}

const CONDITION: OptionTable<SharedOptions> = { of: "Condition", checks: SHARED_CHECKS };

/** How many are to be notified. */
const notifyCount = integer(0, Infinity);

/** A wait that has let go of the lock. */
interface Suspended {
  readonly seat: Seat;
  /** The hold there was. */
  readonly hold: SuspendedHold;
  /** To be notified. */
  readonly notice: WaitRequest<true>;
  /** To have the lock again, as part of the hold there was. */
  readonly reacquire: WaitRequest<true>;
  /** What the code that waits holds besides. */
  readonly context: Context | undefined;
}

const conditionOf: (condition: Condition) => ConditionBody = openBody as never;

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
  /**
   * @param lock - the lock to be held; default: an RLock of its own, named after the condition if that
   *   has a name. Everybody who opens a named condition must give the same lock.
   */
  constructor(lock?: Lock | RLock, options?: SharedOptions);
  /** @internal */
  constructor(given: Lock | RLock | undefined, options: SharedOptions | Arrival = {}) {
    if (!(options instanceof Arrival)) checkOptions(options, CONDITION);
    const lock = given === undefined ? new RLock(lockOptions(options)) : checkLock(given);
    const ownership = ownershipOf(lock);
    super(options instanceof Arrival ? options : creation(options, ownership.cell), (cell) => {
      // Garbage collection closes in any order; a condition without its lock could not be opened again.
      cell.keeps = lock;
      return {
        cell,
        lock,
        ownership,
        list: listOf(cell),
        unreleased: () => ownership.unreleased(),
        closing: () => {
          if (given === undefined) lock.close();
        },
      };
    });
  }

  /** Whether anyone holds the lock. */
  get locked(): boolean {
    return conditionOf(this).lock.locked;
  }

  /** Whether the holder of the lock before this one died with it; false unless this thread holds it. */
  get abandoned(): boolean {
    return conditionOf(this).lock.abandoned;
  }

  /** Takes the lock if it is free; never waits. */
  tryAcquire(): boolean {
    return conditionOf(this).lock.tryAcquire();
  }

  /** Takes the lock: see {@link Lock.acquire}. */
  async acquire(options?: WaitOptions): Promise<boolean> {
    const body = conditionOf(this);
    const isTaken = await body.lock.acquire(options);
    if (isTaken) keepUnreleased(this, body);
    return isTaken;
  }

  /** Takes the lock; the thread sleeps: see {@link Lock.acquireSync}. */
  acquireSync(options?: WaitOptions): boolean {
    return conditionOf(this).lock.acquireSync(options);
  }

  /** Releases the lock: see {@link Lock.release}. */
  release(): void {
    (releasable(this) as ConditionBody).ownership.release();
  }

  /** Takes the lock for as long as the guard lasts: see {@link Lock.hold}. */
  async hold(options?: WaitOptions): Promise<Guard> {
    return conditionOf(this).lock.hold(options);
  }

  /** As {@link Condition.hold}; the thread sleeps. */
  holdSync(options?: WaitOptions): Guard {
    return conditionOf(this).lock.holdSync(options);
  }

  /** Runs a function while holding the lock: see {@link Lock.run}. */
  async run<T>(body: () => T | Promise<T>, options?: WaitOptions): Promise<T> {
    return conditionOf(this).lock.run(body, options);
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
    return this.#wait(conditionOf(this), options);
  }

  async #wait(body: ConditionBody, options: WaitOptions | undefined): Promise<boolean> {
    const suspended = this.#suspend(checkHeld(body, "wait"));
    const { notice, reacquire, context } = suspended;
    let failure: { readonly reason: unknown } | undefined;
    try {
      await park(notice, { ...options, context });
    } catch (reason) {
      failure = { reason };
    }
    await park(reacquire, { context, detectDeadlock: false });
    return this.#resume(body, suspended, failure);
  }

  /** As {@link Condition.wait}; the thread sleeps. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return this.#waitSync(conditionOf(this), options);
  }

  #waitSync(body: ConditionBody, options: WaitOptions | undefined): boolean {
    const suspended = this.#suspend(checkHeld(body, "waitSync"));
    let failure: { readonly reason: unknown } | undefined;
    try {
      parkSync(suspended.notice, options);
    } catch (reason) {
      failure = { reason };
    }
    parkSync(suspended.reacquire, { detectDeadlock: false });
    return this.#resume(body, suspended, failure);
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
    const condition = checkHeld(conditionOf(this), "waitFor");
    const left = countdown(options);
    const { cell } = condition;
    // The handle may be closed meanwhile.
    cell.handles++;
    try {
      for (;;) {
        const value = await predicate();
        if (value || left() <= 0) return value;
        await this.#wait(condition, { ...options, timeout: left() });
      }
    } finally {
      closeCell(cell);
    }
  }

  /** As {@link Condition.waitFor}; the thread sleeps. */
  waitForSync<T>(predicate: () => T, options?: WaitOptions): T {
    checkWait(options);
    checkFunction(predicate, "predicate");
    const condition = checkHeld(conditionOf(this), "waitForSync");
    const left = countdown(options);
    const { cell } = condition;
    cell.handles++;
    try {
      for (;;) {
        const value = predicate();
        if (value || left() <= 0) return value;
        this.#waitSync(condition, { ...options, timeout: left() });
      }
    } finally {
      closeCell(cell);
    }
  }

  /**
   * Lets those go on who wait longest, once this thread lets go of the lock. Never waits.
   * @param count - how many at most; default: 1.
   * @throws InvalidStateError when this thread does not hold the lock.
   */
  notify(count = 1): void {
    notifyCount(count, "count");
    const { list, ownership } = checkHeld(conditionOf(this), "notify");
    const notified = list.notify(count);
    if (notified.length === 0) return;
    // Rung now, they would wake only to wait for the lock.
    const toRing = (ownership.cell.toRing ??= new Set());
    for (const slot of notified) toRing.add(slot);
  }

  /** As {@link Condition.notify}, for all who wait now. */
  notifyAll(): void {
    this.notify(Infinity);
  }

  #suspend({ cell, ownership, list }: ConditionBody): Suspended {
    const seat = list.take();
    // However the handles are closed meanwhile, the words stay where they are.
    cell.handles++;
    ownership.cell.handles++;
    const hold = ownership.suspendHold();
    faultPoint("condition:waiting");
    return {
      seat,
      hold,
      reacquire: ownership.request(hold.context),
      context: currentContext(),
      notice: {
        cells: [cell],
        group: seat,
        attempt: () => (list.isNotified(seat) ? true : undefined),
        arm: () => !list.isNotified(seat),
        holder: () => 0,
        // Nobody else can be rung in its place: it is meant by its seat.
        suspend: () => {},
      },
    };
  }

  /** The lock is held again: as often as before, and by the same flow of work. */
  #resume(
    body: ConditionBody,
    { seat, hold }: Suspended,
    failure: { readonly reason: unknown } | undefined,
  ): boolean {
    const { cell, lock, ownership, list } = body;
    ownership.resumeHold(hold);
    keepUnreleased(this, body);
    keepUnreleased(lock, ownership);
    const isNotified = list.isNotified(seat);
    list.leave(seat);
    closeCell(cell);
    closeCell(ownership.cell);
    if (failure !== undefined && !isNotified) throw failure.reason;
    return isNotified;
  }

  static {
    registerOwnClass(
      Condition,
      "manycore.Condition",
      (condition) => ({ ...SyncObject.handleOf(condition), lock: conditionOf(condition).lock }),
      (data) => {
        const { lock, ...handle } = data as Handle & { lock: Lock | RLock };
        return new Condition(lock, new Arrival(handle, KIND.condition) as SharedOptions);
      },
    );
    inspectAs(Condition, (condition) =>
      inspected(condition, ({ list, ownership }: ConditionBody) => {
        const state = ownership.owner === 0 ? "not locked" : "locked";
        return `${list.size} waiting, ${state}`;
      }),
    );
  }
}

function creation({ name }: SharedOptions, { index, generation }: LocalCell): Creation {
  return {
    kind: KIND.condition,
    name,
    fill: ({ ints, base }) => {
      ints[base + LOCK_INDEX] = index + 1;
      ints[base + LOCK_GENERATION] = generation;
    },
    check: ({ ints, base }) => {
      const isOurs =
        ints[base + LOCK_INDEX] === index + 1 && ints[base + LOCK_GENERATION] === generation;
      if (!isOurs) throw anotherLock(name);
    },
  };
}

/** @throws InvalidStateError when this thread does not hold the lock. */
function checkHeld(body: ConditionBody, method: string): ConditionBody {
  if (body.ownership.cell.isHeld) return body;
  throw new InvalidStateError(
    `Hold the lock of a condition when you call ${method}(): inside run(), or between acquire() and release().`,
  );
}

function lockOptions(options: SharedOptions | Arrival): SharedOptions {
  const { name } = optionsOf(options);
  return name === undefined ? {} : { name: `${name}.lock` };
}

function checkLock(lock: unknown): Lock | RLock {
  if (lock instanceof Lock || lock instanceof RLock) return lock;
  throw wrongType("lock", "a Lock or an RLock of this package", lock);
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
