import { InvalidStateError } from "../errors/index.ts";
import { CELL, KIND, type Place } from "../memory/index.ts";
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
import { boolean } from "../util/checks.ts";
import { RESET_CHECK, SHARED_CHECKS } from "./option-checks.ts";
import { GrantOne } from "./grant-one.ts";
import { undetected } from "./permit-options.ts";
import { Arrival, shareable, SyncObject, type SharedOptions } from "./sync-object.ts";
import { waitable } from "./waitable.ts";

// The state: a count | AUTO | SET | W. Each set and pulse counts in the very step in which it takes effect: were
// it two, who waits could go through, clear the event, and wait again between them, and one set would let it
// through twice.
const SET = 2;
const AUTO = 4;
const COUNT = 8;
const COUNT_SHIFT = 3;

/** How an event is reset: by `clear`, or by each wait that it lets through. */
export type ResetMode = "manual" | "auto";

/** Options of events. */
export interface EventOptions extends SharedOptions {
  /** `"manual"` (default): set lets everybody through until it is cleared; `"auto"`: each set lets one through. */
  readonly reset?: ResetMode;
  /** Whether a new one is set; default: false. */
  readonly signaled?: boolean;
}

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
  readonly #state: number;
  readonly #isAuto: boolean;
  /** Lets a pulse choose who goes on. */
  readonly #grants: GrantOne;

  /** @throws InvalidStateError when an event of this name is there with another `reset`. */
  constructor(options?: EventOptions);
  /** @internal */
  constructor(options: EventOptions | Arrival = {}) {
    super(options instanceof Arrival ? options : creation(options));
    const { cell } = this;
    this.#state = cell.base + CELL.state;
    this.#isAuto = (Atomics.load(cell.ints, this.#state) & AUTO) !== 0;
    this.#grants = new GrantOne(cell);
  }

  /** How it is reset. */
  get reset(): ResetMode {
    return this.#isAuto ? "auto" : "manual";
  }

  /** Whether a wait would go through now. */
  get isSet(): boolean {
    return this.#isSetIn(this.cell);
  }

  /** Sets it: lets all that wait through, or one if it resets by itself. Does nothing if it is set. */
  set(): void {
    this.#set(this.cell);
  }

  #set(cell: LocalCell): void {
    const word = this.#change(cell, SET, true);
    if ((word & WAITERS) !== 0) wake(cell, parking(), this.#isAuto ? 1 : Infinity);
  }

  /** Takes it back: waits block again. Of an event that resets by itself it takes back a set that nobody has used yet. */
  clear(): void {
    const { cell } = this;
    Atomics.and(cell.ints, this.#state, ~SET);
  }

  /**
   * Lets those through that wait right now - one of them if it resets by itself - and leaves it cleared.
   * When nobody waits nothing is left of it.
   */
  pulse(): void {
    const { cell } = this;
    if (this.#isAuto) {
      const word = Atomics.and(cell.ints, this.#state, ~SET);
      // It was set for one who has not woken up yet, if anybody sleeps.
      if ((word & SET) !== 0) this.#grants.give();
      this.#grants.give();
      return;
    }
    const word = this.#change(cell, 0, false);
    if ((word & WAITERS) !== 0) wake(cell, parking(), Infinity);
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
    return (await park(this.#wish(), undetected(options))) === true;
  }

  /** As {@link Event.wait}, but the thread sleeps: its event loop stands still meanwhile. */
  waitSync(options?: WaitOptions): boolean {
    checkWait(options);
    return parkSync(this.#wish(), undetected(options)) === true;
  }

  #isSetIn({ ints }: LocalCell): boolean {
    return (Atomics.load(ints, this.#state) & SET) !== 0;
  }

  /** How often it was set or pulsed. */
  #countOf({ ints }: LocalCell): number {
    return Atomics.load(ints, this.#state) >>> COUNT_SHIFT;
  }

  /** Sets or clears it, counts that and forgets who sleeps, in one step; gives the word before. */
  #change(cell: LocalCell, set: typeof SET | 0, keepsWaiters: boolean): number {
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      // It is set already: who sleeps was rung then, and may have noted it again since.
      if (keepsWaiters && (word & SET) === set) return word & WAITERS;
      const next = ((word + COUNT) & ~(SET | WAITERS)) | set;
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return word;
    }
  }

  #wish(): Wish<true> {
    const { cell } = this;
    if (this.#isAuto) {
      const turn = this.#grants.begin();
      return {
        cells: [cell],
        group: cell,
        attempt: () => (turn.take() ? true : this.#attemptAuto(cell)),
        arm: () => this.#arm(cell, () => turn.isGiven),
        holder: () => 0,
        leave: () => this.#passOn(cell),
        passOn: () => this.#passOn(cell),
        suspend: () => this.#passOn(cell),
      };
    }
    const begun = this.#countOf(cell);
    const isPast = (): boolean => this.#countOf(cell) !== begun;
    return {
      cells: [cell],
      group: cell,
      attempt: () => (this.#isSetIn(cell) || isPast() ? true : undefined),
      arm: () => this.#arm(cell, isPast),
      holder: () => 0,
      leave: () => {
        // Everybody was rung: those behind this one only have to be looked at.
        if (cell.waits > 0) parking().scanSoon();
      },
      suspend: () => {},
    };
  }

  #attemptAuto(cell: LocalCell): true | undefined {
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if ((word & SET) === 0) return undefined;
      // Others may still sleep, and the word has forgotten them.
      const next = (word & ~SET) | (cell.waits > 0 ? WAITERS : 0);
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) === word) return true;
    }
  }

  /** Notes that somebody sleeps; a pulse leaves no trace in the state, so it is looked for afterwards. */
  #arm(cell: LocalCell, isReleased: () => boolean): boolean {
    const word = Atomics.load(cell.ints, this.#state);
    if ((word & SET) !== 0) return false;
    const armed = word | WAITERS;
    if (word !== armed && Atomics.compareExchange(cell.ints, this.#state, word, armed) !== word)
      return false;
    return !isReleased();
  }

  /** A wait ended: it may have been rung for a set that nobody has used, or chosen by a pulse since. */
  #passOn(cell: LocalCell): void {
    if (cell.waits > 0) {
      parking().scanSoon();
      return;
    }
    if (this.#grants.take()) this.#grants.give();
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      if ((word & SET) !== 0) {
        wake(cell, parking(), 1);
        return;
      }
      if ((word & WAITERS) !== 0 || !hasWaiters(cell)) return;
      if (Atomics.compareExchange(cell.ints, this.#state, word, word | WAITERS) === word) return;
    }
  }

  static {
    waitable(Event, {
      wish: (event) => event.#wish(),
      giveBack: (event) => {
        if (event.#isAuto) event.#set(event.words);
      },
    });
    shareable(
      Event,
      KIND.event,
      (arrival) => new Event(arrival as EventOptions),
      (event) =>
        event.isClosed
          ? "Event { closed }"
          : `Event { ${event.isSet ? "set" : "clear"}, ${event.reset} reset }`,
    );
  }
}

const EVENT: OptionTable<EventOptions> = {
  of: "Event",
  checks: { ...SHARED_CHECKS, reset: RESET_CHECK, signaled: boolean },
  sisters: { set: "signaled", isSet: "signaled", signalled: "signaled" },
};

function creation(options: EventOptions): ConstructorParameters<typeof SyncObject>[0] {
  checkOptions(options, EVENT);
  const { name, reset = "manual", signaled = false } = options;
  const mode = modeBit(reset);
  return {
    kind: KIND.event,
    name,
    fill: ({ ints, base }) => {
      ints[base + CELL.state] = mode | (signaled ? SET : 0);
    },
    check: ({ ints, base }: Place) => {
      if ((Atomics.load(ints, base + CELL.state) & AUTO) === mode) return;
      throw new InvalidStateError(
        `The event ${JSON.stringify(name)} exists with ${mode === AUTO ? "manual" : "automatic"} reset: open it with { reset: "${mode === AUTO ? "manual" : "auto"}" }, or choose another name.`,
      );
    },
  };
}

function modeBit(reset: ResetMode): number {
  return reset === "auto" ? AUTO : 0;
}
