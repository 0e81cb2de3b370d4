export {
  childContext,
  currentContext,
  enterContext,
  enterContexts,
  isWithin,
  runIn,
  type Context,
} from "./context.ts";
export { describeCycle, findCycle, type Link } from "./deadlock.ts";
export { whileHeld } from "./evidence.ts";
export { endIfUnused } from "./end-if-unused.ts";
export { describeSlot, slotInfo, type SlotInfo } from "./describe.ts";
export { bellPath, Doorbells } from "./doorbells.ts";
export { LocalCell } from "./local-cell.ts";
export { park, parking, parkSync } from "./park.ts";
export type { ParkOptions } from "./park-options.ts";
export { participant, type Participant } from "./participant.ts";
export {
  attachCell,
  checkSharedName,
  closeCell,
  encodeName,
  findCell,
  openCell,
  settleCell,
  type Creation,
  type Handle,
} from "./shared-object.ts";
export {
  listNamespaces,
  objectTitle,
  slotsIn,
  takeCensus,
  type Census,
  type SeenObject,
  type SeenParticipant,
} from "./census.ts";
export { cleanNamespace, type Cleaned } from "./clean.ts";
export { BARRIER_BROKEN } from "./state-words.ts";
export { discardIfDead, discardIfUnused, segmentPath, sweepDead, usedSlots } from "./sweep.ts";
export { generationIn, isCurrent, ownerIn, slotOf, STARVING, tokenOf, WAITERS } from "./token.ts";
export { readWaits, type NotedWait } from "./wait-records.ts";
export { hasWaiters, wake, wakeAll, type Waker } from "./wake.ts";
export type { WaitRequest } from "./wait-request.ts";
