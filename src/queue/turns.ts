import { performance, setImmediate } from "../util/platform.ts";
/** A task that always finds work may keep the event loop this long. */
const MAX_TURN_MS = 10;
/** Reading the clock each time would cost as much as the work. */
const EVERY = 64;

let count = 0;
let begun = 0;
let isMarked = false;

/**
 * Counts a step that was done without waiting. Promises that are settled already let nothing but other
 * promises run, so after a while timers and sockets would starve.
 *
 * @returns whether to let the event loop turn now.
 */
export function isTurnOver(): boolean {
  if ((++count & (EVERY - 1)) !== 0) return false;
  if (isMarked) return performance.now() - begun > MAX_TURN_MS;
  isMarked = true;
  begun = performance.now();
  setImmediate(() => {
    isMarked = false;
  });
  return false;
}

/** Lets everything run that is due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
