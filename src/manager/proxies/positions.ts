import { type Check, integer } from "../../util/checks.ts";

/** A place in a list: any whole number, a negative one counts from the end. */
export const checkPosition: Check = integer(-Infinity, Infinity);

/** The ends of a part, which may be left out. */
export function checkRange(start: unknown, end: unknown): void {
  if (start !== undefined) checkPosition(start, "start");
  if (end !== undefined) checkPosition(end, "end");
}
