import { DeadlockError, TimeoutError } from "../errors/index.ts";
import { CELL, KIND, RW_WRITING } from "../memory/index.ts";
import {
  enterContext,
  hasWaiters,
  park,
  parking,
  parkSync,
  wake,
  type Context,
  type ParkOptions,
  type Wish,
} from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { boolean } from "../util/checks.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { describeObject } from "./describe-object.ts";
import { Guard } from "./guard.ts";
import { describeOwner } from "./owner-text.ts";
import { Ownership } from "./ownership.ts";
import { Readers, type Reading } from "./readers.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { performance } from "../util/platform.ts";

/** Options of {@link RWLock}. */
export interface RWLockOptions extends SharedOptions {
  /** Whether a wait that closes a cycle of writers fails with {@link DeadlockError}; default: true. */
  readonly detectDeadlock?: boolean;
}

const RW_LOCK: OptionTable<RWLockOptions> = {
  of: "RWLock",
  checks: { ...SHARED_CHECKS, detectDeadlock: boolean },
};

/**
 * A lock that any number hold to read, or one alone to write.
 *
 * A writer that waits keeps new readers out, so readers cannot keep it waiting for ever; writers that come
 * one after the other can do that to readers. Reading again inside a reading is always possible. Writing
 * inside a reading is refused, for two that did it would wait for each other: end the reading, write, and
 * look again at what was read.
 *
 * A reader that dies no longer counts. When a writer dies while it writes, what it wrote may be half-done: the
 * guards of all who come next say so ({@link Guard.abandoned}), until another writer is through.
 *
 * @example
 * const lock = new RWLock({ name: "catalogue" });
 * const guard = await lock.read();
 * try {
 *   // many at a time
 * } finally {
 *   guard.release();
 * }
 * @since 0.2.0
 */
export class RWLock extends SyncObject {
  readonly #ownership: Ownership;
  readonly #readers: Readers;
  readonly #detectDeadlock: boolean;

  constructor(options?: RWLockOptions);
  /** @internal */
  constructor(options: RWLockOptions | Arrival = {}) {
    super(
      options instanceof Arrival
        ? options
        : { kind: KIND.rwLock, name: checked(options).name, fill: () => {} },
    );
    this.#ownership = new Ownership(this.cell);
    this.#readers = new Readers(this.cell);
    this.#detectDeadlock = options instanceof Arrival || options.detectDeadlock !== false;
  }

  /** How many threads read now, of all processes; a moment later it may be another number. */
  get readers(): number {
    return (this.cell, this.#readers.count);
  }

  /** Whether somebody writes now. */
  get writing(): boolean {
    return (this.cell, this.#ownership).owner !== 0 && this.#isMarked;
  }

  /** Reads if that is possible at once; never waits. */
  tryRead(): Guard | undefined {
    const reading = parkSync(this.#openReaders.wish(undefined), this.#bounds({ timeout: 0 }));
    return reading === undefined ? undefined : this.#readGuard(reading);
  }

  /** Writes if that is possible at once; never waits. */
  tryWrite(): Guard | undefined {
    return this.#writeSync({ timeout: 0 });
  }

  /**
   * Takes the lock to read.
   *
   * **Waiting**: while somebody writes or waits to write. **Cancellation**: safe.
   * @throws TimeoutError when the time was up; {@link DeadlockError}; `signal.reason`.
   */
  read(options?: WaitOptions): Promise<Guard> {
    return this.#read(enterContext(), options);
  }

  /** As {@link RWLock.read}, but the thread sleeps: its event loop stands still meanwhile. */
  readSync(options?: WaitOptions): Guard {
    checkWait(options);
    const readers = this.#openReaders;
    const reading =
      (options?.signal === undefined ? readers.take(undefined) : undefined) ??
      parkSync(readers.wish(undefined), this.#bounds(options));
    return this.#readGuard(reading ?? this.#timeout("read", options));
  }

  /**
   * Takes the lock to write.
   *
   * **Waiting**: until nobody reads or writes. **Cancellation**: safe; readers it kept out go on.
   * @throws DeadlockError when a task awaits it inside a reading of its own and nothing else could end that;
   * {@link TimeoutError} when the time was up;
   * `signal.reason`.
   */
  write(options?: WaitOptions): Promise<Guard> {
    return this.#write(enterContext(), options);
  }

  /**
   * As {@link RWLock.write}, but the thread sleeps: its event loop stands still meanwhile.
   * @throws DeadlockError also when another task of this thread reads: it could not go on.
   */
  writeSync(options?: WaitOptions): Guard {
    checkWait(options);
    if (this.cell.members > 0) throw this.#upgradeError();
    return this.#writeSync(options) ?? this.#timeout("written", options);
  }

  async #read(context: Context, options: WaitOptions | undefined): Promise<Guard> {
    checkWait(options);
    const readers = this.#openReaders;
    options?.signal?.throwIfAborted();
    // Past all that wait: the writer they wait for may wait for the reading that this one is in.
    const nested = readers.isReading(context.parent, "async") ? readers.take(context) : undefined;
    const bounds = { ...this.#bounds(options), context: context.parent };
    const reading = nested ?? (await park(readers.wish(context), bounds));
    return this.#readGuard(reading ?? this.#timeout("read", options));
  }

  #readGuard(reading: Reading): Guard {
    return new Guard(() => this.#readers.release(reading), this.#isMarked);
  }

  async #write(context: Context, options: WaitOptions | undefined): Promise<Guard> {
    checkWait(options);
    const readers = this.#openReaders;
    // Only started while its own task reads: that may end before the task comes to await it.
    const bounds = {
      ...this.#bounds(options),
      context: context.parent,
      ...(this.#detectDeadlock && {
        blockedBySelf: () =>
          readers.isReadingTask(context.parent) ? this.#upgradeError() : undefined,
      }),
    };
    const begun = performance.now();
    const isTaken = await park(this.#writerWish(context), bounds);
    if (isTaken === undefined) return this.#timeout("written", options);
    try {
      const rest = { ...bounds, ...this.#rest(options, begun) };
      const isAlone = await park(readers.drained(), rest);
      if (isAlone === true) return this.#writeGuard();
    } catch (error) {
      this.#releaseWriter();
      throw error;
    }
    this.#releaseWriter();
    return this.#timeout("written", options);
  }

  #writeSync(options: WaitOptions | undefined): Guard | undefined {
    const begun = performance.now();
    const ownership = (this.cell, this.#ownership);
    if (options?.signal === undefined && ownership.tryTake(undefined)) {
      if (this.#readers.isEmpty) return this.#writeGuard();
    } else if (parkSync(this.#writerWish(undefined), this.#bounds(options)) === undefined) {
      return undefined;
    }
    try {
      const isAlone = parkSync(this.#readers.drained(), this.#rest(options, begun));
      if (isAlone === true) return this.#writeGuard();
    } catch (error) {
      this.#releaseWriter();
      throw error;
    }
    this.#releaseWriter();
    return undefined;
  }

  #writeGuard(): Guard {
    const isAbandoned = this.#isMarked;
    const { cell } = this.#ownership;
    Atomics.store(cell.ints, cell.base + CELL.aux, RW_WRITING);
    return new Guard(() => {
      Atomics.store(cell.ints, cell.base + CELL.aux, 0);
      this.#releaseWriter();
    }, isAbandoned);
  }

  /** Lets readers and writers in: all are rung, for nobody knows which of them sleep. */
  #releaseWriter(): void {
    this.#ownership.release();
    this.#wakeAll();
  }

  #wakeAll(): void {
    const { cell } = this.#ownership;
    if (hasWaiters(cell)) wake(cell, parking(), Infinity);
  }

  #writerWish(context: Context | undefined): Wish<true> {
    const { cell } = this;
    const wish = this.#ownership.wish(context, () => cell.writers);
    // The thread's other waits may be readers, who cannot take what is handed over to a writer.
    let isCounted = false;
    const uncount = (): void => {
      if (isCounted) cell.writers--;
      isCounted = false;
    };
    const leave = (): void => {
      uncount();
      wish.leave?.();
      if (this.#ownership.owner === 0) this.#wakeAll();
    };
    return {
      ...wish,
      attempt: () => {
        const isTaken = wish.attempt();
        if (isTaken) uncount();
        return isTaken;
      },
      arm: () => {
        if (!isCounted) cell.writers++;
        isCounted = true;
        return wish.arm();
      },
      leave,
      suspend: leave,
    };
  }

  get #openReaders(): Readers {
    return (this.cell, this.#readers);
  }

  get #isMarked(): boolean {
    // Also of a handle that was closed while it waited: what it took stays its own until it is released.
    const { cell } = this.#ownership;
    return Atomics.load(cell.ints, cell.base + CELL.aux) === RW_WRITING;
  }

  #bounds(options: WaitOptions | undefined): ParkOptions {
    return {
      timeout: options?.timeout,
      signal: options?.signal,
      detectDeadlock: this.#detectDeadlock,
    };
  }

  /** Bounds of the second half of a wait: for readers, who are not known to the search for deadlocks. */
  #rest(options: WaitOptions | undefined, begun: number): ParkOptions {
    const timeout =
      options?.timeout === undefined
        ? undefined
        : Math.max(0, options.timeout - (performance.now() - begun));
    return { timeout, signal: options?.signal, detectDeadlock: false };
  }

  #timeout(what: string, options: WaitOptions | undefined): never {
    const { owner } = this.#ownership;
    const who =
      owner === 0 ? `${this.#readers.count} read it` : `${describeOwner(this.#ownership)} has it`;
    throw new TimeoutError(
      `${describeObject(this)} could not be ${what} within ${options?.timeout ?? 0} ms; ${who}.`,
    );
  }

  #upgradeError(): DeadlockError {
    return new DeadlockError(
      `${describeObject(this)} cannot be written by who reads it: it would wait for itself. Release the read guard first, then write, and look again at what was read.`,
    );
  }

  static #describe(lock: RWLock): string {
    if (lock.isClosed) return "RWLock { closed }";
    if (lock.writing) return `RWLock { written by ${describeOwner(lock.#ownership)} }`;
    const { readers } = lock;
    return readers === 0 ? "RWLock { free }" : `RWLock { read by ${readers} }`;
  }

  static {
    shareable(
      RWLock,
      KIND.rwLock,
      (arrival) => new RWLock(arrival as RWLockOptions),
      (lock) => RWLock.#describe(lock),
    );
  }
}

function checked(options: RWLockOptions): RWLockOptions {
  checkOptions(options, RW_LOCK);
  return options;
}
