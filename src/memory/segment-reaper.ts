import { readFileSync } from "node:fs";
import { join } from "node:path";
import { os } from "../os/index.ts";
import type { Arena } from "./arena.ts";
import { ARENA_FILE } from "./layout.ts";
import { performance, setTimeout } from "../util/platform.ts";

/** How long a mapping must have been stale. What still runs in a thread that ends has run by then. */
const GRACE_MS = 1_000;

/**
 * A line of /proc/self/maps whose file is a segment, or the ring of a queue: addresses, inode, index and generation
 * of the cell.
 */
const SEGMENT_LINE =
  /^([0-9a-f]+)-([0-9a-f]+) rw-s [0-9a-f]+ \S+ (\d+) +(.*)\/s\.(\d+)-(\d+)(?:\/ring)?(?: \(deleted\))?$/gm;

interface Stale {
  readonly inode: string;
  readonly since: number;
}

/**
 * Gives back the mappings that terminated threads of this process left: they hold the memory of objects
 * that have ended.
 *
 * A thread has a cell open for as long as it has its segment, or ring, mapped. So a mapping whose cell was freed
 * belongs to no living thread, and whoever finds it may unmap it: a freed cell never comes back.
 */
export class SegmentReaper {
  readonly #arena: Arena;
  readonly #stale = new Map<string, Stale>();
  #timer: NodeJS.Timeout | undefined;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Looks for stale mappings soon; the timer does not keep the program open. */
  runSoon(): void {
    if (process.platform !== "linux" || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.run() > 0) this.runSoon();
    }, GRACE_MS).unref();
  }

  /**
   * Unmaps what was stale at a former call already.
   * @returns how many stale mappings are left for the next call.
   */
  run(now: number = performance.now()): number {
    if (process.platform !== "linux") return 0;
    let maps: string;
    try {
      maps = readFileSync("/proc/self/maps", "utf8");
    } catch {
      // Without /proc they stay until the process ends.
      return 0;
    }
    // Somebody removed an arena under a thread that uses it: its cells are not those of this one.
    if (maps.includes(`${join(this.#arena.folder, ARENA_FILE)} (deleted)`)) return 0;
    const found = new Map<string, Stale>();
    for (const match of maps.matchAll(SEGMENT_LINE)) {
      const [, from, to, inode, folder, index, generation] = match as unknown as string[];
      if (folder !== this.#arena.folder || this.#isInUse(Number(index), Number(generation)))
        continue;
      const range = `${from}-${to}`;
      const known = this.#stale.get(range);
      const since = known?.inode === inode ? known!.since : now;
      if (now - since < GRACE_MS) {
        found.set(range, { inode: inode!, since });
        continue;
      }
      const address = BigInt(`0x${from}`);
      os().unmap(address, Number(BigInt(`0x${to}`) - address));
    }
    this.#stale.clear();
    for (const [range, stale] of found) this.#stale.set(range, stale);
    return found.size;
  }

  #isInUse(index: number, generation: number): boolean {
    if (index >= this.#arena.capacity) return true;
    const head = this.#arena.head(index);
    return head.kind !== 0 && head.generation === generation;
  }
}
