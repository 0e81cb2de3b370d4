/** How long an event loop is kept from sleeping for work that is likely to come at once. */
const LINGER_MS = 0.1;
/** Work that comes this soon would have been there sooner still, had nobody had to wake up for it. */
const SOON_MS = 0.3;

/**
 * Keeps the event loop turning for a moment after the last piece of work, when the next has been coming
 * quickly of late: waking a sleeping processor takes longer than many a task.
 *
 * A wait in vain ends it until work comes quickly again, so a program that has little to do sleeps.
 */
export class Linger {
  #since = 0;
  #waiting = false;
  #turning = false;
  #worthwhile = false;

  /** There is nothing to do until more work comes. */
  begin(): void {
    this.#since = performance.now();
    this.#waiting = true;
    if (this.#worthwhile && !this.#turning) this.#turn();
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
      if (performance.now() - this.#since < LINGER_MS) this.#turn();
      else this.#worthwhile = false;
    });
  }
}
