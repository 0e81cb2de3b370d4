import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import { CELL, KIND } from "../memory/index.ts";
import { park, parkSync, type Wish } from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { checkFunction } from "../util/checks.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { describeObject } from "./describe-object.ts";
import { Guard } from "./guard.ts";
import { checkPermits, undetected } from "./permit-options.ts";
import { Permits } from "./permits.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

/** Each permit is a word of shared memory, and is looked at one by one. */
const MAX_BOUNDED = 65_536;

/**
 * A semaphore that knows who has its permits: there are never more than at first, and those of a thread
 * or process that dies come back by themselves.
 *
 * Permits belong to threads. Anyone may release, as in Python: a thread gives back one of its own, and if it
 * has none, somebody else's. Whoever comes first is served.
 *
 * @example
 * const licences = new BoundedSemaphore(2, { name: "compiler" });
 * using licence = await licences.hold({ timeout: 10_000 });
 * @since 0.2.0
 */
export class BoundedSemaphore extends SyncObject {
  readonly #permits: Permits;

  /** @param value - the permits of a new one, up to 65,536; ignored when the name is in use. Default: 1. */
  constructor(value?: number, options?: SharedOptions);
  /** @internal */
  constructor(value: number | Arrival = 1, options: SharedOptions = {}) {
    super(value instanceof Arrival ? value : creation(value, options));
    this.#permits = new Permits(this.cell);
  }

  /** The permits that can be had now; a moment later it may be another number. */
  get value(): number {
    return this.#open.free;
  }

  /** How many permits there are, free or taken. */
  get max(): number {
    return this.#open.count;
  }

  /** Takes a permit if there is one; never waits. */
  tryAcquire(): boolean {
    const permits = this.#open;
    const isTaken = permits.take() ?? (permits.recover() && permits.take());
    return isTaken === true;
  }

  /**
   * Takes a permit.
   *
   * **Waiting**: until somebody releases one or dies with one. **Cancellation**: safe.
   * @returns false when the time was up.
   * @throws `signal.reason`.
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    return (await park(this.#wish(), undetected(options))) === true;
  }

  /** As {@link BoundedSemaphore.acquire}, but the thread sleeps: its event loop stands still meanwhile. */
  acquireSync(options?: WaitOptions): boolean {
    checkWait(options);
    if (options?.signal === undefined && this.#open.take() === true) return true;
    return parkSync(this.#wish(), undetected(options)) === true;
  }

  /**
   * Gives permits back; as many that wait go on.
   * @param count - default: 1.
   * @throws RangeError when `count` is not a whole number of at least 1.
   * @throws InvalidStateError when fewer are taken; nothing was given back then.
   */
  release(count = 1): void {
    checkPermits(count, "count", 1);
    const permits = this.#open;
    // Finding one of its own is enough; only a larger number needs counting.
    if (count > 1 && permits.count - permits.free < count) throw this.#tooMany(count);
    if (permits.giveBack(count) < count) throw this.#tooMany(count);
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

  /** As {@link BoundedSemaphore.hold}; the thread sleeps. */
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

  /** The permits; throws when this was closed. */
  get #open(): Permits {
    return (this.cell, this.#permits);
  }

  #tooMany(count: number): InvalidStateError {
    const { count: max, free: value } = this.#permits;
    return new InvalidStateError(
      `${describeObject(this)} was released too often: ${max - value} of its ${max} permits are taken, and ${count} were to be given back. Release each permit once.`,
    );
  }

  #guard(isTaken: boolean, options: WaitOptions | undefined): Guard {
    if (isTaken) {
      return new Guard(() => {
        try {
          if (this.#permits.giveBack(1) < 1) throw this.#tooMany(1);
        } finally {
          this.endUse();
        }
      });
    }
    throw new TimeoutError(
      `${describeObject(this)} had no permit within ${options?.timeout ?? 0} ms; all ${this.#permits.count} are taken.`,
    );
  }

  #wish(): Wish<true> {
    const { cell } = this;
    return {
      cells: [cell],
      group: cell,
      attempt: () => this.#permits.take(),
      arm: () => this.#permits.arm(),
      holder: () => this.#permits.holder(),
      recover: () => this.#permits.recover(),
      leave: () => this.#permits.passOn(),
      passOn: () => this.#permits.passOn(),
      suspend: () => this.#permits.passOn(),
    };
  }

  static {
    waitable(BoundedSemaphore, {
      wish: (semaphore) => semaphore.#wish(),
      giveBack: (semaphore) => void semaphore.#permits.giveBack(1),
    });
    shareable(
      BoundedSemaphore,
      KIND.boundedSemaphore,
      (arrival) => new BoundedSemaphore(arrival as unknown as number),
      (semaphore) =>
        semaphore.isClosed
          ? "BoundedSemaphore { closed }"
          : `BoundedSemaphore { value: ${semaphore.value} of ${semaphore.max} }`,
    );
  }
}

const BOUNDED_SEMAPHORE: OptionTable<SharedOptions> = {
  of: "BoundedSemaphore",
  checks: SHARED_CHECKS,
};

function creation(
  value: number,
  options: SharedOptions,
): ConstructorParameters<typeof SyncObject>[0] {
  checkOptions(options, BOUNDED_SEMAPHORE);
  const { name } = options;
  checkPermits(value, "value", 0, MAX_BOUNDED);
  return {
    kind: KIND.boundedSemaphore,
    name,
    fill: ({ ints, base }) => {
      ints[base + CELL.aux] = value;
    },
  };
}
