import { wrongType } from "../util/argument-error.ts";
import { InvalidStateError } from "../errors/index.ts";
import {
  FLAG_KEEPS_MARK,
  FLAG_PERSISTENT,
  KIND,
  type Arena,
  type Kind,
  type Place,
} from "../memory/index.ts";
import {
  closeCell,
  discardIfUnused,
  openCell,
  participant,
  type Handle,
  type LocalCell,
} from "../parking/index.ts";
import { Arrival, Lock, revive, RLock, SyncObject } from "../sync/index.ts";
import { FIELD } from "./fields.ts";

/** A lock that goes with a value or an array. */
export type SharedLock = Lock | RLock;

/**
 * Which lock: `true` makes a new {@link RLock}, `false` none, a lock is used as it is, by itself or for several
 * objects together.
 */
export type LockChoice = boolean | SharedLock;

/** The lock of an object, by how it was made. */
export type LockOf<L extends LockChoice> = L extends false
  ? undefined
  : L extends SharedLock
    ? L
    : RLock;

/** Writes into a new cell which lock the object has. */
export function describeLock(
  { ints, base }: Place,
  choice: LockChoice,
  isPersistent: boolean | undefined,
): void {
  if (choice === false) return;
  ints[base + FIELD.isLocked] = 1;
  if (choice === true) return;
  const handle = SyncObject.handleOf(choice);
  setLock({ ints, base }, handle);
  if (isPersistent === true) participant().arena.setFlags(handle.index, FLAG_KEEPS_MARK, true);
}

/** The object is persistent no more: nor is what its lock says of the dead. Call it exclusively. */
export function releaseMark(arena: Arena, index: number): void {
  const { ints, base } = arena.cell(index);
  if (Atomics.load(ints, base + FIELD.isLocked) !== 1) return;
  const lock = Atomics.load(ints, base + FIELD.lock) - 1;
  if (lock < 0 || lock >= arena.capacity) return;
  if (arena.head(lock).generation !== Atomics.load(ints, base + FIELD.lockGeneration)) return;
  arena.setFlags(lock, FLAG_KEEPS_MARK, false);
  discardIfUnused(arena, lock);
}

/** Refuses a named object whose lock is not what was asked for: the program would guard it with another. */
export function checkLock(place: Place, choice: LockChoice, name: string): void {
  const isLocked = Atomics.load(place.ints, place.base + FIELD.isLocked) === 1;
  if (isLocked !== (choice !== false)) {
    throw new InvalidStateError(
      `${JSON.stringify(name)} was made ${isLocked ? "with a lock" : "with `lock: false`"}: open it in the same way.`,
    );
  }
  if (typeof choice === "boolean") return;
  const { index, generation } = SyncObject.handleOf(choice);
  if (
    Atomics.load(place.ints, place.base + FIELD.lock) === index + 1 &&
    Atomics.load(place.ints, place.base + FIELD.lockGeneration) === generation
  )
    return;
  throw new InvalidStateError(
    `${JSON.stringify(name)} has another lock than the one given: leave the option out to get the lock it has.`,
  );
}

/** Checks the option. */
export function checkChoice(choice: unknown, name: string): void {
  if (typeof choice === "boolean" || choice instanceof Lock) return;
  if (choice instanceof RLock) return;
  throw wrongType(name, "true, false, a Lock or an RLock", choice);
}

/**
 * Opens the lock that goes with an object, as its cell says.
 *
 * The lock is made when the first one needs it, and anew when the one before has ended: that was because nobody
 * had this object open any more, or because somebody closed the lock, and it protects nobody then.
 */
export function openLock(object: LocalCell): SharedLock | undefined {
  const { ints, base } = object;
  if (Atomics.load(ints, base + FIELD.isLocked) !== 1) return undefined;
  const { arena } = participant();
  return arena.exclusively(() => {
    const index = Atomics.load(ints, base + FIELD.lock) - 1;
    const generation = Atomics.load(ints, base + FIELD.lockGeneration);
    if (index >= 0 && index < arena.capacity) {
      const head = arena.head(index);
      if (head.generation === generation && (head.kind === KIND.rlock || head.kind === KIND.lock)) {
        return reviveLock({ folder: arena.folder, index, generation }, head.kind);
      }
    }
    const keepsMark = (arena.head(object.index).flags & FLAG_PERSISTENT) !== 0;
    const cell = openCell({ kind: KIND.rlock, keepsMark, fill: () => {} });
    const handle = { folder: arena.folder, index: cell.index, generation: cell.generation };
    const lock = reviveLock(handle, KIND.rlock);
    closeCell(cell);
    setLock(object, handle);
    return lock;
  });
}

function reviveLock(handle: Handle, kind: Kind): SharedLock {
  const arrival = new Arrival(handle, kind);
  return kind === KIND.lock ? revive(Lock, arrival) : revive(RLock, arrival);
}

/** The index last: with a generation that is not its own it counts as ended. */
function setLock({ ints, base }: Pick<Place, "ints" | "base">, handle: Handle): void {
  Atomics.store(ints, base + FIELD.lockGeneration, handle.generation);
  Atomics.store(ints, base + FIELD.lock, handle.index + 1);
}
