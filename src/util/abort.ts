import { setMaxListeners } from "node:events";
import { queueMicrotask } from "./platform.ts";

/** Callbacks for the abort of each signal. */
const watchers: WeakMap<AbortSignal, Watchers> = new WeakMap();

/**
 * Calls back when `signal` aborts.
 *
 * One signal often bounds many waits. All of them share a single listener of it: Node takes more than ten
 * for a leak and says so, and adding one looks through those that are there.
 *
 * @returns how to give it up; the last one that does leaves no listener behind.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined || signal.aborted) return () => {};
  let group = watchers.get(signal);
  if (group === undefined) {
    group = new Watchers(signal);
    watchers.set(signal, group);
  }
  return group.add(callback);
}

/** A controller whose signal goes to the user's code: any number of listeners is no leak there. */
export function sharedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

class Watchers {
  readonly #signal: AbortSignal;
  /** In the order they came; as objects, for one function may come twice. */
  readonly #calls: Set<{ readonly callback: () => void }> = new Set();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(callback: () => void): () => void {
    const call = { callback };
    if (this.#calls.size === 0) this.#signal.addEventListener("abort", this.#run, { once: true });
    this.#calls.add(call);
    return () => {
      if (!this.#calls.delete(call) || this.#calls.size > 0) return;
      this.#signal.removeEventListener("abort", this.#run);
    };
  }

  readonly #run = (): void => {
    for (const call of this.#calls) {
      this.#calls.delete(call);
      try {
        call.callback();
      } catch (error) {
        // As for a listener of its own: the others hear of it all the same.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };
}
