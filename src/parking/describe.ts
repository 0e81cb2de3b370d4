import { SLOT, SLOT_NAME_SIZE, type Arena } from "../memory/index.ts";

/** What a participant says of itself. */
export interface SlotInfo {
  readonly slot: number;
  readonly name: string;
  readonly pid: number;
  readonly threadId: number;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** Reads what a participant says of itself. */
export function slotInfo(arena: Arena, slot: number): SlotInfo {
  const { ints, floats, bytes, base } = arena.slot(slot);
  const length = Math.min(Math.max(Atomics.load(ints, base + SLOT.nameLength), 0), SLOT_NAME_SIZE);
  const start = (base + SLOT.name) * 4;
  return {
    slot,
    name: new TextDecoder().decode(bytes.slice(start, start + length)),
    pid: Atomics.load(ints, base + SLOT.pid),
    threadId: Atomics.load(ints, base + SLOT.tid),
    started: floats[(base + SLOT.started) / 2]!,
  };
}

/** `Process-1 (pid 7)`, with the thread where it is not the main one. */
export function describeSlot(arena: Arena, slot: number): string {
  const { name, pid } = slotInfo(arena, slot);
  return `${name} (pid ${pid})`;
}
