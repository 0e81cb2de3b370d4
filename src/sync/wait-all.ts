import { enterContexts, park, parkSync, type Context } from "../parking/index.ts";
import { badArgument } from "../util/argument-error.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import { countdown } from "./countdown.ts";
import type { Ending } from "./endings.ts";
import type { Event } from "./event.ts";
import type { Lock } from "./lock.ts";
import type { RLock } from "./rlock.ts";
import type { Semaphore } from "./semaphore.ts";
import type { BoundedSemaphore } from "./bounded-semaphore.ts";
import type { WaitableTimer } from "./waitable-timer.ts";
import { entriesOf, type Entry } from "./wait-entries.ts";

/** What can be waited for together with others, by a thread that sleeps too. */
export type SyncWaitable = Lock | RLock | Semaphore | BoundedSemaphore | Event | WaitableTimer;

/**
 * Takes several objects, all or none: it never holds a part of them while it waits, so waits of this kind
 * cannot block each other, in whatever order the objects are listed.
 *
 * Somebody who only tries may find an object taken for the moment in which the others are tried; an event
 * that resets by itself is then set again. Where single objects are wanted all the time, a wait for
 * all of them may take long.
 *
 * **Waiting**: until all can be had at once. **Cancellation**: safe; nothing is held.
 * @returns false when the time was up.
 * @throws DeadlockError when what is waited for is held by somebody who waits for this task;
 * `signal.reason`; TypeError when an object is listed twice.
 * @example
 * if (await waitAll([from.lock, to.lock], { timeout: 1000 })) {
 *   try {
 *     move(from, to, amount);
 *   } finally {
 *     from.lock.release();
 *     to.lock.release();
 *   }
 * }
 * @since 0.2.0
 */
export function waitAll(
  objects: readonly (SyncWaitable | Ending)[],
  options?: WaitOptions,
): Promise<boolean> {
  const contexts = enterContexts(Array.isArray(objects) ? objects.length : 1);
  const watching = new AbortController();
  const body = async (): Promise<boolean> => {
    try {
      checkWait(options);
      const { signal } = watching;
      return await takeAll(
        inOrder(entriesOf(objects, { caller: "waitAll()", contexts, signal })),
        options,
        contexts[0]!.parent,
      );
    } finally {
      watching.abort();
    }
  };
  return body();
}

/**
 * As {@link waitAll}, but the thread sleeps: its event loop stands still meanwhile, so processes, threads and
 * promises cannot be waited for.
 * @since 0.2.0
 */
export function waitAllSync(objects: readonly SyncWaitable[], options?: WaitOptions): boolean {
  checkWait(options);
  const entries = inOrder(entriesOf(objects, { caller: "waitAllSync()" }));
  const left = start(options);
  for (;;) {
    const missing = tryAll(entries);
    if (missing === undefined) return allTaken(entries);
    if (parkSync(missing.request(), { ...options, timeout: left() }) === undefined) return false;
    if (completes(entries, missing)) return allTaken(entries);
  }
}

async function takeAll(
  entries: readonly Entry[],
  options: WaitOptions | undefined,
  context: Context | undefined,
): Promise<boolean> {
  const left = start(options);
  for (;;) {
    const missing = tryAll(entries);
    if (missing === undefined) return allTaken(entries);
    const bounds = { ...options, timeout: left(), context };
    // Only what is missing is waited for, with nothing held: then the others are tried again.
    if ((await park(missing.request(), bounds)) === undefined) return false;
    if (completes(entries, missing)) return allTaken(entries);
  }
}

function allTaken(entries: readonly Entry[]): true {
  for (const entry of entries) entry.taken();
  return true;
}

function start(options: WaitOptions | undefined): () => number {
  options?.signal?.throwIfAborted();
  return countdown(options);
}

/** Takes the others too, or gives back what was waited for. */
function completes(entries: readonly Entry[], taken: Entry): boolean {
  if (tryAll(entries, taken) === undefined) return true;
  taken.giveBack();
  return false;
}

/**
 * Takes all that are not held yet, or none.
 * @returns the one that could not be had.
 */
function tryAll(entries: readonly Entry[], held?: Entry): Entry | undefined {
  const taken: Entry[] = [];
  for (const entry of entries) {
    if (entry === held || tryOne(entry)) {
      if (entry !== held) taken.push(entry);
      continue;
    }
    for (const other of taken.reverse()) other.giveBack();
    return entry;
  }
  return undefined;
}

function tryOne(entry: Entry): boolean {
  const request = entry.request();
  if (request.attempt() !== undefined) return true;
  return request.recover?.() === true && request.attempt() !== undefined;
}

/** The same order for everybody: then of two who want the same, one gets all of it. */
function inOrder(entries: readonly Entry[]): Entry[] {
  const placed = entries.map((entry) => ({ entry, cell: entry.request().cells[0]?.index ?? -1 }));
  placed.sort((a, b) => a.cell - b.cell);
  for (const [place, { entry, cell }] of placed.entries()) {
    const former = placed[place - 1];
    if (cell < 0 || former?.cell !== cell) continue;
    throw badArgument(
      `waitAll() got the same object twice, as number ${former.entry.index} and number ${entry.index}`,
    );
  }
  return placed.map(({ entry }) => entry);
}
