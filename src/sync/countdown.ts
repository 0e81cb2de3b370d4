import { checkMilliseconds, type WaitOptions } from "../util/wait-options.ts";
import { performance } from "../util/platform.ts";

/** Starts a timeout that several waits share: gives the milliseconds that are left of it. */
export function countdown(options: WaitOptions | undefined): () => number {
  if (options?.timeout === undefined) return () => Infinity;
  const end = performance.now() + checkMilliseconds(options.timeout, "timeout");
  return () => end - performance.now();
}
