import { integer } from "../util/checks.ts";
import type { ParkOptions } from "../parking/index.ts";
import type { WaitOptions } from "../util/wait-options.ts";

/** The most permits that a state word has room for. */
export const MAX_PERMITS: number = 2 ** 31 - 1;

/** Checks a number of permits; anything else is a mistake of the caller. */
export function checkPermits(
  value: unknown,
  name: string,
  min: number,
  max: number = MAX_PERMITS,
): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  integer(min, max)(value, name);
}

/** Bounds of a wait for what has no single holder: it is in no cycle that could be found. */
export function undetected(options: WaitOptions | undefined): ParkOptions {
  return { timeout: options?.timeout, signal: options?.signal, detectDeadlock: false };
}
