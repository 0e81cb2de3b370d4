import { globalSlot } from "./global-slot.ts";

/** States of the word that a thread shares with its starter. */
const FREE = 0;
/** The thread must not be terminated now. */
const BUSY = 1;
/** It is about to be terminated. */
const DOOMED = 2;
/** Bounds the wait for a thread, should it be stuck where it must not be terminated. */
const MAX_WAIT_MS = 1_000;

const slot: { own: Int32Array | undefined } = globalSlot("stop-guard", () => ({ own: undefined }));

/** Called in a thread that its starter may terminate. */
export function adoptStopGuard(memory: SharedArrayBuffer): void {
  slot.own = new Int32Array(memory);
}

/**
 * Does a piece of work of a few milliseconds that must not be cut by the termination of this thread:
 * native code that cannot be unwound would end the whole process.
 */
export function unstoppable<T>(work: () => T): T {
  const word = slot.own;
  if (word === undefined) return work();
  const before = Atomics.compareExchange(word, 0, FREE, BUSY);
  // Part of such work.
  if (before === BUSY) return work();
  // Too late to begin: the end is near, and comes while it waits.
  if (before === DOOMED) Atomics.wait(word, 0, DOOMED);
  try {
    return work();
  } finally {
    Atomics.store(word, 0, FREE);
    Atomics.notify(word, 0);
  }
}

/** The starter's side. */
export class StopGuard {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(4);
  readonly #word = new Int32Array(this.memory);

  /** To be called right before the thread is terminated; blocks for milliseconds at worst. */
  close(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, DOOMED) !== BUSY) return;
    Atomics.wait(this.#word, 0, BUSY, MAX_WAIT_MS);
    Atomics.compareExchange(this.#word, 0, FREE, DOOMED);
  }
}
