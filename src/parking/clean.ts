import { readdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { HEADER, KIND, namespaceFolder, SLOT, SLOT_LIVE, type Arena } from "../memory/index.ts";
import { openForReading } from "./census.ts";
import { Doorbells } from "./doorbells.ts";
import { discardIfDead, sweepDead, usedSlots } from "./sweep.ts";

/** What {@link cleanNamespace} did. */
export interface Cleaned {
  readonly namespace: string;
  /** Participants that were dead. */
  readonly dead: number;
  /** Objects that nobody uses any more. */
  readonly objects: number;
  /** Files that belonged to nobody. */
  readonly files: number;
  /** Nobody was left, so the namespace is gone as a whole. */
  readonly isRemoved: boolean;
}

/**
 * Removes what the dead left in a namespace, and the namespace itself when nobody uses it and nothing in
 * it is persistent. What is in use stays as it is.
 *
 * @returns undefined when there is no such namespace.
 */
export function cleanNamespace(namespace: string): Cleaned | undefined {
  const arena = openForReading(namespace);
  if (arena === undefined) return undefined;
  const bells = new Doorbells(arena);
  try {
    return arena.exclusively(() => {
      arena.checkInPlace();
      const before = countObjects(arena);
      const dead = sweepDead(arena, bells);
      for (let index = 0; index < arena.cellsUsed; index++) {
        const { kind } = arena.head(index);
        if (kind !== 0 && kind !== KIND.extension) discardIfDead(arena, bells, index);
      }
      const objects = before - countObjects(arena);
      const files = removeStrayFiles(arena);
      const isRemoved = countLive(arena) === 0 && countObjects(arena) === 0;
      if (isRemoved) removeFolder(namespace);
      return { namespace, dead, objects, files, isRemoved };
    });
  } finally {
    bells.close();
  }
}

function countObjects(arena: Arena): number {
  let count = 0;
  for (let index = 0; index < arena.cellsUsed; index++) {
    const { kind } = arena.head(index);
    if (kind !== 0 && kind !== KIND.extension) count++;
  }
  return count;
}

function isLive(arena: Arena, slot: number): boolean {
  const { ints, base } = arena.slot(slot);
  return (Atomics.load(ints, base + SLOT.word) & 3) === SLOT_LIVE;
}

function countLive(arena: Arena): number {
  let count = 0;
  for (let slot = 0; slot < usedSlots(arena); slot++) if (isLive(arena, slot)) count++;
  return count;
}

/** Doorbells of slots that are free, segments of cells that are gone, and files that were never finished. */
function removeStrayFiles(arena: Arena): number {
  let removed = 0;
  for (const file of readdirSync(arena.folder)) {
    if (!isStray(arena, file)) continue;
    rmSync(join(arena.folder, file), { force: true });
    removed++;
  }
  return removed;
}

function isStray(arena: Arena, file: string): boolean {
  const bell = /^d(\d+)-(\d+)$/.exec(file);
  if (bell !== null) {
    const { ints, base } = arena.slot(
      Math.min(Number(bell[1]), Atomics.load(arena.header, HEADER.slotCount) - 1),
    );
    const word = Atomics.load(ints, base + SLOT.word);
    return (word & 3) !== SLOT_LIVE || word >>> 2 !== Number(bell[2]);
  }
  const segment = /^s\.(\d+)-(\d+)$/.exec(file);
  if (segment !== null) {
    const index = Number(segment[1]);
    if (index >= arena.capacity) return true;
    const { kind, generation } = arena.head(index);
    return (kind !== KIND.segment && kind !== KIND.queue) || generation !== Number(segment[2]);
  }
  const collector = /^log-(\d+)-/.exec(file);
  if (collector !== null) return !isRunning(Number(collector[1]));
  return file.includes(".tmp-");
}

/** Whether a process of this number runs; only for the socket of a log collector, which is no evidence for anything else. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The arena goes first: who opens it from now on makes a new one, who opened it before finds it replaced. */
function removeFolder(namespace: string): void {
  const folder = namespaceFolder(namespace);
  for (const file of readdirSync(folder).sort()) rmSync(join(folder, file), { force: true });
  try {
    rmdirSync(folder);
  } catch (error) {
    // Somebody has just begun to use it again.
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
}
