import { SegmentReaper } from "../memory/index.ts";
import type { LocalCell } from "./local-cell.ts";
import { participant } from "./participant.ts";
import { discardIfDead } from "./sweep.ts";

let reaper: SegmentReaper | undefined;

/**
 * Ends an object whose other users are dead when this thread's last handle is closed: its memory
 * should not wait for the next sweep.
 */
export function endIfUnused(cell: LocalCell): void {
  if (cell.handles > 0) return;
  const { arena, bells } = participant();
  arena.exclusively(() => {
    const { kind, generation } = arena.head(cell.index);
    if (kind !== 0 && generation === cell.generation) discardIfDead(arena, bells, cell.index);
  });
  reaper ??= new SegmentReaper(arena);
  reaper.runSoon();
}
