import { describeSlot, participant, slotOf } from "../parking/index.ts";
import type { Ownership } from "./ownership.ts";

/** Who holds a lock, for people: `nobody`, `this thread`, or another one by name and process id. */
export function describeOwner(ownership: Ownership): string {
  const { owner } = ownership;
  if (owner === 0) return "nobody";
  const self = participant();
  return owner === self.token ? "this thread" : describeSlot(self.arena, slotOf(owner));
}
