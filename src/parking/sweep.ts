import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  BITMAP_WORDS,
  CELL,
  FLAG_KEEPS_MARK,
  FLAG_PERSISTENT,
  GENERATION_MASK,
  HEADER,
  KIND,
  KINDS_WITH_FILE,
  onSharedFile,
  RW_WRITING,
  SLOT,
  SLOT_COUNT,
  SLOT_FREE,
  SLOT_LIVE,
  type Arena,
  type Place,
} from "../memory/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { bellPath, type Doorbells } from "./doorbells.ts";
import { BARRIER_BROKEN } from "./state-words.ts";
import { ownerIn } from "./token.ts";
import { wakeAll } from "./wake.ts";

/** The file behind a cell of kind `segment` or `queue`. */
export function segmentPath(folder: string, index: number, generation: number): string {
  return join(folder, `s.${index}-${generation}`);
}

/** Whether any participant, dead or alive, has the cell open. */
function hasRefs({ ints, base }: Place): boolean {
  for (let word = 0; word < BITMAP_WORDS; word++) {
    if (Atomics.load(ints, base + CELL.refs + word) !== 0) return true;
  }
  return false;
}

/**
 * Ends a cell and what belongs to it: its file and its extensions. Call it exclusively.
 *
 * The file goes first: a crash in between leaves a cell without a file, which reads as missing.
 */
function discardCell(arena: Arena, index: number): void {
  const { kind, generation } = arena.head(index);
  const { ints, base } = arena.cell(index);
  if (KINDS_WITH_FILE.has(kind)) {
    const path = segmentPath(arena.folder, index, generation);
    onSharedFile(path, () => rmSync(path, { force: true, recursive: true }));
  }
  let link = Atomics.load(ints, base + CELL.extra);
  arena.free(index);
  const limit = arena.capacity;
  for (let steps = 0; link > 0 && link <= limit && steps < limit; steps++) {
    if (arena.head(link - 1).kind !== KIND.extension) return;
    const place = arena.cell(link - 1);
    const next = Atomics.load(place.ints, place.base + CELL.extra);
    arena.free(link - 1);
    link = next;
  }
}

/** Gives up a participant's hold on a cell; the last one ends it, unless it is persistent. Call it exclusively. */
export function dropRef(arena: Arena, index: number, slot: number): void {
  const place = arena.cell(index);
  Atomics.and(place.ints, place.base + CELL.refs + (slot >>> 5), ~(1 << (slot & 31)));
  faultPoint("cell:let-go");
  discardIfUnused(arena, index);
}

/**
 * Ends a cell that nobody has open. Call it exclusively.
 *
 * @param withMark - also one that says that its last holder died.
 */
export function discardIfUnused(arena: Arena, index: number, withMark = false): void {
  const { kind, flags } = arena.head(index);
  if (kind === 0 || kind === KIND.extension || (flags & FLAG_PERSISTENT) !== 0) return;
  if (hasRefs(arena.cell(index)) || (!withMark && keepsMark(arena, index))) return;
  discardCell(arena, index);
}

/**
 * Whether a lock that nobody has open has to stay until somebody takes it: its holder died, and what it protects may be
 * half-done and still there, since the lock has a name, or belongs to something persistent.
 */
function keepsMark(arena: Arena, index: number): boolean {
  const { kind, flags } = arena.head(index);
  const { ints, base } = arena.cell(index);
  const outlives =
    (flags & FLAG_KEEPS_MARK) !== 0 || Atomics.load(ints, base + CELL.nameLength) > 0;
  if (!outlives) return false;
  // A holder that lives has it open.
  if (kind === KIND.lock || kind === KIND.rlock)
    return ownerIn(Atomics.load(ints, base + CELL.state)) !== 0;
  return kind === KIND.rwLock && Atomics.load(ints, base + CELL.aux) === RW_WRITING;
}

/** Takes back what a dead participant left in a cell. */
function repair(arena: Arena, bells: Doorbells, index: number, slot: number): void {
  const place = arena.cell(index);
  const { ints, base } = place;
  const word = slot >>> 5;
  const bit = 1 << (slot & 31);
  Atomics.and(ints, base + CELL.waiters + word, ~bit);
  const { kind } = arena.head(index);
  if (kind === KIND.rwLock || kind === KIND.barrier) {
    if ((Atomics.load(ints, base + CELL.members + word) & bit) !== 0) {
      // The bit goes last: it is what shows, if this is interrupted, that there is something to do.
      if (kind === KIND.barrier) Atomics.or(ints, base + CELL.state, BARRIER_BROKEN);
      Atomics.and(ints, base + CELL.members + word, ~bit);
      wakeAll(place, bells);
    }
  }
  if ((Atomics.load(ints, base + CELL.refs + word) & bit) !== 0) dropRef(arena, index, slot);
}

/**
 * Removes participants that are dead, or one that leaves: their bits in every cell, the objects that only they
 * had open, their doorbells, their slots. Call it exclusively. Stopping anywhere leaves slots that are swept again.
 *
 * @param cells - the cells to look at, where they are known; default: all. What somebody had let go of when he
 *   died, before he could end it, is ended with them.
 */
export function sweepSlots(
  arena: Arena,
  bells: Doorbells,
  slots: readonly number[],
  cells: Iterable<number> = indices(arena.cellsUsed),
): void {
  for (const index of cells) {
    const { kind } = arena.head(index);
    // The words of an extension are its owner's, whatever bits they have.
    if (kind === 0 || kind === KIND.extension) continue;
    const place = arena.cell(index);
    for (const slot of slots) {
      if (!isIn(place, slot)) continue;
      repair(arena, bells, index, slot);
    }
    discardIfUnused(arena, index);
  }
  faultPoint("sweep:cells-done");
  for (const slot of slots) {
    const { ints, base } = arena.slot(slot);
    const generation = (Atomics.load(ints, base + SLOT.word) >>> 2) & GENERATION_MASK;
    const path = bellPath(arena.folder, slot, generation);
    onSharedFile(path, () => rmSync(path, { force: true }));
    faultPoint("sweep:bell-removed");
    Atomics.store(ints, base + SLOT.word, (generation << 2) | SLOT_FREE);
  }
}

function* indices(count: number): Iterable<number> {
  for (let index = 0; index < count; index++) yield index;
}

/** Whether a participant has any bit in a cell. */
function isIn({ ints, base }: Place, slot: number): boolean {
  const word = base + (slot >>> 5);
  const bits =
    Atomics.load(ints, word + CELL.refs) |
    Atomics.load(ints, word + CELL.waiters) |
    Atomics.load(ints, word + CELL.members);
  return (bits & (1 << (slot & 31))) !== 0;
}

/** The slots that were ever used. */
export function usedSlots(arena: Arena): number {
  return Math.min(Math.max(Atomics.load(arena.header, HEADER.slotsUsed), 0), SLOT_COUNT);
}

/** How many participants there are, dead or alive. */
export function countLive(arena: Arena): number {
  let count = 0;
  for (let slot = 0; slot < usedSlots(arena); slot++) if (isTaken(arena, slot)) count++;
  return count;
}

function isTaken(arena: Arena, slot: number): boolean {
  return (arena.slotWord(slot) & 3) === SLOT_LIVE;
}

/**
 * Removes every dead participant. Call it exclusively.
 * @returns how many there were.
 */
export function sweepDead(arena: Arena, bells: Doorbells): number {
  return sweep(arena, bells, SLOT_COUNT).swept;
}

/** Of those who are there, how many each one looks at that comes or goes. */
const PROBES = 16;

/**
 * Removes dead participants in passing: looks at some slots, beginning where the one before has stopped, and
 * goes on while it has found nobody alive. Call it exclusively.
 *
 * Who lives leaves later, and looks then: so the last one removes what is left of all, and a thousand who come
 * at once do not each look at the thousand.
 * @returns whether anybody is there who lives.
 */
export function sweepSome(arena: Arena, bells: Doorbells): boolean {
  return sweep(arena, bells, PROBES).isAnyAlive;
}

function sweep(
  arena: Arena,
  bells: Doorbells,
  probes: number,
): { readonly swept: number; readonly isAnyAlive: boolean } {
  const used = usedSlots(arena);
  const start = (Atomics.load(arena.header, HEADER.nextProbe) >>> 0) % Math.max(used, 1);
  const dead: number[] = [];
  let alive = 0;
  let step = 0;
  for (; step < used && (alive === 0 || alive + dead.length < probes); step++) {
    const slot = (start + step) % used;
    if (!isTaken(arena, slot)) continue;
    const generation = (arena.slotWord(slot) >>> 2) & GENERATION_MASK;
    if (bells.isReadBySomebody(slot, generation)) alive++;
    else dead.push(slot);
  }
  Atomics.store(arena.header, HEADER.nextProbe, start + step);
  if (dead.length > 0) sweepSlots(arena, bells, dead);
  return { swept: dead.length, isAnyAlive: alive > 0 };
}

/**
 * Ends an object whose users are all dead, so that its name is free for a new one. Call it exclusively.
 * @returns whether it was ended.
 */
export function discardIfDead(arena: Arena, bells: Doorbells, index: number): boolean {
  const place = arena.cell(index);
  for (let slot = 0; slot < usedSlots(arena); slot++) {
    const refs = Atomics.load(place.ints, place.base + CELL.refs + (slot >>> 5));
    if ((refs & (1 << (slot & 31))) === 0) continue;
    const generation = bells.generationOf(slot);
    if (generation !== undefined && bells.isAlive(slot, generation)) return false;
    repair(arena, bells, index, slot);
    if (arena.head(index).kind === 0) return true;
  }
  discardIfUnused(arena, index);
  return arena.head(index).kind === 0;
}
