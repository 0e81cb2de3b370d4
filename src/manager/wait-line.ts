import { type Call, type Caller, park, type Parked, WithdrawnError } from "./call.ts";
import { setImmediate } from "../util/platform.ts";

/** An attempt that did not succeed, and is to be made again. */
export const NOT_YET: unique symbol = Symbol("not yet");

interface Waiter {
  attempt(): unknown;
  parked: Parked<unknown>;
}

/**
 * Calls that wait for something only some of them can have, first come, first served.
 *
 * What becomes free is handed out at the end of the running turn of the event loop, not at once: by then
 * the server has seen which clients ended before, so that nothing is given to the dead.
 */
export class WaitLine {
  readonly #waiters = new Set<Waiter>();
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
    const waiter: Partial<Waiter> = { attempt };
    const parked = park<T>(call, {
      onTimeout: isLasting ? undefined : onTimeout,
      // Those behind may have been held up by this one.
      onDone: () => this.#leave(waiter as Waiter),
      isLasting,
    });
    waiter.parked = parked as Parked<unknown>;
    this.#waiters.add(waiter as Waiter);
    return parked.promise;
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

  #leave(waiter: Waiter): void {
    if (this.#waiters.delete(waiter)) this.poke();
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      try {
        const got = waiter.attempt();
        if (got === NOT_YET) return;
        this.#waiters.delete(waiter);
        waiter.parked.resolve(got);
      } catch (error) {
        this.#waiters.delete(waiter);
        waiter.parked.reject(error as Error);
      }
    }
  }
}

/** Calls that wait for one moment, which then comes for all of them at once. */
export class BroadcastWait<T> {
  readonly #parked = new Set<Parked<T>>();

  get size(): number {
    return this.#parked.size;
  }

  wait(call: Caller, onTimeout: () => T): T | Promise<T> {
    if (call.timeout <= 0) return onTimeout();
    const holder: { parked?: Parked<T> } = {};
    const parked = park<T>(call, {
      onTimeout,
      onDone: () => this.#parked.delete(holder.parked!),
    });
    holder.parked = parked;
    this.#parked.add(parked);
    return parked.promise;
  }

  resolveAll(value: T): void {
    for (const parked of [...this.#parked]) parked.resolve(value);
  }

  rejectAll(make: () => Error): void {
    for (const parked of [...this.#parked]) parked.reject(make());
  }
}
