import { SLOT_COUNT } from "../memory/index.ts";
import { generationIn, parking, slotOf } from "../parking/index.ts";
import { RING } from "./ring-layout.ts";

/** Threads that keep items for a queue until there is room: after a shutdown it ends when they have stored them, or are dead. */
export class PendingProducers {
  readonly #words: Int32Array;
  readonly #token: number;
  readonly #own: number;

  constructor(words: Int32Array, slot: number, token: number) {
    this.#words = words;
    this.#token = token;
    this.#own = RING.pendingProducers + slot;
  }

  /** Counts this thread in. */
  enter(): void {
    Atomics.store(this.#words, this.#own, this.#token);
  }

  /** Counts this thread out. @returns whether it was counted. */
  leave(): boolean {
    if (Atomics.load(this.#words, this.#own) !== this.#token) return false;
    Atomics.store(this.#words, this.#own, 0);
    return true;
  }

  /** True while another living thread keeps items. */
  get isAny(): boolean {
    const { bells } = parking();
    for (let word = RING.pendingProducers; word < RING.pendingProducers + SLOT_COUNT; word++) {
      const token = Atomics.load(this.#words, word);
      if (token === 0 || token === this.#token) continue;
      if (bells.isAlive(slotOf(token), generationIn(token))) return true;
      Atomics.compareExchange(this.#words, word, token, 0);
    }
    return false;
  }
}
