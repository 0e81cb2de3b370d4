import { BITMAP_WORDS, CELL } from "../memory/index.ts";
import {
  currentContext,
  isWithin,
  ownerIn,
  parking,
  settleCell,
  slotOf,
  tokenOf,
  wakeAll,
  generationIn,
  WAITERS,
  type Context,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";

/** One hold of a reader. */
export interface Reading {
  /** Whose it is; undefined is the whole thread. */
  readonly context: Context | undefined;
  /** Where code was that took it for the whole thread. */
  readonly origin: Context | undefined;
}

interface Group {
  readonly readings: Set<Reading>;
}

/** What a thread reads, for all of its handles of one lock. */
const groups = new WeakMap<LocalCell, Group>();

/**
 * The readers' side of an RWLock: a bit in `members` for each participant that reads, and a count in
 * the thread. A reader sets its bit first and looks for a writer then; a writer takes the word first and looks
 * for bits then: at least one of the two sees the other.
 */
export class Readers {
  readonly cell: LocalCell;
  readonly #group: Group;
  readonly #state: number;
  readonly #slot: number;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.#state = cell.base + CELL.state;
    this.#slot = parking().slot;
    let group = groups.get(cell);
    if (group === undefined) {
      group = { readings: new Set() };
      groups.set(cell, group);
    }
    this.#group = group;
  }

  /** Reads, unless somebody writes or waits to; within a reading it always may, for a writer waits for that one. */
  take(context: Context | undefined): Reading | undefined {
    const { cell } = this;
    const isNested =
      context === undefined ? cell.members > 0 : this.isReading(context.parent, "async");
    if (!isNested) {
      if (this.#writer !== 0) return undefined;
      if (cell.members === 0) {
        Atomics.or(cell.ints, this.#word(this.#slot), 1 << (this.#slot & 31));
        if (this.#writer !== 0) {
          this.#clearOwn();
          return undefined;
        }
      }
    }
    cell.members++;
    const reading = { context, origin: context === undefined ? currentContext() : undefined };
    this.#group.readings.add(reading);
    if (context !== undefined) {
      context.isHolding = true;
      context.cell = cell;
    }
    return reading;
  }

  /** Ends a reading. */
  release(reading: Reading): void {
    if (!this.#group.readings.delete(reading)) return;
    if (reading.context !== undefined) reading.context.isHolding = false;
    if (--this.cell.members > 0) return;
    this.#clearOwn();
    // Its last handle was closed meanwhile.
    if (this.cell.handles === 0) settleCell(this.cell);
  }

  /** Whether the code that calls is inside a reading: then it cannot wait for a writer, nor be one. */
  isReading(current: Context | undefined, manner: "sync" | "async"): boolean {
    if (manner === "sync") return this.cell.members > 0;
    for (const { context, origin } of this.#group.readings) {
      const outer = context ?? origin;
      if (outer === undefined ? current === undefined : isWithin(current, outer)) return true;
    }
    return false;
  }

  /** Whether the code that calls is inside a reading that was taken for its task, not for the thread. */
  isReadingTask(current: Context | undefined): boolean {
    for (const { context } of this.#group.readings) {
      if (context !== undefined && isWithin(current, context)) return true;
    }
    return false;
  }

  /** How many participants read. */
  get count(): number {
    let count = 0;
    for (let word = 0; word < BITMAP_WORDS; word++) {
      for (let bits = this.#bits(word); bits !== 0; bits &= bits - 1) count++;
    }
    return count;
  }

  get isEmpty(): boolean {
    for (let word = 0; word < BITMAP_WORDS; word++) if (this.#bits(word) !== 0) return false;
    return true;
  }

  /** The request to read. */
  request(context: Context | undefined): WaitRequest<Reading> {
    const { cell } = this;
    return {
      cells: [cell],
      // Apart from the writers' waits, so that neither keeps the other from being looked at.
      group: this.#group,
      attempt: () => this.take(context),
      arm: () => this.#arm(),
      holder: () => this.#writer,
      recover: () => this.#recover(),
      leave: () => {
        // Everybody was rung: those behind this one only have to be looked at.
        if (cell.waits > 0) parking().scanSoon();
      },
      // Nothing that comes for one reader is withheld from others.
      suspend: () => {},
    };
  }

  /** A writer's request that nobody reads any more; readers that leave ring the writer. */
  drained(): WaitRequest<true> {
    return {
      cells: [this.cell],
      group: {},
      attempt: () => (this.isEmpty ? true : undefined),
      arm: () => !this.isEmpty,
      holder: () => this.#firstReader(),
      recover: () => this.#buryReaders(),
      suspend: () => {},
    };
  }

  get #writer(): number {
    return ownerIn(Atomics.load(this.cell.ints, this.#state));
  }

  #arm(): boolean {
    const { ints } = this.cell;
    const word = Atomics.load(ints, this.#state);
    if (ownerIn(word) === 0) return false;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(ints, this.#state, word, word | WAITERS) === word;
  }

  /** Removes a writer that died; that it was writing remains noted. */
  #recover(): boolean {
    const { cell } = this;
    const { bells } = parking();
    const word = Atomics.load(cell.ints, this.#state);
    const writer = ownerIn(word);
    if (writer === 0 || bells.isAlive(slotOf(writer), generationIn(writer))) return false;
    if (Atomics.compareExchange(cell.ints, this.#state, word, 0) === word) wakeAll(cell, bells);
    return true;
  }

  /** Clears the bits of readers that died; exclusively, for a slot must not get a new owner meanwhile. */
  #buryReaders(): boolean {
    const { participant, bells } = parking();
    const dead = this.#otherSlots().filter((slot) => !isAlive(slot));
    if (dead.length === 0) return false;
    return participant.arena.exclusively(() => {
      let count = 0;
      for (const slot of dead) {
        if (isAlive(slot)) continue;
        const bit = 1 << (slot & 31);
        if ((Atomics.and(this.cell.ints, this.#word(slot), ~bit) & bit) !== 0) count++;
      }
      return count > 0;
    });
    function isAlive(slot: number): boolean {
      const generation = bells.generationOf(slot);
      return generation !== undefined && bells.isAlive(slot, generation);
    }
  }

  #firstReader(): number {
    const [slot] = this.#otherSlots();
    const generation = slot === undefined ? undefined : parking().bells.generationOf(slot);
    return slot === undefined || generation === undefined ? 0 : tokenOf(slot, generation);
  }

  #otherSlots(): number[] {
    const slots: number[] = [];
    for (let word = 0; word < BITMAP_WORDS; word++) {
      for (let bits = this.#bits(word); bits !== 0; bits &= bits - 1) {
        const slot = word * 32 + (31 - Math.clz32(bits & -bits));
        if (slot !== this.#slot) slots.push(slot);
      }
    }
    return slots;
  }

  /** Ends this thread's part; the last reader rings the writer that waits for it. */
  #clearOwn(): void {
    const { ints } = this.cell;
    Atomics.and(ints, this.#word(this.#slot), ~(1 << (this.#slot & 31)));
    const writer = this.#writer;
    if (writer === 0 || !this.isEmpty) return;
    const waker = parking();
    if (slotOf(writer) === waker.slot) waker.scanSoon();
    // When it is dead, the next who looks removes it.
    else waker.bells.ring(slotOf(writer));
  }

  #word(slot: number): number {
    return this.cell.base + CELL.members + (slot >>> 5);
  }

  #bits(word: number): number {
    return Atomics.load(this.cell.ints, this.cell.base + CELL.members + word);
  }
}
