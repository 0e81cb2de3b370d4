import { GENERATION_MASK, SLOT, SLOT_COUNT, SLOT_LIVE, type Arena } from "../memory/index.ts";

// An owner token, in 32 bits: generation:19 << 13 | (slot + 1):11 << 2 | S:1 | W:1. 0 is nobody.

/** The lowest bit of every state word: somebody sleeps until it changes. */
export const WAITERS = 1;
/** Of a state word with an owner: the release hands over to whom the cell's `starving` names. */
export const STARVING = 2;

/** The token of a participant, without flags. */
export function tokenOf(slot: number, generation: number): number {
  return ((generation & GENERATION_MASK) << 13) | ((slot + 1) << 2);
}

/** The token in a state word. */
export function ownerIn(word: number): number {
  return word & ~(WAITERS | STARVING);
}

/** The slot a token names; -1 for nobody. */
export function slotOf(token: number): number {
  return ((token >>> 2) & 0x7ff) - 1;
}

export function generationIn(token: number): number {
  return token >>> 13;
}

/** Whether the slot still belongs to whom the token names. One who was killed may still seem so. */
export function isCurrent(arena: Arena, token: number): boolean {
  const slot = slotOf(token);
  if (slot < 0 || slot >= SLOT_COUNT) return false;
  const { ints, base } = arena.slot(slot);
  const word = Atomics.load(ints, base + SLOT.word);
  return (word & 3) === SLOT_LIVE && ((word >>> 2) & GENERATION_MASK) === generationIn(token);
}
