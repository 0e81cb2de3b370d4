import { DeadlockError, TimeoutError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import {
  enterContext,
  park,
  parkSync,
  type Context,
  type Creation,
  type ParkOptions,
} from "../parking/index.ts";
import { boolean } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { performance } from "../util/platform.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { describeObject, describeOwner } from "./describe.ts";
import type { Guard } from "./guard.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { ReadWriteWords } from "./read-write-words.ts";
import {
  Arrival,
  openBody,
  optionsOf,
  shareable,
  SyncObject,
  type SharedOptions,
} from "./sync-object.ts";

/** Options of {@link RWLock}. */
export interface RWLockOptions extends SharedOptions {
  /** Whether a wait that closes a cycle of writers fails with {@link DeadlockError}; default: true. */
  readonly detectDeadlock?: boolean;
}

const RW_LOCK: OptionTable<RWLockOptions> = {
  of: "RWLock",
  checks: { ...SHARED_CHECKS, detectDeadlock: boolean },
};

const wordsOf: (lock: RWLock) => ReadWriteWords = openBody as never;

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
  readonly #detectDeadlock: boolean;

  constructor(options?: RWLockOptions);
  /** @internal */
  constructor(options: RWLockOptions | Arrival = {}) {
    super(
      options instanceof Arrival ? options : creation(options),
      (cell) => new ReadWriteWords(cell),
    );
    this.#detectDeadlock = optionsOf(options).detectDeadlock !== false;
  }

  /** How many threads read now, of all processes; a moment later it may be another number. */
  get readers(): number {
    return wordsOf(this).readers.count;
  }

  /** Whether somebody writes now. */
  get writing(): boolean {
    return wordsOf(this).isWriting;
  }

  /** Reads if that is possible at once; never waits. */
  tryRead(): Guard | undefined {
    const words = wordsOf(this);
    const reading = parkSync(words.readers.request(undefined), this.#bounds({ timeout: 0 }));
    return reading === undefined ? undefined : words.readGuard(reading);
  }

  /** Writes if that is possible at once; never waits. */
  tryWrite(): Guard | undefined {
    return this.#writeSync(wordsOf(this), { timeout: 0 });
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
    const words = wordsOf(this);
    const { readers } = words;
    const reading =
      (options?.signal === undefined ? readers.take(undefined) : undefined) ??
      parkSync(readers.request(undefined), this.#bounds(options));
    return words.readGuard(reading ?? this.#timeout(words, "read", options));
  }

  /**
   * Takes the lock to write.
   *
   * **Waiting**: until nobody reads or writes. **Cancellation**: safe; readers it kept out go on.
   * @throws DeadlockError when a task awaits it inside a reading of its own and nothing else could end that;
   * {@link TimeoutError} when the time was up; `signal.reason`.
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
    const words = wordsOf(this);
    if (words.cell.members > 0) throw this.#upgradeError();
    return this.#writeSync(words, options) ?? this.#timeout(words, "written", options);
  }

  async #read(context: Context, options: WaitOptions | undefined): Promise<Guard> {
    checkWait(options);
    const words = wordsOf(this);
    const { readers } = words;
    options?.signal?.throwIfAborted();
    // Past all that wait: the writer they wait for may wait for the reading that this one is in.
    const nested = readers.isReading(context.parent, "async") ? readers.take(context) : undefined;
    const bounds = { ...this.#bounds(options), context: context.parent };
    const reading = nested ?? (await park(readers.request(context), bounds));
    return words.readGuard(reading ?? this.#timeout(words, "read", options));
  }

  async #write(context: Context, options: WaitOptions | undefined): Promise<Guard> {
    checkWait(options);
    const words = wordsOf(this);
    const { readers } = words;
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
    const isTaken = await park(words.writerRequest(context), bounds);
    if (isTaken === undefined) return this.#timeout(words, "written", options);
    try {
      const rest = { ...bounds, ...this.#rest(options, begun) };
      const isAlone = await park(readers.drained(), rest);
      if (isAlone === true) return words.writeGuard();
    } catch (error) {
      words.releaseWriter();
      throw error;
    }
    words.releaseWriter();
    return this.#timeout(words, "written", options);
  }

  #writeSync(words: ReadWriteWords, options: WaitOptions | undefined): Guard | undefined {
    const begun = performance.now();
    if (options?.signal === undefined && words.writer.tryTake(undefined)) {
      if (words.readers.isEmpty) return words.writeGuard();
    } else if (parkSync(words.writerRequest(undefined), this.#bounds(options)) === undefined) {
      return undefined;
    }
    try {
      const isAlone = parkSync(words.readers.drained(), this.#rest(options, begun));
      if (isAlone === true) return words.writeGuard();
    } catch (error) {
      words.releaseWriter();
      throw error;
    }
    words.releaseWriter();
    return undefined;
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

  #timeout({ users }: ReadWriteWords, what: string, options: WaitOptions | undefined): never {
    throw new TimeoutError(
      `${describeObject(this)} could not be ${what} within ${options?.timeout ?? 0} ms; ${users}.`,
    );
  }

  #upgradeError(): DeadlockError {
    return new DeadlockError(
      `${describeObject(this)} cannot be written by who reads it: it would wait for itself. Release the read guard first, then write, and look again at what was read.`,
    );
  }

  static {
    shareable(RWLock, KIND.rwLock, ({ isWriting, writer, readers }: ReadWriteWords) => {
      if (isWriting) return `written by ${describeOwner(writer)}`;
      return readers.isEmpty ? "free" : `read by ${readers.count}`;
    });
  }
}

function creation(options: RWLockOptions): Creation {
  checkOptions(options, RW_LOCK);
  return { kind: KIND.rwLock, name: options.name, fill: () => {} };
}
