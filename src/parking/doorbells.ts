import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import {
  explainFileError,
  GENERATION_MASK,
  SLOT,
  SLOT_COUNT,
  SLOT_LIVE,
  type Arena,
} from "../memory/index.ts";
import { os } from "../os/index.ts";

/** It cannot be told whether a participant lives. */
const UNKNOWN = "unknown";
/** Writing ends kept open at a time. */
const MAX_OPEN = 128;
const ONE_BYTE = new Uint8Array(1);

/** The name of a participant's doorbell. */
export function bellPath(folder: string, slot: number, generation: number): string {
  return join(folder, `d${slot}-${generation}`);
}

interface End {
  readonly generation: number;
  readonly fd: number;
}

/**
 * The doorbells of the other participants. A doorbell is a FIFO that its owner holds open: the kernel
 * closes it when the process *or the thread* ends in any way, so a FIFO without a reader is proof of death.
 */
export class Doorbells {
  readonly #arena: Arena;
  /** The one used longest ago comes first. */
  readonly #ends = new Map<number, End>();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * Wakes a participant.
   * @returns false when it is dead. A full FIFO counts as rung: its owner has 65,536 reasons to wake up. So does one
   * that this process has no file left for: its owner looks again by itself.
   */
  ring(slot: number): boolean {
    const generation = this.generationOf(slot);
    if (generation === undefined) return false;
    const fd = this.#end(slot, generation);
    if (typeof fd !== "number") return fd === UNKNOWN;
    try {
      writeSync(fd, ONE_BYTE);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return true;
      if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
      this.#forget(slot);
      return false;
    }
  }

  /** Whether the participant that had this generation of a slot is alive. */
  isAlive(slot: number, generation: number): boolean {
    if (this.generationOf(slot) !== generation) return false;
    const fd = this.#end(slot, generation);
    if (typeof fd !== "number") return fd === UNKNOWN;
    if (!os().isOrphaned(fd)) return true;
    this.#forget(slot);
    return false;
  }

  /**
   * As {@link Doorbells.isAlive}, for a look in passing: keeps nothing open.
   *
   * A thousand threads that look at each other would have a million files open.
   */
  isReadBySomebody(slot: number, generation: number): boolean {
    if (this.#ends.get(slot)?.generation === generation) return this.isAlive(slot, generation);
    const fd = this.#openEnd(slot, generation);
    if (typeof fd === "number") closeSync(fd);
    return fd !== undefined;
  }

  /**
   * The writing end of a participant's doorbell, to ring it or to watch for its death.
   * @returns undefined when it is dead, or cannot be watched.
   */
  open(slot: number, generation: number): number | undefined {
    const fd = this.#end(slot, generation);
    return fd === UNKNOWN ? undefined : fd;
  }

  #end(slot: number, generation: number): number | typeof UNKNOWN | undefined {
    const known = this.#ends.get(slot);
    if (known !== undefined) {
      if (known.generation === generation) {
        this.#ends.delete(slot);
        this.#ends.set(slot, known);
        return known.fd;
      }
      this.#forget(slot);
    }
    const fd = this.#openEnd(slot, generation);
    if (typeof fd !== "number") return fd;
    if (this.#ends.size >= MAX_OPEN) this.#forget(this.#ends.keys().next().value!);
    this.#ends.set(slot, { generation, fd });
    return fd;
  }

  /** The generation of a slot in use; undefined when it is free. */
  generationOf(slot: number): number | undefined {
    if (slot < 0 || slot >= SLOT_COUNT) return undefined;
    const { ints, base } = this.#arena.slot(slot);
    const word = Atomics.load(ints, base + SLOT.word);
    return (word & 3) === SLOT_LIVE ? (word >>> 2) & GENERATION_MASK : undefined;
  }

  /** Closes all writing ends. */
  close(): void {
    for (const slot of [...this.#ends.keys()]) this.#forget(slot);
  }

  /**
   * @returns undefined when nobody reads it; {@link UNKNOWN} when this process may not open more files: whoever
   * cannot be looked at counts as alive.
   */
  #openEnd(slot: number, generation: number): number | typeof UNKNOWN | undefined {
    const path = bellPath(this.#arena.folder, slot, generation);
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENXIO" || code === "ENOENT") return undefined;
      if (code !== "EMFILE" && code !== "ENFILE") throw explainFileError(error, path);
      if (this.#ends.size === 0) return UNKNOWN;
      this.close();
      return this.#openEnd(slot, generation);
    }
  }

  #forget(slot: number): void {
    const end = this.#ends.get(slot);
    if (end === undefined) return;
    this.#ends.delete(slot);
    closeSync(end.fd);
  }
}
