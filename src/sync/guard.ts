import { inspectAs } from "../util/inspectable.ts";
import { boolean, checkFunction } from "../util/checks.ts";

/**
 * What was taken, until it is released: `using guard = lock.holdSync()`, or `guard.release()` in a
 * `finally` where the syntax is missing.
 *
 * @since 0.2.0
 */
export class Guard {
  static {
    inspectAs(Guard, (guard) => {
      const after = guard.abandoned ? ", from one that died" : "";
      return `Guard { ${guard.released ? "released" : "held"}${after} }`;
    });
  }

  /** The holder before died with it: what it protects may be half-done. */
  readonly abandoned: boolean;
  #release: (() => void) | undefined;

  constructor(release: () => void, abandoned = false) {
    checkFunction(release, "release");
    this.#release = release;
    boolean(abandoned, "abandoned");
    this.abandoned = abandoned;
  }

  /** Whether it was released. */
  get released(): boolean {
    return this.#release === undefined;
  }

  /** Releases what was taken; the second time does nothing. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
