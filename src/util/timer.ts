import { setTimeout } from "./platform.ts";

/** The longest delay of a Node timer; a longer timeout is no limit in practice. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** As `setTimeout`, but what lies beyond the longest delay of a timer never comes. */
export function setTimer(callback: () => void, delay: number): NodeJS.Timeout | undefined {
  return delay > MAX_TIMER_MS ? undefined : setTimeout(callback, delay);
}
