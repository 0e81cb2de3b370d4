import { CELL, type Arena } from "../memory/index.ts";
import {
  describeSlot,
  isCurrent,
  ownerIn,
  slotOf,
  slotsIn,
  type SeenObject,
} from "../parking/index.ts";
import { permitWords } from "./permits.ts";
import { Schedule } from "./schedule.ts";

/** What there is to say of an object that is not simply held by one. */
export interface SharedState {
  readonly text: string;
  /** Slots of those who hold it. */
  readonly slots: readonly number[];
}

/** `2 permits free`. */
export function describeSemaphore({ place }: SeenObject): SharedState {
  const value = Atomics.load(place.ints, place.base + CELL.state) >>> 1;
  return { text: `${value} ${value === 1 ? "permit" : "permits"} free`, slots: [] };
}

/** `1 of 3 permits free`, and who has the others. */
export function describeBounded(arena: Arena, { place }: SeenObject): SharedState {
  const slots = new Set<number>();
  let count = 0;
  let free = 0;
  for (const [ints, at] of permitWords(arena, place)) {
    const token = Atomics.load(ints, at);
    count++;
    if (token === 0 || !isCurrent(arena, token)) free++;
    else slots.add(slotOf(token));
  }
  return { text: `${free} of ${count} permits free`, slots: [...slots] };
}

/** `set` or `clear`. */
export function describeEvent({ place }: SeenObject): SharedState {
  const isSet = (Atomics.load(place.ints, place.base + CELL.state) & 2) !== 0;
  return { text: isSet ? "set" : "clear", slots: [] };
}

/** `written by …`, `read by …, …`, or `free`. */
export function describeReadWrite(arena: Arena, { place }: SeenObject): SharedState {
  const writer = slotOf(ownerIn(Atomics.load(place.ints, place.base + CELL.state)));
  const isWriting = Atomics.load(place.ints, place.base + CELL.aux) !== 0;
  if (writer >= 0 && isWriting) {
    return { text: `written by ${describeSlot(arena, writer)}`, slots: [writer] };
  }
  const slots = slotsIn(place, CELL.members);
  if (slots.length === 0) return { text: "free", slots };
  return { text: `read by ${slots.map((slot) => describeSlot(arena, slot)).join(", ")}`, slots };
}

/** `due`, `due in 3.0 s`, or `not set`. */
export function describeTimer({ place }: SeenObject): SharedState {
  const { due } = new Schedule(place);
  if (due === 0) return { text: "due", slots: [] };
  const text = due === Infinity ? "not set" : `due in ${(due / 1000).toFixed(1)} s`;
  return { text, slots: [] };
}
