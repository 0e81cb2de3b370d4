/** How long an event loop is kept from sleeping for work that is likely to come at once. */
const LINGER_MS = 0.1;
/** Work that comes this soon would have been there sooner still, had nobody had to wake up for it. */
const SOON_MS = 0.3;
/** A turn of an idle loop takes microseconds; one that takes this long was interrupted by somebody else's work. */
const INTERRUPTED_MS = 0.04;
/** So long it then leaves the processor to the others. */
const REST_MS = 20;

/**
 * Keeps the event loop turning for a moment after the last piece of work, when the next has been coming
 * quickly of late: waking a sleeping processor takes longer than many a task.
 *
 * A wait in vain ends it until work comes quickly again, so a program that has little to do sleeps. So does
 * being interrupted for a while: then other threads want the processor, perhaps the one that is waited for.
 */
export class Linger {
  #since = 0;
  #waiting = false;
  #turning = false;
  #worthwhile = false;
  #turned = 0;
  #restUntil = 0;

  /** There is nothing to do until more work comes. */
  begin(): void {
    this.#since = performance.now();
    this.#waiting = true;
    this.#turned = this.#since;
    if (this.#worthwhile && !this.#turning && this.#since >= this.#restUntil) this.#turn();
  }

  /** Work has come. */
  end(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#worthwhile = performance.now() - this.#since < SOON_MS;
  }

  /** An immediate makes the loop look for events without waiting for them. */
  #turn(): void {
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      if (!this.#waiting) return;
      const now = performance.now();
      if (now - this.#turned > INTERRUPTED_MS) this.#restUntil = now + REST_MS;
      else if (now - this.#since < LINGER_MS) {
        this.#turned = now;
        this.#turn();
      } else this.#worthwhile = false;
    });
  }
}
