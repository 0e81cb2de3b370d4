import { InvalidStateError } from "../errors/index.ts";
import { globalSlot } from "../util/global-slot.ts";

/** Something that is given away inside a message, such as one end of a pipe. */
export interface Move {
  /** The message is complete: from now on the object belongs to its receiver. Must not throw. */
  commit(): void;
  /** The message will not be read: the object is given up. No effect once the receiver has it. */
  lost(): void;
  /** The same message goes out once more, after somebody may have read it. Absent when it can be read once. */
  again?(): void;
}

interface Slot {
  /** A message is being written. */
  isOpen: boolean;
  /** Objects it gives away, once there are some. */
  collected: Move[] | undefined;
  /** The reason why objects that can be read once are refused in it. */
  refusal: string | undefined;
}

/** One for all copies of this package: the codec of one writes the classes of another. */
const slot: Slot = globalSlot("moves", () => ({
  isOpen: false,
  collected: undefined,
  refusal: undefined,
}));

/**
 * To be called by the `encode` of a class whose instances move instead of being copied: `encode` itself
 * must change nothing, since the value around the instance may turn out not to be able to travel.
 */
export function moves(move: Move): void {
  if (slot.refusal !== undefined && move.again === undefined) {
    throw new InvalidStateError(slot.refusal);
  }
  if (slot.isOpen) (slot.collected ??= []).push(move);
}

/** The collection of another message, inside which this one is written; none for most. */
export type Collection = Readonly<Slot> | undefined;

/**
 * Begins to collect.
 *
 * @param refusal - why what can be read once is refused.
 * @returns what was being collected: a getter may encode something on its own.
 */
export function collectMoves(refusal?: string): Collection {
  const outer = slot.isOpen ? { ...slot } : undefined;
  slot.isOpen = true;
  slot.collected = undefined;
  slot.refusal = refusal;
  return outer;
}

/** The number of moves so far, to return to this point. */
export function countMoves(): number {
  return slot.collected?.length ?? 0;
}

/** Forgets those that were collected after there were `count`. */
export function forgetMoves(count: number): void {
  if (countMoves() > count) slot.collected?.splice(count);
}

/** Carries out what was collected. */
export function commitMoves(): readonly Move[] | undefined {
  const done = slot.collected;
  if (done === undefined || done.length === 0) return undefined;
  for (const move of done) move.commit();
  return done;
}

/** Ends what {@link collectMoves} began. */
export function endMoves(outer: Collection): void {
  slot.isOpen = outer !== undefined;
  slot.collected = outer?.collected;
  slot.refusal = outer?.refusal;
}

/** Gives up what a message held that will not be read. */
export function loseMoves(given: readonly Move[] | undefined): void {
  if (given !== undefined) for (const move of given) move.lost();
}
