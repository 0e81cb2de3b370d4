import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { park, parking, parkSync, participant, wake, type Wish } from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { outOfRange } from "../util/argument-error.ts";
import { type Check, milliseconds } from "../util/checks.ts";
import { RESET_CHECK, SHARED_CHECKS } from "./option-checks.ts";
import type { ResetMode } from "./event.ts";
import { undetected } from "./permit-options.ts";
import { monotonic, Schedule } from "./schedule.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

/** Options of {@link WaitableTimer}. */
export interface WaitableTimerOptions extends SharedOptions {
  /** `"manual"` (default): once due it lets everybody through; `"auto"`: each time it falls due it lets one through. */
  readonly reset?: ResetMode;
}

/** Options of {@link WaitableTimer.set}. */
export interface TimerSetOptions {
  /** Milliseconds from one time to the next; default: it falls due once. */
  readonly period?: number;
}

/**
 * A time that tasks, threads and processes wait for together.
 *
 * Nobody owns it or drives it: it goes on when the one who set it dies, and it does not keep a program open
 * unless something waits. With automatic reset each time is used by one who waits, or by the first one who comes
 * later; times that nobody came for do not add up. It runs on a clock that stands still while
 * the machine sleeps.
 *
 * @example
 * const everySecond = new WaitableTimer({ reset: "auto", name: "heartbeat" });
 * everySecond.set(1000, { period: 1000 });
 * while (await everySecond.wait()) beat(); // of all programs that do this, one at a time
 * @since 0.2.0
 */
export class WaitableTimer extends SyncObject {
  readonly #schedule: Schedule;

  /** @throws InvalidStateError when a timer of this name is there with another `reset`. */
  constructor(options?: WaitableTimerOptions);
  /** @internal */
  constructor(options: WaitableTimerOptions | Arrival = {}) {
    super(options instanceof Arrival ? options : creation(options));
    this.#schedule = new Schedule(this.cell);
  }

  /** How it is reset. */
  get reset(): ResetMode {
    return this.#open.isAuto ? "auto" : "manual";
  }

  /** Whether a wait would go through now. */
  get isDue(): boolean {
    return this.#open.due === 0;
  }

  /**
   * Lets it fall due, instead of whatever was set before; until then waits block.
   * @param dueMs - milliseconds from now.
   * @throws RangeError when a number is no time.
   */
  set(dueMs: number, options: TimerSetOptions = {}): void {
    finiteMilliseconds(dueMs, "dueMs");
    checkOptions(options, SET);
    const { period = 0 } = options;
    this.#replace(() => monotonic() + Math.max(0, dueMs), Math.max(0, period));
  }

  /** Stops it. If it is due and nobody has come for that yet, it stays so. */
  cancel(): void {
    // Taking it first keeps a wait that goes on at this moment from using the same time again.
    this.#replace(() => (this.#open.take() ? monotonic() : Infinity), 0);
  }

  /**
   * Waits until it is due.
   *
   * **Cancellation**: safe; the time is left for another.
   * @returns false when the time was up before.
   * @throws `signal.reason`.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    return (await park(this.#wish(), undetected(options))) === true;
  }

  /** As {@link WaitableTimer.wait}, but the thread sleeps: its event loop stands still meanwhile. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return parkSync(this.#wish(), undetected(options)) === true;
  }

  #replace(due: () => number, period: number): void {
    const { cell } = this;
    const hasSleepers = participant().arena.exclusively(() =>
      this.#schedule.replace(due(), period),
    );
    if (hasSleepers) wake(cell, parking(), Infinity);
  }

  /** The schedule; throws when this was closed. */
  get #open(): Schedule {
    return (this.cell, this.#schedule);
  }

  #wish(): Wish<true> {
    const { cell } = this;
    return {
      cells: [cell],
      group: cell,
      attempt: () => (this.#schedule.take() ? true : undefined),
      arm: () => this.#schedule.arm(),
      holder: () => 0,
      due: () => this.#schedule.due,
      leave: () => {
        // The next one of this thread has to set its alarm.
        if (cell.waits > 0) parking().scanSoon();
      },
      suspend: () => {},
    };
  }

  static {
    waitable(WaitableTimer, {
      wish: (timer) => timer.#wish(),
      giveBack: (timer) => {
        if (timer.#schedule.giveBack()) wake(timer.words, parking(), 1);
      },
    });
    shareable(
      WaitableTimer,
      KIND.timer,
      (arrival) => new WaitableTimer(arrival as WaitableTimerOptions),
      (timer) => WaitableTimer.#describe(timer),
    );
  }

  static #describe(timer: WaitableTimer): string {
    if (timer.isClosed) return "WaitableTimer { closed }";
    const { due } = timer.#schedule;
    if (due === 0) return "WaitableTimer { due }";
    if (due === Infinity) return "WaitableTimer { not set }";
    return `WaitableTimer { due in ${(due / 1000).toFixed(1)} s }`;
  }
}

const finiteMilliseconds: Check = (value, name) => {
  milliseconds(value, name);
  const isFinite = Math.abs(value as number) < Infinity;
  if (!isFinite) throw outOfRange(name, "a finite number of milliseconds", value);
};

const WAITABLE_TIMER: OptionTable<WaitableTimerOptions> = {
  of: "WaitableTimer",
  checks: { ...SHARED_CHECKS, reset: RESET_CHECK },
};

const SET: OptionTable<TimerSetOptions> = {
  of: "timer.set()",
  checks: { period: finiteMilliseconds },
  sisters: { interval: "period" },
  bare: "period",
};

function creation(options: WaitableTimerOptions): ConstructorParameters<typeof SyncObject>[0] {
  checkOptions(options, WAITABLE_TIMER);
  const { name, reset = "manual" } = options;
  const isAuto = reset === "auto";
  return {
    kind: KIND.timer,
    name,
    fill: (place) => Schedule.fill(place, isAuto),
    check: (place) => {
      if (Schedule.isAuto(place) === isAuto) return;
      throw new InvalidStateError(
        `The timer ${JSON.stringify(name)} exists with ${isAuto ? "manual" : "automatic"} reset: open it with { reset: "${isAuto ? "manual" : "auto"}" }, or choose another name.`,
      );
    },
  };
}
