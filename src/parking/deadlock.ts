import { DeadlockError } from "../errors/index.ts";
import {
  CELL,
  GENERATION_MASK,
  KIND,
  KIND_NAMES,
  WAIT_ANY,
  WAIT_SYNC,
  WAIT_UNDETECTED,
  SLOT,
  type Arena,
} from "../memory/index.ts";
import type { Context } from "./context.ts";
import { describeSlot } from "./describe.ts";
import type { Participant } from "./participant.ts";
import { generationIn, slotOf } from "./token.ts";
import { readWaits, type NotedWait, type WaitNote } from "./wait-records.ts";
import type { Wish } from "./wish.ts";

/** A cycle that still stands after this time is taken for one: a slice where threads sleep, more for tasks. */
const CONFIRM_SYNC_MS = 20;
const CONFIRM_ASYNC_MS = 250;
/** Longer chains are not followed. */
const MAX_LINKS = 64;

interface DetectOptions {
  readonly detectDeadlock?: boolean;
  readonly timeout?: number | undefined;
}

/** One step of a chain: `slot` waits for `cell`, which the next one holds. */
export interface Link {
  readonly slot: number;
  readonly wait: NotedWait;
}

/**
 * Follows, from one wait, who holds what is waited for, what that holder waits for, and so on.
 *
 * Only certain steps are taken: the holder's whole thread sleeps, or the wait is in the async context that
 * holds. A wait for any of several, and a wait beyond what a slot has room to note, ends the chain.
 * @returns the cycle, if it closes at `start`.
 */
export function findCycle(arena: Arena, start: Link): Link[] | undefined {
  const chain: Link[] = [start];
  for (let link = start; chain.length <= MAX_LINKS;) {
    const holder = holderOf(arena, link.wait);
    if (holder === undefined) return undefined;
    if (holder.slot === start.slot && blocks(start.wait, holder.context)) return chain;
    const next = readWaits(arena.slot(holder.slot)).find((wait) => blocks(wait, holder.context));
    if (next === undefined) return undefined;
    // A cycle that does not lead back here belongs to those who are in it.
    if (chain.some((known) => known.slot === holder.slot && known.wait.cell === next.cell))
      return undefined;
    link = { slot: holder.slot, wait: next };
    chain.push(link);
  }
  return undefined;
}

/** Whether a hold of `context` cannot end before this wait does. */
function blocks(wait: NotedWait, context: number): boolean {
  if ((wait.flags & WAIT_ANY) !== 0) return false;
  return (wait.flags & WAIT_SYNC) !== 0 || (context !== 0 && wait.contexts.includes(context));
}

/** Who holds what a wait waits for, if exactly one participant does. */
function holderOf(arena: Arena, wait: NotedWait): { slot: number; context: number } | undefined {
  if (wait.cell >= arena.capacity) return undefined;
  const { kind, generation } = arena.head(wait.cell);
  if (generation !== wait.generation) return undefined;
  if (kind !== KIND.lock && kind !== KIND.rlock && kind !== KIND.rwLock) return undefined;
  const { ints, base } = arena.cell(wait.cell);
  const token = Atomics.load(ints, base + CELL.state);
  const slot = slotOf(token);
  if (slot < 0) return undefined;
  const place = arena.slot(slot);
  const word = Atomics.load(place.ints, place.base + SLOT.word);
  if (((word >>> 2) & GENERATION_MASK) !== generationIn(token)) return undefined;
  return { slot, context: Atomics.load(ints, base + CELL.context) };
}

/** Watches one wait for being part of a cycle. */
export class DeadlockWatch {
  readonly note: WaitNote;
  readonly #participant: Participant;
  readonly #wish: Wish<{}>;
  #seen: { readonly shape: string; readonly at: number } | undefined;

  constructor(
    participant: Participant,
    wish: Wish<{}>,
    isSync: boolean,
    context: Context | undefined,
    options: DetectOptions | undefined,
  ) {
    this.#participant = participant;
    this.#wish = wish;
    this.note = {
      isSync,
      isAny: wish.isAny === true,
      isTimed: options?.timeout !== undefined,
      isDetected: options?.detectDeadlock !== false,
      context,
    };
  }

  /**
   * Looks for a cycle. The first time it is only remembered; when it stands a while later, the wait that
   * closed it, which began last, is the one that fails.
   * @param elapsed - milliseconds since the wait began.
   * @throws DeadlockError
   */
  check(elapsed: number): void {
    if (!this.note.isDetected || this.note.isAny) return;
    const own = this.#ownWait();
    if (own === undefined) return;
    const start: Link = { slot: this.#participant.slot, wait: own };
    const cycle = findCycle(this.#participant.arena, start);
    if (cycle === undefined || (cycle.length === 1 && !this.#isStuckOnItself) || !isVictim(cycle)) {
      this.#seen = undefined;
      return;
    }
    const shape = cycle.map(({ slot, wait }) => `${slot}:${wait.cell}:${wait.since}`).join();
    if (this.#seen?.shape !== shape) {
      this.#seen = { shape, at: elapsed };
    }
    const isAllSync = cycle.every(({ wait }) => (wait.flags & WAIT_SYNC) !== 0);
    const isCertain = isAllSync && cycle.length === 1;
    const confirm = isAllSync ? CONFIRM_SYNC_MS : CONFIRM_ASYNC_MS;
    if (!isCertain && elapsed - this.#seen.at < confirm) return;
    throw new DeadlockError(describeCycle(this.#participant.arena, cycle));
  }

  /** Waiting without end for what this thread itself holds; it may also just have been handed what it waits for. */
  get #isStuckOnItself(): boolean {
    return !this.note.isTimed && this.#wish.cells.some((cell) => cell.isHeld);
  }

  /** This wait as the others see it; the first cell stands for all of a wait for several. */
  #ownWait(): NotedWait | undefined {
    const [cell] = this.#wish.cells;
    if (cell === undefined) return undefined;
    return readWaits(this.#participant.place).find(
      (wait) =>
        wait.cell === cell.index &&
        this.note.isSync === ((wait.flags & WAIT_SYNC) !== 0) &&
        (this.note.isSync || wait.contexts[0] === this.note.context?.id),
    );
  }
}

/** Of all that could fail, the wait that began last; the first in the cycle is the one that asks. */
function isVictim([own, ...others]: Link[]): boolean {
  if (own === undefined) return false;
  return others.every(({ slot, wait }) => {
    if ((wait.flags & WAIT_UNDETECTED) !== 0) return true;
    return wait.since === own.wait.since ? slot <= own.slot : wait.since < own.wait.since;
  });
}

/** `MainProcess (pid 7) waits for Lock "b", held by Process-1 (pid 9), who waits for Lock "a", held by MainProcess (pid 7).` */
export function describeCycle(arena: Arena, cycle: readonly Link[]): string {
  const parts = cycle.map(({ wait }, index) => {
    const holder = cycle[(index + 1) % cycle.length]!;
    const { kind } = arena.head(wait.cell);
    const name = arena.nameOf(wait.cell);
    const what = `${KIND_NAMES[kind] ?? "object"} ${name === undefined ? `#${wait.cell}` : JSON.stringify(name)}`;
    return `waits for ${what}, held by ${describeSlot(arena, holder.slot)}`;
  });
  return `Deadlock: ${describeSlot(arena, cycle[0]!.slot)} ${parts.join(", which ")}. Take locks in the same order everywhere, or wait with a timeout.`;
}
