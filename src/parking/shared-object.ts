import { outOfRange, wrongType } from "../util/argument-error.ts";
import type { Check } from "../util/checks.ts";
import { InvalidStateError, SerializationError } from "../errors/index.ts";
import {
  CELL,
  FLAG_KEEPS_MARK,
  FLAG_PERSISTENT,
  KIND_NAMES,
  NAME_SIZE,
  type CellId,
  type Kind,
  type Place,
} from "../memory/index.ts";
import { LocalCell } from "./local-cell.ts";
import { participant, type Participant } from "./participant.ts";
import { discardIfDead, dropRef } from "./sweep.ts";

/** Where an object is, for those it is sent to. */
export interface Handle {
  readonly folder: string;
  readonly index: number;
  readonly generation: number;
}

/** What a new object is like. */
export interface Creation {
  readonly kind: Kind;
  readonly name?: string | undefined;
  /** It outlives its last user until it is unlinked. */
  readonly isPersistent?: boolean;
  /** It is the lock of something persistent: that its holder died is told also when nobody has it open any more. */
  readonly keepsMark?: boolean;
  /** Writes the state words of a new cell; all else of it is 0. */
  readonly fill: (place: Place) => void;
  /** Looks at a named cell that is there already; throws when it does not suit. */
  readonly check?: (place: Place) => void;
  /** What to do when the name is taken; default: open it. */
  readonly onPresent?: "open" | "refuse";
}

/** Opens the object of this name, or makes it; without a name, makes one. */
export function openCell(creation: Creation): LocalCell {
  const self = participant();
  const name = creation.name === undefined ? undefined : encodeName(creation.name);
  self.arena.checkInPlace();
  return self.arena.exclusively(() => {
    const present = name === undefined ? -1 : self.arena.find(name);
    if (present >= 0 && !discardIfDead(self.arena, self.bells, present)) {
      return openPresentCell(self, present, creation);
    }
    const flags =
      (creation.isPersistent === true ? FLAG_PERSISTENT : 0) |
      (creation.keepsMark === true ? FLAG_KEEPS_MARK : 0);
    return hold(
      self,
      self.arena.create(creation.kind, name, flags, (place) => {
        creation.fill(place);
        setRef(place, self.slot);
      }),
    );
  });
}

/**
 * Opens the object of this name if there is one.
 * @returns undefined when nobody has it, and it is not persistent.
 */
export function findCell(kind: Kind, name: string): LocalCell | undefined {
  const self = participant();
  const encoded = encodeName(name);
  self.arena.checkInPlace();
  return self.arena.exclusively(() => {
    const index = self.arena.find(encoded);
    if (index < 0 || discardIfDead(self.arena, self.bells, index)) return undefined;
    return openPresentCell(self, index, { kind, name, fill: () => {} });
  });
}

function openPresentCell(
  self: Participant,
  index: number,
  { kind, name, check, onPresent }: Creation,
): LocalCell {
  const head = self.arena.head(index);
  if (head.kind !== kind) {
    throw new InvalidStateError(
      `${JSON.stringify(name)} is a ${KIND_NAMES[head.kind] ?? "thing"} here, not a ${KIND_NAMES[kind]}: choose another name.`,
    );
  }
  const place = self.arena.cell(index);
  if (onPresent === "refuse") {
    throw Object.assign(
      new InvalidStateError(
        `A ${KIND_NAMES[kind]} named ${JSON.stringify(name)} exists: open it instead, or choose another name.`,
      ),
      { reason: "exists" },
    );
  }
  check?.(place);
  setRef(place, self.slot);
  return hold(self, { index, generation: head.generation });
}

/** Opens the object that a handle names; somebody must have it open. */
export function attachCell(handle: Handle, kind: Kind): LocalCell {
  const self = participant();
  const { folder, index, generation } = handle;
  if (folder !== self.arena.folder) {
    throw new SerializationError(
      `This object is in the namespace ${folder}, and this program in ${self.arena.folder}: set MANYCORE_NAMESPACE to the same name in both.`,
    );
  }
  return self.arena.exclusively(() => {
    const isValid = Number.isInteger(index) && index >= 0 && index < self.arena.capacity;
    const head = isValid ? self.arena.head(index) : undefined;
    if (head === undefined || head.kind !== kind || head.generation !== generation) {
      throw new SerializationError(
        `The ${KIND_NAMES[kind]} that was sent is gone: whoever sends it has to keep it until it has arrived, or give it a name.`,
      );
    }
    setRef(self.arena.cell(index), self.slot);
    return hold(self, { index, generation });
  });
}

/** One more handle of this thread. */
function hold(self: Participant, { index, generation }: CellId): LocalCell {
  let cell = self.cells.get(index);
  if (cell === undefined || cell.generation !== generation) {
    cell = new LocalCell(index, generation, self.arena.cell(index));
    self.cells.set(index, cell);
  }
  cell.handles++;
  return cell;
}

/** One handle of this thread less; the last one of all ends the object. */
export function closeCell(cell: LocalCell): void {
  cell.handles--;
  settleCell(cell);
}

/**
 * Lets go of a cell without handles once nothing of this thread waits for it or holds it: until then its
 * words must not become those of another object.
 */
export function settleCell(cell: LocalCell): void {
  if (cell.handles > 0 || cell.waits > 0 || cell.isHeld || cell.members > 0) return;
  if (cell.isNeeded?.() === true) return;
  const self = participant();
  if (self.cells.get(cell.index) !== cell) return;
  self.cells.delete(cell.index);
  try {
    cell.beforeEnd?.();
  } finally {
    self.arena.exclusively(() => dropRef(self.arena, cell.index, self.slot));
  }
}

function setRef({ ints, base }: Place, slot: number): void {
  Atomics.or(ints, base + CELL.refs + (slot >>> 5), 1 << (slot & 31));
}

/** Refuses what cannot be the name of a shared object. */
export const checkSharedName: Check = (name, option) => {
  const expected = `a string of 1 to ${NAME_SIZE} bytes`;
  if (typeof name !== "string") throw wrongType(option, expected, name);
  if (name.includes("\0")) throw outOfRange(option, expected, name, "it has a NUL character");
  // Two of them would be the same bytes.
  if (/\p{Surrogate}/u.test(name)) {
    throw outOfRange(option, expected, name, "it has half of a surrogate pair");
  }
  const { length } = new TextEncoder().encode(name);
  if (length > NAME_SIZE) throw outOfRange(option, expected, name, `it has ${length} bytes`);
  if (length === 0) throw outOfRange(option, expected, name);
};

/** A name as it stands in a cell. */
export function encodeName(name: unknown): Uint8Array {
  checkSharedName(name, "name");
  return new TextEncoder().encode(name as string);
}
