import { SLOT_COUNT } from "../memory/index.ts";
import { generationIn, parking, slotOf } from "../parking/index.ts";
import { RING } from "./ring-layout.ts";

/** Who still has items of its own for a queue: a shut queue ends when they have stored them, or are dead. */
export class Bufferers {
  readonly #words: Int32Array;
  readonly #token: number;
  readonly #own: number;

  constructor(words: Int32Array, slot: number, token: number) {
    this.#words = words;
    this.#token = token;
    this.#own = RING.buffering + slot;
  }

  /** This thread has some. */
  enter(): void {
    Atomics.store(this.#words, this.#own, this.#token);
  }

  /** This thread has none. @returns whether it had. */
  leave(): boolean {
    if (Atomics.load(this.#words, this.#own) !== this.#token) return false;
    Atomics.store(this.#words, this.#own, 0);
    return true;
  }

  /** Whether any living thread has some. */
  get isAny(): boolean {
    const { bells } = parking();
    for (let word = RING.buffering; word < RING.buffering + SLOT_COUNT; word++) {
      const token = Atomics.load(this.#words, word);
      if (token === 0 || token === this.#token) continue;
      if (bells.isAlive(slotOf(token), generationIn(token))) return true;
      Atomics.compareExchange(this.#words, word, token, 0);
    }
    return false;
  }
}
