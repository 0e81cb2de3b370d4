import { readdirSync, rmSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import {
  errnoOf,
  explainFileError,
  KIND,
  namespaceFolder,
  onSharedFile,
  STOPPED_MS,
  type Arena,
} from "../memory/index.ts";
import { openForReading } from "./census.ts";
import { Doorbells } from "./doorbells.ts";
import { removeStrayFiles } from "./stray-files.ts";
import { tidyAgain } from "./tidy.ts";
import { countLive, discardIfDead, discardIfUnused, sweepDead } from "./sweep.ts";

/** What {@link cleanNamespace} did. */
export interface Cleaned {
  readonly namespace: string;
  /** Participants that were dead. */
  readonly dead: number;
  /** Objects that nobody uses any more. */
  readonly objects: number;
  /** Files that belonged to nobody. */
  readonly files: number;
  /** Nobody was left, so the namespace is gone as a whole. */
  readonly isRemoved: boolean;
}

/**
 * Removes what the dead left in a namespace, and the namespace itself when nobody uses it and nothing in
 * it is persistent. What is in use stays as it is.
 *
 * @returns undefined when there is no such namespace.
 */
export function cleanNamespace(namespace: string): Cleaned | undefined {
  const arena = openForReading(namespace);
  if (arena === undefined) return undefined;
  const bells = new Doorbells(arena);
  try {
    const cleaned = arena.exclusively(() => {
      arena.checkInPlace();
      const before = countObjects(arena);
      const dead = sweepDead(arena, bells);
      for (let index = 0; index < arena.cellsUsed; index++) {
        const { kind } = arena.head(index);
        if (kind === 0 || kind === KIND.extension) continue;
        if (!discardIfDead(arena, bells, index)) discardIfUnused(arena, index, true);
      }
      const objects = before - countObjects(arena);
      const files = removeStrayFiles(arena);
      const isRemoved = countLive(arena) === 0 && countObjects(arena) === 0;
      if (isRemoved) removeFolder(namespace);
      return { namespace, dead, objects, files, isRemoved };
    }, STOPPED_MS);
    tidyAgain(arena, bells);
    return cleaned;
  } finally {
    bells.close();
  }
}

function countObjects(arena: Arena): number {
  let count = 0;
  for (let index = 0; index < arena.cellsUsed; index++) {
    const { kind } = arena.head(index);
    if (kind !== 0 && kind !== KIND.extension) count++;
  }
  return count;
}

/** The arena goes first: who opens it from now on makes a new one, who opened it before finds it replaced. */
function removeFolder(namespace: string): void {
  const folder = namespaceFolder(namespace);
  onSharedFile(folder, () => {
    for (const file of readdirSync(folder).sort())
      rmSync(join(folder, file), { force: true, recursive: true });
  });
  try {
    rmdirSync(folder);
  } catch (error) {
    // Somebody has just begun to use it again.
    if (errnoOf(error) !== "ENOTEMPTY") throw explainFileError(error, folder);
  }
}
