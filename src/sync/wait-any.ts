import { enterContext, park, parking, parkSync, wake, type Wish } from "../parking/index.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import type { Ending } from "./endings.ts";
import type { SyncWaitable } from "./wait-all.ts";
import { entriesOf, type Entry } from "./wait-entries.ts";

/** Which of several objects a wait has taken. */
export interface WaitAnyResult {
  /** Its place in the list. */
  readonly index: number;
  /** A lock: its holder died with it. */
  readonly abandoned: boolean;
}

/**
 * Waits until one of several objects can be had, and takes that one alone: a lock or a permit is held
 * then, an event that resets by itself is reset. Of several that can be had, the first in the list is
 * taken. Processes, threads, Futures and promises count once they have ended, however they did.
 *
 * **Waiting**: for any of them; of those that are not taken nothing is changed. **Cancellation**: safe.
 * @returns which; undefined when the time was up.
 * @throws `signal.reason`.
 * @example
 * const found = await waitAny([stop, lock], { timeout: 1000 });
 * if (found?.index === 1) lock.release();
 * @since 0.2.0
 */
export function waitAny(
  objects: readonly (SyncWaitable | Ending)[],
  options?: WaitOptions,
): Promise<WaitAnyResult | undefined> {
  const context = enterContext();
  const watching = new AbortController();
  const body = async (): Promise<WaitAnyResult | undefined> => {
    try {
      checkWait(options);
      const any = new AnyWish(
        entriesOf(objects, {
          caller: "waitAny()",
          contexts: Array.from({ length: lengthOf(objects) }, () => context),
          signal: watching.signal,
        }),
      );
      return await park(any, { ...options, context: context.parent });
    } finally {
      watching.abort();
    }
  };
  return body();
}

/**
 * As {@link waitAny}, but the thread sleeps: its event loop stands still meanwhile, so processes, threads and
 * promises cannot be waited for.
 * @since 0.2.0
 */
export function waitAnySync(
  objects: readonly SyncWaitable[],
  options?: WaitOptions,
): WaitAnyResult | undefined {
  checkWait(options);
  return parkSync(new AnyWish(entriesOf(objects, { caller: "waitAnySync()" })), options);
}

/** How many there are; a wrong list is refused later. */
function lengthOf(objects: readonly unknown[]): number {
  return Array.isArray(objects) ? objects.length : 0;
}

/** The wish for one of several. */
class AnyWish implements Wish<WaitAnyResult> {
  readonly cells: Wish<{}>["cells"];
  readonly group: object = this;
  readonly isAny = true;
  readonly #entries: readonly Entry[];
  readonly #wishes: readonly Wish<{}>[];
  #taken: Wish<{}> | undefined;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    this.#wishes = entries.map((entry) => entry.wish());
    this.cells = this.#wishes.flatMap((wish) => wish.cells);
  }

  attempt(): WaitAnyResult | undefined {
    for (const [index, wish] of this.#wishes.entries()) {
      if (wish.attempt() === undefined) continue;
      this.#taken = wish;
      const entry = this.#entries[index]!;
      entry.taken();
      return { index, abandoned: entry.isAbandoned() };
    }
    return undefined;
  }

  arm(): boolean {
    return this.#wishes.every((wish) => wish.arm());
  }

  holder(): number {
    for (const wish of this.#wishes) {
      const holder = wish.holder();
      if (holder !== 0) return holder;
    }
    return 0;
  }

  recover(): boolean {
    let isChanged = false;
    for (const wish of this.#wishes) {
      if (wish.recover?.() === true) isChanged = true;
    }
    return isChanged;
  }

  starve(): void {
    for (const wish of this.#wishes) wish.starve?.();
  }

  leave(): void {
    for (const wish of this.#wishes) wish.leave?.();
  }

  /** The objects not taken may have been announced to, rung for or reserved. */
  passOn(): void {
    for (const wish of this.#wishes) {
      if (wish === this.#taken) wish.passOn?.();
      else wish.leave?.();
    }
  }

  suspend(): void {
    for (const wish of this.#wishes) {
      if (wish.suspend !== undefined) wish.suspend();
      else for (const cell of wish.cells) wake(cell, parking(), 1);
    }
  }

  /** Milliseconds until the first of them falls due by itself. */
  due(): number {
    return Math.min(...this.#wishes.map((wish) => wish.due?.() ?? Infinity));
  }
}
