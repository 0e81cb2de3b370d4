import { BrokenBarrierError, InvalidStateError } from "../errors/index.ts";
import { CELL, KIND } from "../memory/index.ts";
import { closeCell, park, parking, parkSync, type Handle } from "../parking/index.ts";
import { inspectAs } from "../util/inspectable.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { checkFunction, integer, milliseconds } from "../util/checks.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { registerOwnClass } from "../wire/class-registry.ts";
import {
  BarrierRounds,
  BREAK_REASON,
  BREAK_TEXTS,
  MAX_PARTIES,
  type Arrival as Arrived,
} from "./barrier-rounds.ts";
import { countdown } from "./countdown.ts";
import { Arrival, SyncObject, type SharedOptions } from "./sync-object.ts";
import { isThenable } from "../util/thenable.ts";

/** Options of barriers. */
export interface BarrierOptions extends SharedOptions {
  /**
   * Runs when all have arrived, before any goes on: once, in the party that came last. Functions do not travel:
   * give a barrier with an action a name, and open it with the action in each process.
   */
  readonly action?: () => unknown;
  /** Milliseconds that each {@link Barrier.wait} waits unless it says otherwise; default: no limit. */
  readonly timeout?: number | undefined;
}

/**
 * A place where a number of parties wait for each other, again and again.
 *
 * When one gives up, or dies, the barrier is broken: all who wait, and all who come, get a
 * {@link BrokenBarrierError} until it is reset.
 *
 * @example
 * const barrier = new Barrier(4);
 * // in each of four workers
 * for (const step of steps) {
 *   compute(step);
 *   await barrier.wait();
 * }
 * @since 0.2.0
 */
export class Barrier extends SyncObject {
  readonly #rounds: BarrierRounds;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | undefined;

  /** @param parties - how many have to arrive. */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(source: number | Arrival, options: BarrierOptions = {}) {
    super(source instanceof Arrival ? source : creationOf(source, options));
    const { action, timeout } = options;
    this.#rounds = new BarrierRounds(this.cell);
    this.#action = action;
    this.#timeout = timeout;
  }

  /** How many have to arrive. */
  get parties(): number {
    return this.#rounds.parties;
  }

  /** How many have arrived and wait. */
  get waiting(): number {
    void this.cell;
    return this.#rounds.arrived;
  }

  /** Whether it has to be reset before it can be used. */
  get broken(): boolean {
    void this.cell;
    return this.#rounds.isBroken;
  }

  /**
   * Arrives, and waits for the others.
   *
   * **Waiting**: until all parties have arrived and the action has run. **Cancellation**: a timeout or an abort
   * breaks the barrier for all, since the others would wait in vain.
   * @returns how many came before: a number from 0 to `parties - 1`, different for each party.
   * @throws BrokenBarrierError; `signal.reason`; in the party that runs the action, what that throws.
   */
  async wait(options?: WaitOptions): Promise<number> {
    checkWait(options);
    const bounds = this.#bounds(options);
    const left = countdown(bounds);
    const { cell } = this;
    parking().prepare();
    const arrived = this.#arrived(await park(this.#rounds.arrival(), bounds));
    cell.handles++;
    try {
      if (arrived.isLast) {
        await this.#act();
        return this.#completed(arrived);
      }
      await park(this.#rounds.end(arrived), { ...bounds, timeout: left() });
      return this.#passed(arrived);
    } catch (reason) {
      this.#rounds.break(BREAK_REASON.given, arrived.round);
      throw reason;
    } finally {
      this.#rounds.leave();
      closeCell(cell);
    }
  }

  /** As {@link Barrier.wait}; the thread sleeps. The action must not be asynchronous. */
  waitSync(options?: WaitOptions): number {
    checkWait(options);
    const bounds = this.#bounds(options);
    const left = countdown(bounds);
    const { cell } = this;
    const arrived = this.#arrived(parkSync(this.#rounds.arrival(), bounds));
    cell.handles++;
    try {
      if (arrived.isLast) {
        this.#actSync();
        return this.#completed(arrived);
      }
      parkSync(this.#rounds.end(arrived), { ...bounds, timeout: left() });
      return this.#passed(arrived);
    } catch (reason) {
      this.#rounds.break(BREAK_REASON.given, arrived.round);
      throw reason;
    } finally {
      this.#rounds.leave();
      closeCell(cell);
    }
  }

  /** Breaks the barrier: all who wait, and all who come, fail until it is reset. */
  abort(): void {
    void this.cell;
    this.#rounds.break(BREAK_REASON.abort);
  }

  /** Makes the barrier as new; those who wait get a {@link BrokenBarrierError}. */
  reset(): void {
    void this.cell;
    this.#rounds.reset();
  }

  #bounds(options: WaitOptions | undefined): WaitOptions {
    return { signal: options?.signal, timeout: options?.timeout ?? this.#timeout };
  }

  #arrived(arrived: Arrived | "broken" | undefined): Arrived {
    if (arrived === "broken") throw this.#broken();
    if (arrived !== undefined) return arrived;
    throw new BrokenBarrierError(
      `${this.#what} was still at the end of the round before when the time was up: its action has not returned.`,
    );
  }

  async #act(): Promise<void> {
    try {
      const result = this.#action?.();
      if (isThenable(result)) await result;
    } catch (error) {
      this.#rounds.break(BREAK_REASON.action);
      throw error;
    }
  }

  #actSync(): void {
    try {
      if (!isThenable(this.#action?.())) return;
    } catch (error) {
      this.#rounds.break(BREAK_REASON.action);
      throw error;
    }
    this.#rounds.break(BREAK_REASON.action);
    throw new InvalidStateError(
      "The barrier's action returned a promise, and waitSync() cannot wait for it: use wait().",
    );
  }

  #completed(arrived: Arrived): number {
    if (!this.#rounds.complete(arrived)) throw this.#broken();
    return arrived.index;
  }

  #passed(arrived: Arrived): number {
    // Without an effect when the round is over: all may have arrived in the moment the time was up.
    this.#rounds.break(BREAK_REASON.timeout, arrived.round);
    if (this.#rounds.outcome(arrived) !== "passed") throw this.#broken();
    return arrived.index;
  }

  get #what(): string {
    return this.name === undefined ? "The barrier" : `Barrier ${JSON.stringify(this.name)}`;
  }

  #broken(): BrokenBarrierError {
    if (!this.#rounds.isBroken) return new BrokenBarrierError(`${this.#what} was reset.`);
    return new BrokenBarrierError(
      `${this.#what} is broken: ${BREAK_TEXTS[this.#rounds.reason] ?? BREAK_TEXTS[0]}. Call reset() to use it again.`,
    );
  }

  static #describe(barrier: Barrier): string {
    if (barrier.isClosed) return "Barrier { closed }";
    const { parties, waiting } = barrier;
    return `Barrier { ${barrier.broken ? "broken" : `${waiting} of ${parties} wait`} }`;
  }

  static {
    registerOwnClass(
      Barrier,
      "manycore.Barrier",
      // The action is there to be refused, by its path.
      (barrier) => ({
        ...SyncObject.handleOf(barrier),
        timeout: barrier.#timeout,
        action: barrier.#action,
      }),
      (data) => {
        const { timeout, ...handle } = data as Handle & { timeout: number | undefined };
        return new Barrier(new Arrival(handle, KIND.barrier) as unknown as number, { timeout });
      },
    );
    inspectAs(Barrier, (barrier) => Barrier.#describe(barrier));
  }
}

const BARRIER: OptionTable<BarrierOptions> = {
  of: "Barrier",
  checks: { ...SHARED_CHECKS, action: checkFunction, timeout: milliseconds },
  bare: "timeout",
};

const checkParties = integer(1, MAX_PARTIES);

function creationOf(
  parties: number,
  options: BarrierOptions,
): ConstructorParameters<typeof SyncObject>[0] {
  checkParties(parties, "parties");
  checkOptions(options, BARRIER);
  const { name } = options;
  return {
    kind: KIND.barrier,
    name,
    fill: ({ ints, base }) => {
      ints[base + CELL.aux] = parties;
    },
    check: ({ ints, base }) => {
      const present = Atomics.load(ints, base + CELL.aux);
      if (present === parties) return;
      throw new InvalidStateError(
        `The Barrier ${JSON.stringify(name)} is for ${present} parties, not for ${parties}: choose another name.`,
      );
    },
  };
}
