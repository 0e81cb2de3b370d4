import { performance, setImmediate } from "./platform.ts";

/** The used part of the platform; tests give their own. */
export interface LoopClock {
  /** Milliseconds since whenever. */
  now(): number;
  /** Calls back in the next turn of the event loop. */
  nextTurn(callback: () => void): void;
}

const PLATFORM: LoopClock = { now: performance.now, nextTurn: setImmediate };

/** Time in which an event loop is kept from sleeping for work that is likely to come at once. */
const SPIN_MS = 0.2;
/** Work that comes this soon would have been there sooner still, had nobody had to wake up for it. */
const SOON_MS = 0.5;
/** A turn of an idle loop takes microseconds; one that takes this long was interrupted by somebody else's work. */
const INTERRUPTED_MS = 0.04;
/** Two interruptions within so many waits: others want this processor, perhaps the one that is waited for. */
const SELDOM_WAITS = 5;
/** So many waits in a row that were in vain: the work comes a little too late for this, every time. */
const MOST_VAIN = 8;
/** So long the loop then sleeps as usual. */
const REST_MS = 20;

/**
 * Keeps the event loop turning for a moment after the last piece of work, when the next has been coming
 * quickly of late: waking a sleeping processor takes longer than many a task.
 *
 * A wait in vain ends it until work comes quickly again, so a program that has little to do sleeps. Many in
 * a row end it for a while, and so does being interrupted again and again: whoever shares the processor
 * with the one it waits for only delays it by staying awake. Single interruptions tell nothing, every
 * machine has them.
 *
 * The idea is that of adaptive mutexes, which spin before they sleep as long as spinning has paid off of late: glibc's
 * `PTHREAD_MUTEX_ADAPTIVE_NP`, the JVM's adaptive spinning, `ParkingLot` of WebKit. What spins here is an event loop.
 */
export class AdaptiveSpin {
  readonly #clock: LoopClock;
  #since = 0;
  #waiting = false;
  #turning = false;
  #worthwhile = false;
  #turned = 0;
  #vain = 0;
  #waits = 0;
  #interruptedWait = -SELDOM_WAITS;
  #switches = 0;
  #restUntil = 0;

  constructor(clock: LoopClock = PLATFORM) {
    this.#clock = clock;
  }

  /** There is nothing to do until more work comes. */
  begin(): void {
    this.#since = this.#clock.now();
    this.#waiting = true;
    this.#waits++;
    this.#turned = this.#since;
    if (this.#worthwhile && !this.#turning && this.#since >= this.#restUntil) this.#turn();
  }

  /** Work has come. */
  end(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    if (this.#turning) this.#vain = 0;
    this.#worthwhile = this.#clock.now() - this.#since < SOON_MS;
  }

  /** An immediate makes the loop look for events without waiting for them. */
  #turn(): void {
    this.#turning = true;
    this.#clock.nextTurn(() => {
      this.#turning = false;
      if (!this.#waiting) return;
      const now = this.#clock.now();
      if (now - this.#turned > INTERRUPTED_MS && this.#mustRest()) this.#restUntil = now + REST_MS;
      else if (now - this.#since < SPIN_MS) {
        this.#turned = now;
        this.#turn();
      } else this.#giveUp(now);
    });
  }

  #giveUp(now: number): void {
    this.#worthwhile = false;
    if (++this.#vain < MOST_VAIN) return;
    this.#vain = 0;
    this.#restUntil = now + REST_MS;
  }

  /** After a turn that took too long: did another thread take the processor, and not for the first time of late? */
  #mustRest(): boolean {
    const { involuntaryContextSwitches } = process.resourceUsage();
    // A turn may also be long because the machine under a virtual machine was busy elsewhere.
    if (involuntaryContextSwitches === this.#switches) return false;
    this.#switches = involuntaryContextSwitches;
    const isFrequent = this.#waits - this.#interruptedWait < SELDOM_WAITS;
    this.#interruptedWait = this.#waits;
    return isFrequent;
  }
}
