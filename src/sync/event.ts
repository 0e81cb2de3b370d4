import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { park, parkSync, type Creation } from "../parking/index.ts";
import { boolean } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { EventWord } from "./event-word.ts";
import { RESET_CHECK, SHARED_CHECKS } from "./option-checks.ts";
import { undetected } from "./permit-options.ts";
import { Arrival, openBody, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

/** How an event is reset: by `clear`, or by each wait that it lets through. */
export type ResetMode = "manual" | "auto";

/** Options of events. */
export interface EventOptions extends SharedOptions {
  /** `"manual"` (default): set lets everybody through until it is cleared; `"auto"`: each set lets one through. */
  readonly reset?: ResetMode;
  /** Whether a new one is set; default: false. */
  readonly signaled?: boolean;
}

const wordOf: (event: Event) => EventWord = openBody as never;

/**
 * A flag that tasks, threads and processes wait for.
 *
 * A manual event is Python's: {@link Event.set} lets all through that wait and all that come, until
 * {@link Event.clear}. Who waited when it was set goes on even if it is cleared at once. An event with
 * automatic reset lets one through for each set; setting it twice before anyone comes is once.
 *
 * @example
 * const ready = new Event({ name: "ready" });
 * if (!(await ready.wait({ timeout: 2000 }))) console.log("not yet");
 * @since 0.2.0
 */
export class Event extends SyncObject {
  /** @throws InvalidStateError when an event of this name is there with another `reset`. */
  constructor(options?: EventOptions);
  /** @internal */
  constructor(options: EventOptions | Arrival = {}) {
    super(options instanceof Arrival ? options : creation(options), (cell) => new EventWord(cell));
  }

  /** How it is reset. */
  get reset(): ResetMode {
    return wordOf(this).isAuto ? "auto" : "manual";
  }

  /** Whether a wait would go through now. */
  get isSet(): boolean {
    return wordOf(this).isSet;
  }

  /** Sets it: lets all that wait through, or one if it resets by itself. Does nothing if it is set. */
  set(): void {
    wordOf(this).set();
  }

  /** Takes it back: waits block again. Of an event that resets by itself it takes back a set that nobody has used yet. */
  clear(): void {
    wordOf(this).clear();
  }

  /**
   * Lets those through that wait right now - one of them if it resets by itself - and leaves it cleared.
   * When nobody waits nothing is left of it.
   */
  pulse(): void {
    wordOf(this).pulse();
  }

  /**
   * Waits until it is set, or pulsed.
   *
   * **Cancellation**: safe; an event with automatic reset stays set for another.
   * @returns false when the time was up.
   * @throws `signal.reason`.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    checkWait(options);
    return (await park(wordOf(this).request(), undetected(options))) === true;
  }

  /** Waits as `wait()` does; the thread sleeps, and its event loop stands still meanwhile. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return parkSync(wordOf(this).request(), undetected(options)) === true;
  }

  static {
    waitable(Event, (event) => {
      const word = wordOf(event);
      return {
        request: () => word.request(),
        giveBack: () => {
          if (word.isAuto) word.set();
        },
      };
    });
    shareable(
      Event,
      KIND.event,
      ({ isSet, isAuto }: EventWord) =>
        `${isSet ? "set" : "clear"}, ${isAuto ? "auto" : "manual"} reset`,
    );
  }
}

const EVENT: OptionTable<EventOptions> = {
  of: "Event",
  checks: { ...SHARED_CHECKS, reset: RESET_CHECK, signaled: boolean },
  sisters: { set: "signaled", isSet: "signaled", signalled: "signaled" },
};

function creation(options: EventOptions): Creation {
  checkOptions(options, EVENT);
  const { name, reset = "manual", signaled = false } = options;
  const isAuto = reset === "auto";
  return {
    kind: KIND.event,
    name,
    fill: (place) => EventWord.fill(place, isAuto, signaled),
    check: (place) => {
      if (EventWord.isAuto(place) === isAuto) return;
      throw new InvalidStateError(
        `The event ${JSON.stringify(name)} exists with ${isAuto ? "manual" : "automatic"} reset: open it with { reset: "${isAuto ? "manual" : "auto"}" }, or choose another name.`,
      );
    },
  };
}
