import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  errnoOf,
  explainFileError,
  KINDS_WITH_FILE,
  onSharedFile,
  SLOT,
  SLOT_COUNT,
  SLOT_LIVE,
  type Arena,
} from "../memory/index.ts";
import { os } from "../os/index.ts";

/**
 * Removes doorbells of slots that are free, segments of cells that are gone, and files that were never
 * finished: what is left by someone who died before the arena knew of it. Call it exclusively.
 *
 * Whoever is just making a file under a temporary name makes it again.
 * @returns how many there were.
 */
export function removeStrayFiles(arena: Arena): number {
  let removed = 0;
  for (const file of filesOf(arena.folder)) {
    if (!isStray(arena, file)) continue;
    const path = join(arena.folder, file);
    onSharedFile(path, () => rmSync(path, { force: true, recursive: true }));
    removed++;
  }
  return removed;
}

/** Empty when the folder was removed while this program ran: then there is nothing to tidy. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw explainFileError(error, folder);
  }
}

function isStray(arena: Arena, file: string): boolean {
  const bell = /^d(\d+)-(\d+)$/.exec(file);
  if (bell !== null) {
    const slot = Number(bell[1]);
    if (slot >= SLOT_COUNT) return true;
    const { ints, base } = arena.slot(slot);
    const word = Atomics.load(ints, base + SLOT.word);
    return (word & 3) !== SLOT_LIVE || word >>> 2 !== Number(bell[2]);
  }
  const segment = /^s\.(\d+)-(\d+)$/.exec(file);
  if (segment !== null) {
    const index = Number(segment[1]);
    if (index >= arena.capacity) return true;
    const { kind, generation } = arena.head(index);
    return !KINDS_WITH_FILE.has(kind) || generation !== Number(segment[2]);
  }
  // The process id in its name is for people: the same number may belong to others in another container.
  if (/^(?:log|listen)-/.test(file)) return os().isBound(join(arena.folder, file)) === false;
  return file.includes(".tmp-");
}
