import { DeadlockError } from "../errors/index.ts";
import {
  CELL,
  GENERATION_MASK,
  KIND,
  KIND_NAMES,
  WAIT_ANY,
  WAIT_AWAITED,
  WAIT_SYNC,
  WAIT_UNDETECTED,
  SLOT,
  type Arena,
} from "../memory/index.ts";
import type { Context } from "./context.ts";
import { describeSlot } from "./describe.ts";
import type { Participant } from "./participant.ts";
import { generationIn, slotOf } from "./token.ts";
import { markAwaited, readWaits, type NotedWait, type WaitNote } from "./wait-records.ts";
import { isAwaited } from "./evidence.ts";
import type { ParkOptions } from "./park-options.ts";
import { hasWaiters } from "./wake.ts";
import type { WaitRequest } from "./wait-request.ts";

/** A cycle that still stands after this time is taken for one: a slice where threads sleep, more for tasks. */
const CONFIRM_SYNC_MS = 20;
const CONFIRM_ASYNC_MS = 1000;
/** Longer chains are not followed. */
const MAX_LINKS = 64;

/** One step of a chain: `slot` waits for `cell`, which the next one holds. */
export interface Link {
  readonly slot: number;
  readonly wait: NotedWait;
}

/**
 * Follows, from one wait, who holds what is waited for, what that holder waits for, and so on.
 *
 * Only certain steps are taken: the holder's whole thread sleeps, or the wait is in the async context that
 * holds, whose task is known to await it (`evidence.ts`). A wait for any of several, and a wait beyond what a slot has room to note, ends the chain.
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
  if ((wait.flags & WAIT_SYNC) !== 0) return true;
  return (wait.flags & WAIT_AWAITED) !== 0 && context !== 0 && wait.contexts.includes(context);
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
  readonly #request: WaitRequest<{}>;
  readonly #blockedBySelf: (() => Error | undefined) | undefined;
  #records: readonly number[] = [];
  #isAwaited = false;
  #seen: { readonly shape: string; readonly at: number } | undefined;

  constructor(
    participant: Participant,
    request: WaitRequest<{}>,
    isSync: boolean,
    context: Context | undefined,
    options: ParkOptions | undefined,
  ) {
    this.#blockedBySelf = options?.blockedBySelf;
    this.#participant = participant;
    this.#request = request;
    this.note = {
      isSync,
      isAny: request.isAny === true,
      isTimed: options?.timeout !== undefined,
      isDetected: options?.detectDeadlock !== false,
      context,
    };
  }

  /** Whether it has to be known if somebody awaits the wait: its task holds something. */
  get wantsEvidence(): boolean {
    return !this.note.isSync && this.#isHolding;
  }

  get #isHolding(): boolean {
    for (let at = this.note.context; at !== undefined; at = at.parent)
      if (at.isHolding) return true;
    return false;
  }

  /** The wait is noted in these records of this thread's slot. */
  notedIn(records: readonly number[]): void {
    this.#records = records;
  }

  /** The same promise, by way of a turn of its own in which it is looked who awaits it. */
  async lookForAwait<T>(promise: Promise<T>): Promise<T> {
    await Promise.resolve();
    this.#isAwaited = isAwaited();
    return promise;
  }

  /** Whether the task of `other`, which holds what somebody waits for, waits for this, too. */
  shares(other: DeadlockWatch): boolean {
    for (let at = this.note.context; at !== undefined; at = at.parent) {
      if (!at.isHolding || at.cell === undefined || !hasWaiters(at.cell)) continue;
      for (let its = other.note.context; its !== undefined; its = its.parent)
        if (its === at) return true;
    }
    return false;
  }

  /**
   * Notes, for all who follow a chain through this wait, whether its task can go on without it.
   *
   * @param isInDoubt - something else may make this thread's event loop run code of the task.
   */
  noteEvidence(isInDoubt: boolean): void {
    const isCertain = this.#isAwaited && !isInDoubt;
    for (const record of this.#records) markAwaited(this.#participant.place, record, isCertain);
    if (!isCertain) this.#seen = undefined;
  }

  /**
   * Looks for a cycle. The first time it is only remembered; when it stands a while later, the wait that
   * closed it, which began last, is the one that fails.
   * @param elapsed - milliseconds since the wait began.
   * @throws DeadlockError
   */
  check(elapsed: number): void {
    const own = this.#ownWait();
    if (own === undefined || (own.flags & (WAIT_SYNC | WAIT_AWAITED)) === 0) return;
    const self = this.#blockedBySelf?.();
    if (self !== undefined) {
      if (this.#stands("self", elapsed) >= CONFIRM_ASYNC_MS) throw self;
      return;
    }
    if (!this.note.isDetected || this.note.isAny) return;
    const start: Link = { slot: this.#participant.slot, wait: own };
    const cycle = findCycle(this.#participant.arena, start);
    if (cycle === undefined || (cycle.length === 1 && !this.#isStuckOnItself) || !isVictim(cycle)) {
      this.#seen = undefined;
      return;
    }
    const shape = cycle.map(({ slot, wait }) => `${slot}:${wait.cell}:${wait.since}`).join();
    const stands = this.#stands(shape, elapsed);
    const isAllSync = cycle.every(({ wait }) => (wait.flags & WAIT_SYNC) !== 0);
    const isCertain = isAllSync && cycle.length === 1;
    const confirm = isAllSync ? CONFIRM_SYNC_MS : CONFIRM_ASYNC_MS;
    if (!isCertain && stands < confirm) return;
    throw new DeadlockError(describeCycle(this.#participant.arena, cycle));
  }

  /** For how long this is what has been seen, in milliseconds. */
  #stands(shape: string, elapsed: number): number {
    if (this.#seen?.shape !== shape) this.#seen = { shape, at: elapsed };
    return elapsed - this.#seen.at;
  }

  /** Waiting without end for what this thread itself holds; it may also just have been handed what it waits for. */
  get #isStuckOnItself(): boolean {
    return !this.note.isTimed && this.#request.cells.some((cell) => cell.isHeld);
  }

  /** This wait as the others see it; the first cell stands for all of a wait for several. */
  #ownWait(): NotedWait | undefined {
    const [cell] = this.#request.cells;
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
