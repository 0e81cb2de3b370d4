import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  Arena,
  ARENA_FILE,
  BITMAP_WORDS,
  CELL,
  checkFolder,
  errnoOf,
  explainFileError,
  FLAG_PERSISTENT,
  KIND,
  KIND_NAMES,
  namespaceFolder,
  runtimeFolder,
  SLOT_COUNT,
  WAIT_SYNC,
  type Place,
} from "../memory/index.ts";
import { describeCycle, findCycle } from "./deadlock.ts";
import { slotInfo, type SlotInfo } from "./describe.ts";
import { Doorbells } from "./doorbells.ts";
import { usedSlots } from "./sweep.ts";
import { readWaits, type NotedWait } from "./wait-records.ts";

/** What a participant waits for. */
export interface SeenWait {
  readonly object: string;
  readonly index: number;
  /** The whole thread sleeps, not one of its tasks. */
  readonly isSync: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** A participant, as seen from outside. */
export interface SeenParticipant extends SlotInfo {
  readonly isAlive: boolean;
  readonly waits: readonly SeenWait[];
}

/** An object, as seen from outside. */
export interface SeenObject {
  readonly index: number;
  readonly kind: number;
  /** `Lock "report"`, or `Lock #12` for one without a name. */
  readonly title: string;
  readonly name: string | undefined;
  readonly isPersistent: boolean;
  readonly place: Place;
  /** Slots that have it open. */
  readonly users: readonly number[];
  /** Slots that sleep on it. */
  readonly waiters: readonly number[];
}

/** Everything in a namespace at about one moment. */
export interface Census {
  readonly namespace: string;
  readonly folder: string;
  readonly arena: Arena;
  readonly participants: readonly SeenParticipant[];
  readonly objects: readonly SeenObject[];
  /** A sentence for each cycle of holders that wait for each other. */
  readonly deadlocks: readonly string[];
}

/** The namespaces of this user. */
export function listNamespaces(): string[] {
  const folder = runtimeFolder();
  try {
    checkFolder(folder);
    return readdirSync(folder).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw explainFileError(error, folder);
  }
}

/**
 * Opens the arena of a namespace to look at it; takes part in nothing and makes nothing.
 * @returns undefined when there is none.
 */
export function openForReading(namespace: string): Arena | undefined {
  const folder = namespaceFolder(namespace);
  try {
    checkFolder(folder);
    if (!readdirSync(folder).includes(ARENA_FILE)) return undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw explainFileError(error, folder);
  }
  return new Arena(folder);
}

/** Reads who is in a namespace, what is there and who waits for what. Changes nothing. */
export function takeCensus(namespace: string): Census | undefined {
  const arena = openForReading(namespace);
  if (arena === undefined) return undefined;
  const bells = new Doorbells(arena);
  const participants = readParticipants(arena, bells);
  const census = {
    namespace,
    folder: join(namespaceFolder(namespace)),
    arena,
    participants,
    objects: readObjects(arena),
    deadlocks: readDeadlocks(arena, participants),
  };
  bells.close();
  return census;
}

/** What people call an object. */
export function objectTitle(arena: Arena, index: number): string {
  const name = arena.nameOf(index);
  const kind = KIND_NAMES[arena.head(index).kind] ?? "object";
  return `${kind} ${name === undefined ? `#${index}` : JSON.stringify(name)}`;
}

/** The slots whose bit is set in a bitmap of a cell. */
export function slotsIn({ ints, base }: Place, bitmap: number): number[] {
  const slots: number[] = [];
  for (let word = 0; word < BITMAP_WORDS; word++) {
    const bits = Atomics.load(ints, base + bitmap + word);
    if (bits === 0) continue;
    for (let bit = 0; bit < 32; bit++) {
      if ((bits & (1 << bit)) !== 0) slots.push(word * 32 + bit);
    }
  }
  return slots;
}

function isCurrentWait(arena: Arena, wait: NotedWait): boolean {
  return wait.cell < arena.capacity && arena.head(wait.cell).generation === wait.generation;
}

function readParticipants(arena: Arena, bells: Doorbells): SeenParticipant[] {
  const found: SeenParticipant[] = [];
  for (let slot = 0; slot < Math.min(usedSlots(arena), SLOT_COUNT); slot++) {
    const generation = bells.generationOf(slot);
    if (generation === undefined) continue;
    const waits = readWaits(arena.slot(slot))
      .filter((wait) => isCurrentWait(arena, wait))
      .map((wait) => ({
        object: objectTitle(arena, wait.cell),
        index: wait.cell,
        isSync: (wait.flags & WAIT_SYNC) !== 0,
        since: wait.since,
      }));
    found.push({ ...slotInfo(arena, slot), isAlive: bells.isAlive(slot, generation), waits });
  }
  return found;
}

function readObjects(arena: Arena): SeenObject[] {
  const objects: SeenObject[] = [];
  for (let index = 0; index < arena.cellsUsed; index++) {
    const { kind, flags } = arena.head(index);
    if (kind === 0 || kind === KIND.extension) continue;
    const place = arena.cell(index);
    objects.push({
      index,
      kind,
      title: objectTitle(arena, index),
      name: arena.nameOf(index),
      isPersistent: (flags & FLAG_PERSISTENT) !== 0,
      place,
      users: slotsIn(place, CELL.refs),
      waiters: slotsIn(place, CELL.waiters),
    });
  }
  return objects;
}

function readDeadlocks(arena: Arena, participants: readonly SeenParticipant[]): string[] {
  const cycles = new Map<string, string>();
  for (const { slot, isAlive } of participants) {
    if (!isAlive) continue;
    for (const wait of readWaits(arena.slot(slot))) {
      const cycle = findCycle(arena, { slot, wait });
      if (cycle === undefined) continue;
      // The same cycle is found once from each of its members.
      const key = cycle
        .map((link) => `${link.slot}:${link.wait.cell}`)
        .sort()
        .join();
      if (!cycles.has(key)) cycles.set(key, describeCycle(arena, cycle));
    }
  }
  return [...cycles.values()];
}
