import { enterContext, park, parking, parkSync, wake, type WaitRequest } from "../parking/index.ts";
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
      const any = new AnyRequest(
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
  return parkSync(new AnyRequest(entriesOf(objects, { caller: "waitAnySync()" })), options);
}

/** How many there are; a wrong list is refused later. */
function lengthOf(objects: readonly unknown[]): number {
  return Array.isArray(objects) ? objects.length : 0;
}

/** The request for one of several. */
class AnyRequest implements WaitRequest<WaitAnyResult> {
  readonly cells: WaitRequest<{}>["cells"];
  readonly group: object = this;
  readonly isAny = true;
  readonly #entries: readonly Entry[];
  readonly #requests: readonly WaitRequest<{}>[];
  #taken: WaitRequest<{}> | undefined;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    this.#requests = entries.map((entry) => entry.request());
    this.cells = this.#requests.flatMap((request) => request.cells);
  }

  attempt(): WaitAnyResult | undefined {
    for (const [index, request] of this.#requests.entries()) {
      if (request.attempt() === undefined) continue;
      this.#taken = request;
      const entry = this.#entries[index]!;
      entry.taken();
      return { index, abandoned: entry.isAbandoned() };
    }
    return undefined;
  }

  arm(): boolean {
    return this.#requests.every((request) => request.arm());
  }

  holder(): number {
    for (const request of this.#requests) {
      const holder = request.holder();
      if (holder !== 0) return holder;
    }
    return 0;
  }

  recover(): boolean {
    let isChanged = false;
    for (const request of this.#requests) {
      if (request.recover?.() === true) isChanged = true;
    }
    return isChanged;
  }

  starve(): void {
    for (const request of this.#requests) request.starve?.();
  }

  leave(): void {
    for (const request of this.#requests) request.leave?.();
  }

  /** The objects not taken may have been announced to, rung for or reserved. */
  passOn(): void {
    for (const request of this.#requests) {
      if (request === this.#taken) request.passOn?.();
      else request.leave?.();
    }
  }

  suspend(): void {
    for (const request of this.#requests) {
      if (request.suspend !== undefined) request.suspend();
      else for (const cell of request.cells) wake(cell, parking(), 1);
    }
  }

  /** Milliseconds until the first of them falls due by itself. */
  due(): number {
    return Math.min(...this.#requests.map((request) => request.due?.() ?? Infinity));
  }
}
