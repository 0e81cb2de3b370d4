import { rmSync } from "node:fs";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import { InvalidStateError } from "../errors/index.ts";
import {
  FLAG_PERSISTENT,
  KIND,
  KIND_NAMES,
  MAX_SEGMENT_BYTES,
  onSharedFile,
  type Kind,
  type Place,
} from "../memory/index.ts";
import {
  closeCell,
  discardIfDead,
  encodeName,
  endIfUnused,
  findCell,
  openCell,
  participant,
  segmentPath,
  type LocalCell,
} from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import {
  Arrival,
  openBody,
  revive,
  SyncObject,
  type Body,
  type SharedClass,
} from "../sync/index.ts";
import { releaseMark } from "./companion-lock.ts";
import { Segment, setSize } from "./segment.ts";

/** What a new object with memory of its own is like. */
export interface SegmentCreation {
  readonly kind: Kind;
  readonly name?: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly isPersistent?: boolean | undefined;
  /** What to do when the name is taken; default: open it. */
  readonly onPresent?: "open" | "refuse";
  /** Writes what the cell says besides its size. */
  readonly describe?: (place: Place) => void;
  /** Writes the first contents; all else is 0. */
  readonly fill?: (buffer: ArrayBuffer) => void;
  /** Looks at a named object that is there already; throws when it does not suit. */
  readonly check?: (place: Place) => void;
}

let indexOf: (object: SegmentObject) => number;

/** An object with memory of its own as this thread has it. */
export interface SegmentBody extends Body {
  readonly memory: ArrayBuffer;
}

/** Base of what has memory of its own. */
export abstract class SegmentObject extends SyncObject {
  static {
    indexOf = (object) => openBody(object).cell.index;
  }

  /** @param bodyOf - what a handle has besides the memory. */
  constructor(source: SegmentCreation | Arrival, bodyOf: (segment: SegmentBody) => Body) {
    super(source instanceof Arrival ? source : makeOrOpen(source), (cell, handle) => {
      const segment = Segment.of(cell);
      const use = segment.use(handle);
      try {
        return bodyOf({
          cell,
          memory: segment.buffer,
          closing: () => segment.close(use),
          closed: () => endIfUnused(cell),
        });
      } catch (error) {
        segment.close(use);
        throw error;
      }
    });
  }

  /**
   * Gives this handle up. The object ends with its last handle, in any process, unless it is persistent.
   *
   * Views that are still about are harmless: when this thread has no other handle of the object, they read 0
   * from now on, and what is written to them goes nowhere.
   */
  override close(): void {
    super.close();
  }

  /**
   * Makes the name free at once: nobody can open the object by it any more, a new one may take it. Those
   * who have the object keep it, and it ends with the last of them, persistent or not.
   * @throws InvalidStateError when it was unlinked before.
   */
  unlink(): void {
    const { index } = openBody(this).cell;
    const { arena } = participant();
    arena.exclusively(() => {
      if (!unlinkCell(index)) {
        throw new InvalidStateError(
          `${JSON.stringify(this.name)} was unlinked before: a name can be given up once.`,
        );
      }
    });
  }
}

/** Takes the name from a cell. Call it exclusively. */
function unlinkCell(index: number): boolean {
  const { arena } = participant();
  // First: an object without a name that stays for ever could not be reached to be ended.
  arena.setFlags(index, FLAG_PERSISTENT, false);
  if (arena.head(index).kind !== KIND.segment) releaseMark(arena, index);
  faultPoint("segment:passing");
  return arena.unlink(index);
}

/**
 * Makes the name of an object free that may have no user.
 * @returns false when there is no such object.
 */
export function unlinkByName(kind: Kind, name: string): boolean {
  const { arena } = participant();
  return arena.exclusively(() => {
    const cell = findCell(kind, name);
    if (cell === undefined) return false;
    unlinkCell(cell.index);
    closeCell(cell);
    return true;
  });
}

/** Whether nobody has unlinked an object that is open here. */
export function hasName(object: SegmentObject): boolean {
  return participant().arena.isLinked(indexOf(object));
}

/**
 * Takes the name and the file from an object, as `shm_unlink` does: nobody can attach it any more, by whatever
 * way. Those who have its memory mapped keep it, and the system takes it back from them however they end.
 */
export function removeObject(object: SegmentObject): void {
  const { arena } = participant();
  const index = indexOf(object);
  arena.exclusively(() => {
    unlinkCell(index);
    const path = segmentPath(arena.folder, index, arena.head(index).generation);
    onSharedFile(path, () => rmSync(path, { force: true, recursive: true }));
  });
}

/**
 * Opens the named object of a kind.
 * @throws InvalidStateError when there is none.
 */
export function openObject<T extends SyncObject>(
  kind: Kind,
  name: string,
  Class: SharedClass<T>,
): T {
  // Finding and attaching take the lock once.
  return participant().arena.exclusively(() => revive(Class, findObject(kind, name)));
}

function findObject(kind: Kind, name: string): Arrival {
  const cell = findCell(kind, name);
  if (cell === undefined) {
    throw Object.assign(
      new InvalidStateError(
        `There is no ${KIND_NAMES[kind]} named ${JSON.stringify(name)} in ${participant().arena.folder}: was it made in the same namespace, by the same user, and does anybody have it open still?`,
      ),
      { reason: "missing" },
    );
  }
  return arrivalOf(cell, kind);
}

/** Refuses an index that is in none of `length` places, counted from either end. */
export function refuseIndex(index: unknown, length: number): never {
  const expected = `an integer from ${-length} to ${length - 1}`;
  throw typeof index === "number"
    ? outOfRange("index", expected, index)
    : wrongType("index", expected, index);
}

/** Refuses what no ArrayBuffer of this Node can show. */
export function checkBytes(bytes: number): number {
  if (bytes <= MAX_SEGMENT_BYTES) return bytes;
  const expected = `at most ${MAX_SEGMENT_BYTES} bytes, the longest ArrayBuffer of Node ${process.versions.node}`;
  throw outOfRange("size", expected, bytes);
}

/**
 * The object is made without its name and gets it when it is complete. So the arena is not locked while
 * the file gets its memory, nobody sees a half-made object, and if this process dies meanwhile, the object
 * is one whose users are all dead.
 */
function makeOrOpen(creation: SegmentCreation): Arrival {
  const { kind, name, onPresent, check } = creation;
  const encoded = name === undefined ? undefined : encodeName(name);
  for (;;) {
    const present = name === undefined ? undefined : findCell(kind, name);
    if (present !== undefined) {
      try {
        if (onPresent === "refuse") throw existsError(kind, name!);
        check?.(present);
      } catch (error) {
        closeCell(present);
        throw error;
      }
      return arrivalOf(present, kind);
    }
    const arrival = make(creation, encoded);
    if (arrival !== undefined) return arrival;
  }
}

/** @returns undefined when somebody else took the name meanwhile. */
function make(creation: SegmentCreation, name: Uint8Array | undefined): Arrival | undefined {
  const cell = openCell({
    kind: creation.kind,
    fill: (place) => {
      setSize(place, creation.size);
      creation.describe?.(place);
    },
  });
  let segment: Segment | undefined;
  let isDone = false;
  try {
    faultPoint("segment:cell-made");
    segment = Segment.create(cell);
    faultPoint("segment:file-made");
    creation.fill?.(segment.buffer);
    isDone = name === undefined || claim(cell, name, creation.isPersistent === true);
  } finally {
    if (!isDone) {
      segment?.abandon();
      closeCell(cell);
    }
  }
  return isDone ? arrivalOf(cell, creation.kind) : undefined;
}

/** The constructor that gets it takes the handle over. */
function arrivalOf(cell: LocalCell, kind: Kind): Arrival {
  const { index, generation } = cell;
  cell.handles--;
  return new Arrival({ folder: participant().arena.folder, index, generation }, kind);
}

function existsError(kind: Kind, name: string): InvalidStateError {
  return Object.assign(
    new InvalidStateError(
      `A ${KIND_NAMES[kind]} named ${JSON.stringify(name)} exists: open it instead, or choose another name.`,
    ),
    { reason: "exists" },
  );
}

function claim(cell: LocalCell, name: Uint8Array, isPersistent: boolean): boolean {
  const { arena, bells } = participant();
  return arena.exclusively(() => {
    const present = arena.find(name);
    if (present >= 0 && !discardIfDead(arena, bells, present)) return false;
    arena.link(cell.index, name);
    faultPoint("segment:named");
    if (isPersistent) arena.setFlags(cell.index, FLAG_PERSISTENT, true);
    return true;
  });
}
