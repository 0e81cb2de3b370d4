import type { ParkOptions } from "./park-options.ts";
import type { Participant } from "./participant.ts";
import { ParkingLot } from "./parking-lot.ts";
import type { Waker } from "./wake.ts";
import type { WaitRequest } from "./wait-request.ts";

let instance: ParkingLot | undefined;

/** The waits of this thread. */
export function parking(): Waker & {
  readonly participant: Participant;
  /**
   * Opens what waits in the event loop need, for those who announce themselves before they wait: a thread
   * that is terminated in the middle of it would seem alive.
   */
  prepare(): void;
} {
  return own();
}

function own(): ParkingLot {
  instance ??= new ParkingLot();
  return instance;
}

/**
 * Blocks this thread until a request is met.
 * @returns undefined when the time is up.
 * @throws DeadlockError; `signal.reason` when the signal is already aborted.
 */
export function parkSync<T extends {}>(
  request: WaitRequest<T>,
  options?: ParkOptions,
): T | undefined {
  return own().sync(request, options);
}

/**
 * Waits in the event loop until a request is met. The first attempt is made before it returns.
 * @returns undefined when the time is up.
 */
export function park<T extends {}>(
  request: WaitRequest<T>,
  options?: ParkOptions,
): Promise<T | undefined> {
  try {
    return own().async(request, options);
  } catch (error) {
    // An aborted signal, a wrong timeout: what is asynchronous rejects.
    return Promise.reject(error);
  }
}
