import {
  generationIn,
  ownerIn,
  parking,
  slotOf,
  WAITERS,
  type Participant,
} from "../parking/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import type { Waiters } from "./waiters.ts";
import { performance } from "../util/platform.ts";

/** Looks at a taken lock before its holder may have lost its processor: about 5 µs. */
const SPINS = 200;
/** Milliseconds of trying to get a lock whose holder does not run, before the thread waits for it in `parking/`. */
const PATIENCE_MS = 5;
const PAUSE_MS = 0.05;

let pauseWord: Int32Array | undefined;

/** Gives the processor to others for a moment. */
function pause(): void {
  pauseWord ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(pauseWord, 0, 0, PAUSE_MS);
}

/**
 * One side of a ring, held for the microseconds that it takes to move an item, never while waiting.
 *
 * The word names the holder, and a dead one is replaced: the ring is valid between any two of its steps.
 */
export class RingLock {
  readonly #ints: Int32Array;
  readonly #word: number;
  readonly #token: number;
  readonly #participant: Participant;
  readonly #waiters: Waiters;

  /** @param waiters - woken by the release when someone has given up standing before the lock. */
  constructor(ints: Int32Array, word: number, waiters: Waiters) {
    this.#ints = ints;
    this.#word = word;
    this.#waiters = waiters;
    this.#participant = parking().participant;
    this.#token = this.#participant.token;
  }

  /** @returns false when its holder is alive and did not let go of it for {@link PATIENCE_MS}. */
  acquire(): boolean {
    if (Atomics.compareExchange(this.#ints, this.#word, 0, this.#token) === 0) return true;
    return this.#contend();
  }

  release(): void {
    if (Atomics.exchange(this.#ints, this.#word, 0) === this.#token) return;
    faultPoint("queue:before-lock-ring");
    this.#waiters.signalAll();
  }

  /** The token of the holder; 0 for nobody. */
  get owner(): number {
    return ownerIn(Atomics.load(this.#ints, this.#word));
  }

  /** Asks the holder to wake the waiters. @returns false when there is no holder. */
  arm(): boolean {
    const word = Atomics.load(this.#ints, this.#word);
    if (word === 0) return false;
    if ((word & WAITERS) !== 0) return true;
    return Atomics.compareExchange(this.#ints, this.#word, word, word | WAITERS) === word;
  }

  /** Frees it from a dead holder. @returns whether it did. */
  recover(): boolean {
    const word = Atomics.load(this.#ints, this.#word);
    if (!this.#isDead(word)) return false;
    if (Atomics.compareExchange(this.#ints, this.#word, word, 0) !== word) return true;
    this.#waiters.signalAll();
    return true;
  }

  #isDead(word: number): boolean {
    const owner = ownerIn(word);
    if (owner === 0 || owner === this.#token) return false;
    return !this.#participant.bells.isAlive(slotOf(owner), generationIn(owner));
  }

  #contend(): boolean {
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.load(this.#ints, this.#word) !== 0) continue;
      if (Atomics.compareExchange(this.#ints, this.#word, 0, this.#token) === 0) return true;
    }
    const limit = performance.now() + PATIENCE_MS;
    do {
      const word = Atomics.load(this.#ints, this.#word);
      // Those whom the dead holder was to wake are woken by this one's release.
      const next = this.#token | (word & WAITERS);
      if (
        (word === 0 || this.#isDead(word)) &&
        Atomics.compareExchange(this.#ints, this.#word, word, next) === word
      ) {
        return true;
      }
      pause();
    } while (performance.now() < limit);
    return false;
  }
}
