import { type Call, type Caller, type CallWait, waitInCall, WithdrawnError } from "./call.ts";
import { setImmediate } from "../util/platform.ts";

/** An attempt that did not succeed, and is to be made again. */
export const NOT_YET: unique symbol = Symbol("not yet");

/**
 * Calls that wait for something only some of them can have, first come, first served.
 *
 * A place that becomes free is handed out at the end of the running turn of the event loop, not at once: by then
 * the server has seen which clients ended before, so that nothing is given to the dead.
 */
export class WaitLine {
  /** Waits in the order in which they came, and how each tries. */
  readonly #waiters = new Map<CallWait<unknown>, () => unknown>();
  #isScheduled = false;

  get length(): number {
    return this.#waiters.size;
  }

  /**
   * Tries, and waits in line until an attempt succeeds or throws.
   *
   * @param onTimeout - makes the outcome when the call's time is up.
   * @param isLasting - has no timeout, and goes on when the caller gives up.
   */
  wait<T>(
    call: Call,
    attempt: () => T | typeof NOT_YET,
    onTimeout: () => T,
    isLasting = false,
  ): T | Promise<T> {
    if (this.#waiters.size === 0) {
      const got = attempt();
      if (got !== NOT_YET) return got;
    }
    if (call.ended === "gone" || (call.ended !== undefined && !isLasting)) {
      throw new WithdrawnError(call.ended);
    }
    if (call.timeout <= 0 && !isLasting) return onTimeout();
    const wait = waitInCall<T>(call, {
      onTimeout: isLasting ? undefined : onTimeout,
      onDone: (ended) => this.#leave(ended as CallWait<unknown>),
      isLasting,
    });
    this.#waiters.set(wait as CallWait<unknown>, attempt);
    return wait.promise;
  }

  /** Lets those in line try again, in a moment. */
  poke(): void {
    if (this.#isScheduled || this.#waiters.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#serve();
    });
  }

  /** Lets those behind try, whom the one that leaves may have held up. */
  #leave(wait: CallWait<unknown>): void {
    if (this.#waiters.delete(wait)) this.poke();
  }

  #serve(): void {
    for (const [wait, attempt] of this.#waiters) {
      try {
        const got = attempt();
        if (got === NOT_YET) return;
        this.#waiters.delete(wait);
        wait.resolve(got);
      } catch (error) {
        this.#waiters.delete(wait);
        wait.reject(error as Error);
      }
    }
  }
}

/** Calls that wait for one moment, which then comes for all of them at once. */
export class BroadcastWait<T> {
  readonly #waits = new Set<CallWait<T>>();

  get size(): number {
    return this.#waits.size;
  }

  wait(call: Caller, onTimeout: () => T): T | Promise<T> {
    if (call.timeout <= 0) return onTimeout();
    const wait = waitInCall<T>(call, {
      onTimeout,
      onDone: (ended) => this.#waits.delete(ended),
    });
    this.#waits.add(wait);
    return wait.promise;
  }

  resolveAll(value: T): void {
    for (const wait of [...this.#waits]) wait.resolve(value);
  }

  rejectAll(make: () => Error): void {
    for (const wait of [...this.#waits]) wait.reject(make());
  }
}
