import { CELL, KIND, type Arena } from "../memory/index.ts";
import { describeBarrier } from "./barrier-rounds.ts";
import { describeSlot, ownerIn, slotOf, type SeenObject } from "../parking/index.ts";
import {
  describeBounded,
  describeEvent,
  describeReadWrite,
  describeSemaphore,
  describeTimer,
  type SharedState,
} from "./describe-kinds.ts";
import { Date } from "../util/platform.ts";

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
