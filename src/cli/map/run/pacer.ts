import { onAbort } from "../../../util/abort.ts";
import { clearTimeout, performance, setTimeout } from "../../../util/platform.ts";

/** Lets records start one after the other, not more often than wanted. */
export class Pacer {
  readonly #everyMs: number;
  readonly #stopped: AbortSignal;
  #next = 0;

  /** @param everyMs - time between two starts; 0 for no limit. */
  constructor(everyMs: number, stopped: AbortSignal) {
    this.#everyMs = everyMs;
    this.#stopped = stopped;
  }

  /** Waits for the turn of the next record, or until the run stops. */
  async turn(): Promise<void> {
    if (this.#everyMs === 0) return;
    const now = performance.now();
    const turn = Math.max(now, this.#next);
    this.#next = turn + this.#everyMs;
    await pause(turn - now, this.#stopped);
  }
}

/** Waits some milliseconds, or until the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      unwatch();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const unwatch = onAbort(signal, end);
  });
}
