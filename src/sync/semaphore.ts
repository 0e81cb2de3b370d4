import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import { CELL, KIND } from "../memory/index.ts";
import {
  hasWaiters,
  type LocalCell,
  park,
  parking,
  parkSync,
  wake,
  WAITERS,
  type Wish,
} from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { outOfRange } from "../util/argument-error.ts";
import { checkFunction, integer } from "../util/checks.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { checkPermits, MAX_PERMITS, undetected } from "./permit-options.ts";
import { describeObject } from "./describe-object.ts";
import { Guard } from "./guard.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

// The state: permits << 1 | W.
const ONE = 2;

/** Options of semaphores. */
export interface SemaphoreOptions extends SharedOptions {
  /** How many permits there can be at most: a release beyond it is an error; default: 2,147,483,647. */
  readonly max?: number;
}

/**
 * A number of permits that tasks, threads and processes take and give back.
 *
 * Permits belong to nobody: anyone may release, also more than were there at first, and the permits of one
 * who dies are lost. Where that must not be, take a {@link BoundedSemaphore}, which gets them back.
 * Whoever comes first is served; the waits of one thread are served in order.
 *
 * @example
 * const connections = new Semaphore(4, { name: "database" });
 * await connections.run(() => query());
 * @since 0.2.0
 */
export class Semaphore extends SyncObject {
  readonly #state: number;

  /** @param value - the permits of a new one; ignored when the name is in use. Default: 1. */
  constructor(value?: number, options?: SemaphoreOptions);
  /** @internal */
  constructor(value: number | Arrival = 1, options: SemaphoreOptions = {}) {
    super(value instanceof Arrival ? value : creation(value, options));
    this.#state = this.cell.base + CELL.state;
  }

  /** The permits that can be had now; a moment later it may be another number. */
  get value(): number {
    return Atomics.load(this.cell.ints, this.#state) >>> 1;
  }

  /** Takes a permit if there is one; never waits. */
  tryAcquire(): boolean {
    return this.#attempt(this.cell) === true;
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
    return (await park(this.#wish(), undetected(options))) === true;
  }

  /** As {@link Semaphore.acquire}, but the thread sleeps: its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    if (options?.signal === undefined && this.#attempt(this.cell) === true) return true;
    return parkSync(this.#wish(), undetected(options)) === true;
  }

  /**
   * Adds permits; as many that wait go on.
   * @param count - default: 1.
   * @throws RangeError when `count` is not a whole number of at least 1.
   * @throws InvalidStateError when there would be more than the maximum; nothing was added then.
   */
  release(count = 1): void {
    checkPermits(count, "count", 1);
    void this.cell;
    this.#add(count);
  }

  #add(count: number): void {
    const cell = this.words;
    const max = Atomics.load(cell.ints, cell.base + CELL.aux);
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      const value = (word >>> 1) + count;
      if (value > max) {
        throw new InvalidStateError(
          `${describeObject(this)} has ${word >>> 1} permits and can have ${max}: releasing ${count} would be too many. Release only what was acquired.`,
        );
      }
      // W goes: whoever is rung sets it again, whether it finds a permit or not.
      if (Atomics.compareExchange(cell.ints, this.#state, word, value << 1) !== word) continue;
      if ((word & WAITERS) !== 0) wake(cell, parking(), count);
      return;
    }
  }

  /**
   * Takes a permit for as long as the guard lasts.
   * @throws TimeoutError when the time was up.
   */
  async hold(options?: WaitOptions): Promise<Guard> {
    this.beginUse();
    try {
      return this.#guard(await this.acquire(options), options);
    } catch (error) {
      this.endUse();
      throw error;
    }
  }

  /** As {@link Semaphore.hold}; the thread sleeps. */
  holdSync(options?: WaitOptions): Guard {
    this.beginUse();
    try {
      return this.#guard(this.acquireSync(options), options);
    } catch (error) {
      this.endUse();
      throw error;
    }
  }

  /**
   * Runs a function with a permit, and gives it back when what the function returns has settled.
   * @throws TimeoutError when the time was up; what the function throws.
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

  #guard(isTaken: boolean, options: WaitOptions | undefined): Guard {
    if (isTaken) {
      return new Guard(() => {
        try {
          this.#add(1);
        } finally {
          this.endUse();
        }
      });
    }
    throw new TimeoutError(
      `${describeObject(this)} had no permit within ${options?.timeout ?? 0} ms.`,
    );
  }

  #wish(): Wish<true> {
    const { cell } = this;
    return {
      cells: [cell],
      group: cell,
      attempt: () => this.#attempt(cell),
      arm: () => this.#arm(cell),
      holder: () => 0,
      leave: () => this.#passOn(cell),
      passOn: () => this.#passOn(cell),
      suspend: () => this.#passOn(cell),
    };
  }

  #attempt(cell: LocalCell): true | undefined {
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if (word >>> 1 === 0) return undefined;
      // Others may still sleep, and the word has forgotten them.
      const next = (word - ONE) | (cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return true;
    }
  }

  #arm({ ints }: LocalCell): boolean {
    const word = Atomics.load(ints, this.#state);
    if (word >>> 1 !== 0) return false;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(ints, this.#state, word, word | WAITERS) === word;
  }

  /**
   * A wait ended: it may have been rung for a permit that is still there, by several releases or after it had
   * one. Whoever is rung in its place comes here too, until none is left.
   */
  #passOn(cell: LocalCell): void {
    if (cell.waits > 0) {
      parking().scanSoon();
      return;
    }
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if (word >>> 1 !== 0) {
        wake(cell, parking(), 1);
        return;
      }
      if ((word & WAITERS) !== 0 || !hasWaiters(cell)) return;
      if (Atomics.compareExchange(cell.ints, this.#state, word, word | WAITERS) === word) return;
    }
  }

  static {
    waitable(Semaphore, {
      wish: (semaphore) => semaphore.#wish(),
      giveBack: (semaphore) => semaphore.#add(1),
    });
    shareable(
      Semaphore,
      KIND.semaphore,
      (arrival) => new Semaphore(arrival as unknown as number),
      (semaphore) =>
        semaphore.isClosed ? "Semaphore { closed }" : `Semaphore { value: ${semaphore.value} }`,
    );
  }
}

const SEMAPHORE: OptionTable<SemaphoreOptions> = {
  of: "Semaphore",
  checks: { ...SHARED_CHECKS, max: integer(1, MAX_PERMITS) },
  bare: "max",
};

function creation(
  value: number,
  options: SemaphoreOptions,
): ConstructorParameters<typeof SyncObject>[0] {
  checkOptions(options, SEMAPHORE);
  const { name, max = MAX_PERMITS } = options;
  checkPermits(value, "value", 0);
  if (value > max) throw outOfRange("value", `at most \`max\` (${max})`, value);
  return {
    kind: KIND.semaphore,
    name,
    fill: ({ ints, base }) => {
      ints[base + CELL.state] = value << 1;
      ints[base + CELL.aux] = max;
    },
  };
}
