import { readlinkSync } from "node:fs";
import { globalSlot } from "../util/global-slot.ts";

/** Words of the memory that a thread shares with its starter. */
const ENDED = 0;
const EXIT_CODE = 1;
const WAITING = 2;
/** The system's id of the thread, where it can be had. */
const SYSTEM_ID = 3;
const WORDS = 4;

const slot: { own: Int32Array | undefined } = globalSlot("thread-status", () => ({
  own: undefined,
}));

/** Makes the memory, in the starter. */
export function createStatus(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * 4);
}

/** A word in which a thread reports on itself, read by its starter without the help of either event loop. */
export class StatusView {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** It blocks in a synchronous wait. */
  get isWaiting(): boolean {
    return Atomics.load(this.#words, WAITING) === 1;
  }

  get systemId(): number {
    return Atomics.load(this.#words, SYSTEM_ID);
  }

  /** The exit code, once its exit handlers have begun to run. */
  get exitCode(): number | undefined {
    return Atomics.load(this.#words, ENDED) === 1
      ? Atomics.load(this.#words, EXIT_CODE)
      : undefined;
  }
}

/** Called in the thread: reports its end from now on, and its id to the system. */
export function adoptStatus(memory: SharedArrayBuffer): void {
  const words = new Int32Array(memory);
  slot.own = words;
  if (process.platform === "linux") {
    try {
      const id = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
      Atomics.store(words, SYSTEM_ID, id);
    } catch {
      // Without /proc what it says of its own end has to do.
    }
  }
  process.on("exit", (code) => {
    Atomics.store(words, EXIT_CODE, code);
    Atomics.store(words, ENDED, 1);
  });
}

/** Says that this thread begins or ends a wait that blocks it; without effect in a main thread. */
export function setWaiting(isWaiting: boolean): void {
  if (slot.own !== undefined) Atomics.store(slot.own, WAITING, isWaiting ? 1 : 0);
}
