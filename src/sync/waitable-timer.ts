import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import {
  park,
  parking,
  parkSync,
  participant,
  wake,
  type Creation,
  type WaitRequest,
} from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { outOfRange } from "../util/argument-error.ts";
import { type Check, milliseconds } from "../util/checks.ts";
import { RESET_CHECK, SHARED_CHECKS } from "./option-checks.ts";
import type { ResetMode } from "./event.ts";
import { describeDue } from "./describe.ts";
import { undetected } from "./permit-options.ts";
import { monotonic, Schedule } from "./schedule.ts";
import {
  Arrival,
  openBody,
  shareable,
  SyncObject,
  type Body,
  type SharedOptions,
} from "./sync-object.ts";
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

interface TimerBody extends Body {
  readonly schedule: Schedule;
}

const timerOf: (timer: WaitableTimer) => TimerBody = openBody as never;

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
  /** @throws InvalidStateError when a timer of this name is there with another `reset`. */
  constructor(options?: WaitableTimerOptions);
  /** @internal */
  constructor(options: WaitableTimerOptions | Arrival = {}) {
    super(options instanceof Arrival ? options : creation(options), (cell) => ({
      cell,
      schedule: new Schedule(cell),
    }));
  }

  /** How it is reset. */
  get reset(): ResetMode {
    return timerOf(this).schedule.isAuto ? "auto" : "manual";
  }

  /** Whether a wait would go through now. */
  get isDue(): boolean {
    return timerOf(this).schedule.due === 0;
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
    replace(timerOf(this), () => monotonic() + Math.max(0, dueMs), Math.max(0, period));
  }

  /** Stops it. If it is due and nobody has come for that yet, it stays so. */
  cancel(): void {
    // Taking it first keeps a wait that goes on at this moment from using the same time again.
    const body = timerOf(this);
    replace(body, () => (body.schedule.take() ? monotonic() : Infinity), 0);
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
    return (await park(requestOf(timerOf(this)), undetected(options))) === true;
  }

  /** As {@link WaitableTimer.wait}, but the thread sleeps: its event loop stands still meanwhile. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return parkSync(requestOf(timerOf(this)), undetected(options)) === true;
  }

  static {
    waitable(WaitableTimer, (timer) => {
      const body = timerOf(timer);
      return {
        request: () => requestOf(body),
        giveBack: () => {
          if (body.schedule.giveBack()) wake(body.cell, parking(), 1);
        },
      };
    });
    shareable(WaitableTimer, KIND.timer, ({ schedule }: TimerBody) => describeDue(schedule));
  }
}

function replace({ cell, schedule }: TimerBody, due: () => number, period: number): void {
  const hasSleepers = participant().arena.exclusively(() => schedule.replace(due(), period));
  if (hasSleepers) wake(cell, parking(), Infinity);
}

function requestOf({ cell, schedule }: TimerBody): WaitRequest<true> {
  return {
    cells: [cell],
    group: cell,
    attempt: () => (schedule.take() ? true : undefined),
    arm: () => schedule.arm(),
    holder: () => 0,
    due: () => schedule.due,
    leave: () => {
      // The next one of this thread has to set its alarm.
      if (cell.waits > 0) parking().scanSoon();
    },
    suspend: () => {},
  };
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

function creation(options: WaitableTimerOptions): Creation {
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
