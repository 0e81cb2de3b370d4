import { TimeoutError } from "../errors/index.ts";
import { HEADER, type Arena } from "../memory/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import type { Doorbells } from "./doorbells.ts";
import { removeStrayFiles } from "./stray-files.ts";
import { sweepSome } from "./sweep.ts";

/**
 * What each one does that comes or goes: removes some of the dead, and, where nobody is left, what belongs to
 * nobody. Call it exclusively.
 */
export function tidy(arena: Arena, bells: Doorbells): void {
  Atomics.store(arena.header, HEADER.untidy, 0);
  const isAnyAlive = sweepSome(arena, bells);
  faultPoint("tidy:swept");
  if (!isAnyAlive) removeStrayFiles(arena);
}

/**
 * Tidies once more if somebody could not do it for himself: he found the lock taken by this thread, which may have
 * seen him alive before. Call it after the lock was given back, by one who does not come again.
 */
export function tidyAgain(arena: Arena, bells: Doorbells): void {
  try {
    while (Atomics.load(arena.header, HEADER.untidy) !== 0) {
      arena.exclusively(() => {
        if (arena.isInPlace) tidy(arena, bells);
        else Atomics.store(arena.header, HEADER.untidy, 0);
      }, 0);
    }
  } catch (error) {
    // Whoever has it now looks at the mark when he leaves.
    if (!(error instanceof TimeoutError)) throw error;
  }
}
