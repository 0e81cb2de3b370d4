import { BITMAP_WORDS, CELL, CELL_SIZE, KIND, type Arena, type Place } from "../memory/index.ts";
import {
  generationIn,
  hasWaiters,
  parking,
  participant,
  settleCell,
  slotOf,
  wake,
  WAITERS,
  type LocalCell,
  type WaitRequest,
} from "../parking/index.ts";
import type { Guard } from "./guard.ts";
import { permitGuard, type PermitBody } from "./permit-body.ts";
import type { Unreleased } from "./sync-object.ts";

/**
 * The words of the permits of a semaphore, in order, as far as their cells exist: 32 in the cell itself, more in
 * a chain of extension cells.
 */
export function* permitWords(arena: Arena, cell: Place): Iterable<[ints: Int32Array, at: number]> {
  const count = Atomics.load(cell.ints, cell.base + CELL.aux);
  let given = 0;
  let place = cell;
  let [first, words] = [CELL.members as number, BITMAP_WORDS];
  for (;;) {
    for (let word = 0; word < words && given < count; word++, given++) {
      yield [place.ints, place.base + first + word];
    }
    const link = Atomics.load(place.ints, place.base + CELL.extra);
    if (given === count || link <= 0 || link > arena.capacity) return;
    place = arena.cell(link - 1);
    [first, words] = [CELL.refs, EXTENSION_WORDS];
  }
}

/** Words that an extension cell has for permits: all that a cell of its own would use for bitmaps and name. */
const EXTENSION_WORDS: number = CELL_SIZE / 4 - CELL.refs;
// The state: version << 1 | W. The version changes with every release.
const ONE = 2;

/**
 * The permits of a BoundedSemaphore: a word for each, with the token of the one who has it, or 0. So the
 * permits of the dead can be told and taken back. The first 32 words are in the cell itself, more in a
 * chain of extension cells. See docs/sync.md for what users may rely on.
 */
export class Permits implements PermitBody {
  readonly cell: LocalCell;
  /** How many there are, free or taken. */
  readonly count: number;
  readonly #arrays: Int32Array[] = [];
  readonly #at: number[] = [];
  readonly #state: number;
  readonly #token: number;
  /** The one this thread took or gave back last: most often the right one to try first. */
  #hint = 0;

  constructor(cell: LocalCell) {
    this.cell = cell;
    this.count = Atomics.load(cell.ints, cell.base + CELL.aux);
    this.#state = cell.base + CELL.state;
    this.#token = participant().token;
    this.#collect();
    cell.isNeeded ??= () => this.own > 0;
  }

  /** Takes a free one. What the dead have is found by {@link Permits.recover} only. */
  take(): true | undefined {
    const { cell } = this;
    if (!this.#take()) return undefined;
    // Others may still sleep, and a release has forgotten them.
    if (cell.waits > 0) Atomics.or(cell.ints, this.#state, WAITERS);
    return true;
  }

  /**
   * Gives some back: this thread's own first, then anyone's.
   * @returns how many; fewer than asked for when too few are taken.
   */
  giveBack(count: number): number {
    let given = 0;
    // Finding one of its own is enough; only a larger number needs counting.
    if (count > 1 && this.count - this.free < count) return 0;
    for (const isOwn of [true, false]) {
      // What the dead have is free already: it cannot be given back.
      if (!isOwn && given < count) this.recover();
      for (let steps = 0; steps < this.count && given < count; steps++) {
        const index = (this.#hint + steps) % this.count;
        const token = this.#load(index);
        if (token === 0 || (isOwn && token !== this.#token)) continue;
        if (this.#exchange(index, token, 0)) given++;
      }
    }
    if (given > 0) this.#announce(given);
    // Its last handle was closed meanwhile.
    if (this.cell.handles === 0) settleCell(this.cell);
    return given;
  }

  guard(describe: () => string): Guard {
    return permitGuard(this, describe);
  }

  missed(ms: number): string {
    return `had no permit within ${ms} ms; all ${this.count} are taken`;
  }

  tooMany(count: number): string {
    const max = this.count;
    return `was released too often: ${max - this.free} of its ${max} permits are taken, and ${count} were to be given back. Release each permit once.`;
  }

  /** The permits that this thread has; once there is a closed handle, those that were taken through that. */
  unreleased(before?: Unreleased): Unreleased {
    if (before instanceof UnreleasedPermits) {
      before.count++;
      return before;
    }
    return new UnreleasedPermits(this, this.own);
  }

  request(): WaitRequest<true> {
    const { cell } = this;
    return {
      cells: [cell],
      group: cell,
      attempt: () => this.take(),
      arm: () => this.arm(),
      holder: () => this.holder(),
      recover: () => this.recover(),
      leave: () => this.passOn(),
      passOn: () => this.passOn(),
      suspend: () => this.passOn(),
    };
  }

  /** Proves that none is free and notes that somebody sleeps. */
  arm(): boolean {
    const { ints } = this.cell;
    const word = Atomics.load(ints, this.#state);
    const armed = word | WAITERS;
    if (word !== armed && Atomics.compareExchange(ints, this.#state, word, armed) !== word) {
      return false;
    }
    // A release frees first and changes the version then: one of the two is seen here, or finds W.
    return !this.#hasFree() && Atomics.load(ints, this.#state) === armed;
  }

  /** Somebody who has one, other than this thread: its death is worth waking up for. */
  holder(): number {
    for (let index = 0; index < this.count; index++) {
      const token = this.#load(index);
      if (token !== 0 && token !== this.#token) return token;
    }
    return 0;
  }

  /** Takes back what the dead have. */
  recover(): boolean {
    const dead = this.#deadTokens();
    if (dead.size === 0) return false;
    let given = 0;
    for (let index = 0; index < this.count; index++) {
      const token = this.#load(index);
      if (dead.has(token) && this.#exchange(index, token, 0)) given++;
    }
    if (given > 0) this.#announce(given);
    return given > 0;
  }

  /**
   * A wait ended: it may have been rung for one that is still there, by several releases or after it had
   * one. Whoever is rung in its place comes here too, until none is left.
   */
  passOn(): void {
    const { cell } = this;
    const waker = parking();
    if (cell.waits > 0) {
      waker.scanSoon();
      return;
    }
    if (!hasWaiters(cell)) return;
    Atomics.or(cell.ints, this.#state, WAITERS);
    if (this.#hasFree()) wake(cell, waker, 1);
  }

  /** How many this thread has. */
  get own(): number {
    let own = 0;
    for (let index = 0; index < this.count; index++) if (this.#load(index) === this.#token) own++;
    return own;
  }

  /** How many are free, those of the dead among them. */
  get free(): number {
    const dead = this.#deadTokens();
    let free = 0;
    for (let index = 0; index < this.count; index++) {
      const token = this.#load(index);
      if (token === 0 || dead.has(token)) free++;
    }
    return free;
  }

  /** The words are free already: whoever looks from now on finds them. */
  #announce(count: number): void {
    const { cell } = this;
    for (;;) {
      const word = Atomics.load(cell.ints, this.#state);
      const next = ((word & ~WAITERS) + ONE) | 0;
      if (Atomics.compareExchange(cell.ints, this.#state, word, next) !== word) continue;
      if ((word & WAITERS) !== 0) wake(cell, parking(), count);
      return;
    }
  }

  #take(): boolean {
    const { count } = this;
    let index = this.#hint;
    for (let steps = 0; steps < count; steps++) {
      if (this.#exchange(index, 0, this.#token)) {
        this.#hint = index;
        return true;
      }
      index = index + 1 === count ? 0 : index + 1;
    }
    return false;
  }

  #hasFree(): boolean {
    for (let index = 0; index < this.count; index++) if (this.#load(index) === 0) return true;
    return false;
  }

  #deadTokens(): Set<number> {
    const { bells } = parking();
    const alive = new Set([0, this.#token]);
    const dead = new Set<number>();
    for (let index = 0; index < this.count; index++) {
      const token = this.#load(index);
      if (alive.has(token) || dead.has(token)) continue;
      (bells.isAlive(slotOf(token), generationIn(token)) ? alive : dead).add(token);
    }
    return dead;
  }

  #load(index: number): number {
    return Atomics.load(this.#arrays[index]!, this.#at[index]!);
  }

  #exchange(index: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#arrays[index]!, this.#at[index]!, from, to) === from;
  }

  /**
   * Finds all words, and makes the extension cells that are missing: all of them in a new semaphore, the
   * rest in one whose maker died on the way.
   */
  #collect(): void {
    const { arena } = participant();
    this.#read(arena);
    if (this.#at.length === this.count) return;
    arena.exclusively(() => {
      let last: Place = this.cell;
      for (let words = BITMAP_WORDS; words < this.count; words += EXTENSION_WORDS) {
        const link = last.base + CELL.extra;
        if (Atomics.load(last.ints, link) === 0) {
          const { index } = arena.create(KIND.extension, undefined, 0, ({ ints, base }) => {
            ints[base + CELL.aux] = this.cell.index;
          });
          Atomics.store(last.ints, link, index + 1);
        }
        last = arena.cell(Atomics.load(last.ints, link) - 1);
      }
    });
    this.#read(arena);
  }

  #read(arena: Arena): void {
    this.#arrays.length = 0;
    this.#at.length = 0;
    for (const [ints, at] of permitWords(arena, this.cell)) {
      this.#arrays.push(ints);
      this.#at.push(at);
    }
  }
}

class UnreleasedPermits implements Unreleased {
  readonly #permits: Permits;
  count: number;

  constructor(permits: Permits, count: number) {
    this.#permits = permits;
    this.count = count;
  }

  take(count: number): boolean {
    // Others of this thread may have given them back.
    this.count = Math.min(this.count, this.#permits.own);
    if (this.count < count) return false;
    this.count -= count;
    return true;
  }
}
