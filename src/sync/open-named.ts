import type { Kind } from "../memory/index.ts";
import { closeCell, findCell, participant } from "../parking/index.ts";
import { Arrival, revive, type SharedClass, type SyncObject } from "./sync-object.ts";

/**
 * Opens the object of this name as it is, without saying what it should be like.
 * @returns undefined when there is none.
 */
export function openNamed<T extends SyncObject>(
  kind: Kind,
  name: string,
  Class: SharedClass<T>,
): T | undefined {
  const cell = findCell(kind, name);
  if (cell === undefined) return undefined;
  const { index, generation } = cell;
  try {
    return revive(
      Class,
      new Arrival({ folder: participant().arena.folder, index, generation }, kind),
    );
  } finally {
    closeCell(cell);
  }
}

/**
 * Opens the object of this name as it is, or makes it.
 * @returns the object, and whether it was there.
 */
export function openOrMake<T extends SyncObject>(
  kind: Kind,
  name: string,
  Class: SharedClass<T>,
  make: () => T,
): { readonly object: T; readonly wasThere: boolean } {
  // Nobody makes or frees objects meanwhile.
  return participant().arena.exclusively(() => {
    const present = openNamed(kind, name, Class);
    return { object: present ?? make(), wasThere: present !== undefined };
  });
}
