import {
  CELL,
  WAIT_ANCESTORS,
  WAIT_ANY,
  WAIT_AWAITED,
  WAIT_RECORD,
  WAIT_RECORDS,
  WAIT_RECORD_WORDS,
  WAIT_SYNC,
  WAIT_TIMED,
  WAIT_UNDETECTED,
  SLOT,
  type Place,
} from "../memory/index.ts";
import type { Context } from "./context.ts";
import type { LocalCell } from "./local-cell.ts";
import { Date } from "../util/platform.ts";

/** How a wait is noted. */
export interface WaitNote {
  readonly isSync: boolean;
  readonly isAny: boolean;
  readonly isTimed: boolean;
  readonly isDetected: boolean;
  readonly context: Context | undefined;
}

/**
 * Notes in this thread's own slot what a wait waits for, for those who look on and for the search for
 * deadlocks. When all records are in use the wait goes unnoted: nothing is reported then.
 *
 * @returns the number of the record, or -1.
 */
export function noteWait(slot: Place, cell: LocalCell, note: WaitNote): number {
  for (let record = 0; record < WAIT_RECORDS; record++) {
    const at = slot.base + SLOT.waits + record * WAIT_RECORD_WORDS;
    if (Atomics.load(slot.ints, at + WAIT_RECORD.cell) !== 0) continue;
    slot.ints[at + WAIT_RECORD.cellGeneration] = cell.generation;
    slot.ints[at + WAIT_RECORD.flags] =
      (note.isSync ? WAIT_SYNC : 0) |
      (note.isAny ? WAIT_ANY : 0) |
      (note.isTimed ? WAIT_TIMED : 0) |
      (note.isDetected ? 0 : WAIT_UNDETECTED);
    let context = note.context;
    slot.ints[at + WAIT_RECORD.context] = context?.id ?? 0;
    for (let i = 0; i < WAIT_ANCESTORS; i++) {
      context = context?.parent;
      while (context !== undefined && !context.isHolding) context = context.parent;
      slot.ints[at + WAIT_RECORD.ancestors + i] = context?.id ?? 0;
    }
    slot.floats[(at + WAIT_RECORD.since) / 2] = Date.now();
    Atomics.store(slot.ints, at + WAIT_RECORD.cell, cell.index + 1);
    return record;
  }
  return -1;
}

/** Notes whether the task of a wait is known not to go on before it. */
export function markAwaited(slot: Place, record: number, isAwaited: boolean): void {
  if (record < 0) return;
  const at = slot.base + SLOT.waits + record * WAIT_RECORD_WORDS + WAIT_RECORD.flags;
  if (isAwaited) Atomics.or(slot.ints, at, WAIT_AWAITED);
  else Atomics.and(slot.ints, at, ~WAIT_AWAITED);
}

/** Takes a note back. */
export function eraseWait(slot: Place, record: number): void {
  if (record < 0) return;
  const at = slot.base + SLOT.waits + record * WAIT_RECORD_WORDS;
  Atomics.store(slot.ints, at + WAIT_RECORD.cell, 0);
}

/** A noted wait, as read from any participant's slot. */
export interface NotedWait {
  readonly cell: number;
  readonly generation: number;
  readonly flags: number;
  /** The context that waits and those around it; empty when the whole thread sleeps. */
  readonly contexts: readonly number[];
  readonly since: number;
}

/** Reads the notes of a participant. Each number may be a moment old; none is trusted to be in range. */
export function readWaits(slot: Place): NotedWait[] {
  const waits: NotedWait[] = [];
  for (let record = 0; record < WAIT_RECORDS; record++) {
    const at = slot.base + SLOT.waits + record * WAIT_RECORD_WORDS;
    const cell = Atomics.load(slot.ints, at + WAIT_RECORD.cell);
    if (cell <= 0) continue;
    const contexts: number[] = [];
    for (let i = 0; i <= WAIT_ANCESTORS; i++) {
      const id = Atomics.load(slot.ints, at + WAIT_RECORD.context + i);
      if (id !== 0) contexts.push(id);
    }
    waits.push({
      cell: cell - 1,
      generation: Atomics.load(slot.ints, at + WAIT_RECORD.cellGeneration) & 0xffff,
      flags: Atomics.load(slot.ints, at + WAIT_RECORD.flags),
      contexts,
      since: slot.floats[(at + WAIT_RECORD.since) / 2]!,
    });
  }
  return waits;
}

/** Sets or clears this thread's bit among those that sleep on a cell. */
export function setWaiterBit(cell: LocalCell, slot: number, isWaiting: boolean): void {
  const word = cell.base + CELL.waiters + (slot >>> 5);
  const bit = 1 << (slot & 31);
  if (isWaiting) Atomics.or(cell.ints, word, bit);
  else Atomics.and(cell.ints, word, ~bit);
}
