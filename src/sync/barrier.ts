import { BrokenBarrierError, InvalidStateError } from "../errors/index.ts";
import { CELL, KIND } from "../memory/index.ts";
import {
  closeCell,
  park,
  parking,
  parkSync,
  type Creation,
  type Handle,
} from "../parking/index.ts";
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
import {
  Arrival,
  inspected,
  openBody,
  revive,
  SyncObject,
  type SharedOptions,
} from "./sync-object.ts";
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

const roundsOf: (barrier: Barrier) => BarrierRounds = openBody as never;

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
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | undefined;

  /** @param parties - how many have to arrive. */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(source: number | Arrival, options: BarrierOptions = {}) {
    super(
      source instanceof Arrival ? source : creationOf(source, options),
      (cell) => new BarrierRounds(cell),
    );
    const { action, timeout } = options;
    this.#action = action;
    this.#timeout = timeout;
  }

  /** How many have to arrive. */
  get parties(): number {
    return roundsOf(this).parties;
  }

  /** How many have arrived and wait. */
  get waiting(): number {
    return roundsOf(this).arrived;
  }

  /** Whether it has to be reset before it can be used. */
  get broken(): boolean {
    return roundsOf(this).isBroken;
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
    const rounds = roundsOf(this);
    parking().prepare();
    const arrived = this.#arrived(rounds, await park(rounds.arrival(), bounds));
    rounds.cell.handles++;
    try {
      if (arrived.isLast) {
        await this.#act(rounds);
        return this.#completed(rounds, arrived);
      }
      await park(rounds.end(arrived), { ...bounds, timeout: left() });
      return this.#passed(rounds, arrived);
    } catch (reason) {
      rounds.break(BREAK_REASON.given, arrived.round);
      throw reason;
    } finally {
      rounds.leave();
      closeCell(rounds.cell);
    }
  }

  /** As {@link Barrier.wait}; the thread sleeps. The action must not be asynchronous. */
  waitSync(options?: WaitOptions): number {
    checkWait(options);
    const bounds = this.#bounds(options);
    const left = countdown(bounds);
    const rounds = roundsOf(this);
    const arrived = this.#arrived(rounds, parkSync(rounds.arrival(), bounds));
    rounds.cell.handles++;
    try {
      if (arrived.isLast) {
        this.#actSync(rounds);
        return this.#completed(rounds, arrived);
      }
      parkSync(rounds.end(arrived), { ...bounds, timeout: left() });
      return this.#passed(rounds, arrived);
    } catch (reason) {
      rounds.break(BREAK_REASON.given, arrived.round);
      throw reason;
    } finally {
      rounds.leave();
      closeCell(rounds.cell);
    }
  }

  /** Breaks the barrier: all who wait, and all who come, fail until it is reset. */
  abort(): void {
    roundsOf(this).break(BREAK_REASON.abort);
  }

  /** Makes the barrier as new; those who wait get a {@link BrokenBarrierError}. */
  reset(): void {
    roundsOf(this).reset();
  }

  #bounds(options: WaitOptions | undefined): WaitOptions {
    return { signal: options?.signal, timeout: options?.timeout ?? this.#timeout };
  }

  #arrived(rounds: BarrierRounds, arrived: Arrived | "broken" | undefined): Arrived {
    if (arrived === "broken") throw this.#broken(rounds);
    if (arrived !== undefined) return arrived;
    throw new BrokenBarrierError(
      `${this.#what} was still at the end of the round before when the time was up: its action has not returned.`,
    );
  }

  async #act(rounds: BarrierRounds): Promise<void> {
    try {
      const result = this.#action?.();
      if (isThenable(result)) await result;
    } catch (error) {
      rounds.break(BREAK_REASON.action);
      throw error;
    }
  }

  #actSync(rounds: BarrierRounds): void {
    try {
      if (!isThenable(this.#action?.())) return;
    } catch (error) {
      rounds.break(BREAK_REASON.action);
      throw error;
    }
    rounds.break(BREAK_REASON.action);
    throw new InvalidStateError(
      "The barrier's action returned a promise, and waitSync() cannot wait for it: use wait().",
    );
  }

  #completed(rounds: BarrierRounds, arrived: Arrived): number {
    if (!rounds.complete(arrived)) throw this.#broken(rounds);
    return arrived.index;
  }

  #passed(rounds: BarrierRounds, arrived: Arrived): number {
    // Without an effect when the round is over: all may have arrived in the moment the time was up.
    rounds.break(BREAK_REASON.timeout, arrived.round);
    if (rounds.outcome(arrived) !== "passed") throw this.#broken(rounds);
    return arrived.index;
  }

  get #what(): string {
    return this.name === undefined ? "The barrier" : `Barrier ${JSON.stringify(this.name)}`;
  }

  #broken({ isBroken, reason }: BarrierRounds): BrokenBarrierError {
    if (!isBroken) return new BrokenBarrierError(`${this.#what} was reset.`);
    return new BrokenBarrierError(
      `${this.#what} is broken: ${BREAK_TEXTS[reason] ?? BREAK_TEXTS[0]}. Call reset() to use it again.`,
    );
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
        return revive(Barrier, new Arrival(handle, KIND.barrier), { timeout });
      },
    );
    inspectAs(Barrier, (barrier) =>
      inspected(barrier, ({ isBroken, arrived, parties }: BarrierRounds) =>
        isBroken ? "broken" : `${arrived} of ${parties} wait`,
      ),
    );
  }
}

const BARRIER: OptionTable<BarrierOptions> = {
  of: "Barrier",
  checks: { ...SHARED_CHECKS, action: checkFunction, timeout: milliseconds },
  bare: "timeout",
};

const checkParties = integer(1, MAX_PARTIES);

function creationOf(parties: number, options: BarrierOptions): Creation {
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
