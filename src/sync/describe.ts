import { CELL, KIND, type Arena } from "../memory/index.ts";
import {
  describeSlot,
  isCurrent,
  ownerIn,
  participant,
  slotOf,
  slotsIn,
  type SeenObject,
} from "../parking/index.ts";
import { Date } from "../util/platform.ts";
import { describeBarrier } from "./barrier-rounds.ts";
import type { Ownership } from "./ownership.ts";
import { permitWords } from "./permits.ts";
import { Schedule } from "./schedule.ts";

/** What an error message calls an object: `Semaphore "pages"`, or `This Semaphore`. */
export function describeObject(object: { readonly name: string | undefined }): string {
  const kind = object.constructor.name;
  return object.name === undefined ? `This ${kind}` : `${kind} ${JSON.stringify(object.name)}`;
}

/** The holder of a lock, for people: `nobody`, `this thread`, or another one by name and process id. */
export function describeOwner({ owner }: Ownership): string {
  if (owner === 0) return "nobody";
  const self = participant();
  return owner === self.token ? "this thread" : describeSlot(self.arena, slotOf(owner));
}

/** `due`, `due in 3.0 s`, or `not set`. */
export function describeDue({ due }: Schedule): string {
  if (due === 0) return "due";
  return due === Infinity ? "not set" : `due in ${(due / 1000).toFixed(1)} s`;
}

/** A holder of an object, as seen from outside. */
export interface SeenHolder {
  readonly slot: number;
  readonly name: string;
  /** Milliseconds; null where it is not kept. */
  readonly forMs: number | null;
}

/** What state an object is in, as seen from outside. */
export interface ObjectState {
  /** In words: `held by Process-1 (pid 7) for 3.0 s`. */
  readonly text: string;
  readonly holders: readonly SeenHolder[];
}

type Describe = (arena: Arena, object: SeenObject) => ObjectState;

/** What there is to say of each kind; the state words are those of the kind's own file. */
const DESCRIBE: Readonly<Record<number, Describe>> = {
  [KIND.lock]: describeOwned,
  [KIND.rlock]: describeOwned,
  [KIND.semaphore]: (arena, object) => describeShared(arena, describeSemaphore(object)),
  [KIND.boundedSemaphore]: (arena, object) => describeShared(arena, describeBounded(arena, object)),
  [KIND.event]: (arena, object) => describeShared(arena, describeEvent(object)),
  [KIND.rwLock]: (arena, object) => describeShared(arena, describeReadWrite(arena, object)),
  [KIND.timer]: (arena, object) => describeShared(arena, describeTimer(object)),
  [KIND.barrier]: (_, { place }) => ({ text: describeBarrier(place), holders: [] }),
};

/** Says what state an object is in, reading only. */
export function describeState(arena: Arena, object: SeenObject): ObjectState {
  return DESCRIBE[object.kind]?.(arena, object) ?? { text: "-", holders: [] };
}

function describeShared(arena: Arena, { text, slots }: SharedState): ObjectState {
  const holders = slots.map((slot) => ({ slot, name: describeSlot(arena, slot), forMs: null }));
  return { text, holders };
}

function describeOwned(arena: Arena, { place }: SeenObject): ObjectState {
  const { ints, floats, base } = place;
  const slot = slotOf(ownerIn(Atomics.load(ints, base + CELL.state)));
  if (slot < 0) return { text: "free", holders: [] };
  const since = floats[(base + CELL.since) / 2]!;
  const forMs = since > 0 ? Math.max(0, Date.now() - since) : null;
  const name = describeSlot(arena, slot);
  const time = forMs === null ? "" : ` for ${(forMs / 1000).toFixed(1)} s`;
  return { text: `held by ${name}${time}`, holders: [{ slot, name, forMs }] };
}

/** What there is to say of an object that is not simply held by one. */
interface SharedState {
  readonly text: string;
  /** Slots of those who hold it. */
  readonly slots: readonly number[];
}

/** `2 permits free`. */
function describeSemaphore({ place }: SeenObject): SharedState {
  const value = Atomics.load(place.ints, place.base + CELL.state) >>> 1;
  return { text: `${value} ${value === 1 ? "permit" : "permits"} free`, slots: [] };
}

/** `1 of 3 permits free`, and who has the others. */
function describeBounded(arena: Arena, { place }: SeenObject): SharedState {
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
function describeEvent({ place }: SeenObject): SharedState {
  const isSet = (Atomics.load(place.ints, place.base + CELL.state) & 2) !== 0;
  return { text: isSet ? "set" : "clear", slots: [] };
}

/** `written by …`, `read by …, …`, or `free`. */
function describeReadWrite(arena: Arena, { place }: SeenObject): SharedState {
  const writer = slotOf(ownerIn(Atomics.load(place.ints, place.base + CELL.state)));
  const isWriting = Atomics.load(place.ints, place.base + CELL.aux) !== 0;
  if (writer >= 0 && isWriting) {
    return { text: `written by ${describeSlot(arena, writer)}`, slots: [writer] };
  }
  const slots = slotsIn(place, CELL.members);
  if (slots.length === 0) return { text: "free", slots };
  return { text: `read by ${slots.map((slot) => describeSlot(arena, slot)).join(", ")}`, slots };
}

function describeTimer({ place }: SeenObject): SharedState {
  return { text: describeDue(new Schedule(place)), slots: [] };
}
