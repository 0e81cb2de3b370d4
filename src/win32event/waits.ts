import {
  waitAll,
  waitAllSync,
  waitAny,
  waitAnySync,
  type Joinable,
  type SyncWaitable,
  type WaitAnyResult,
} from "../sync/index.ts";
import { isEnding } from "../sync/endings.ts";
import { isWaitable, targetOf, type WaitTarget } from "../sync/waitable.ts";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import { array, boolean, milliseconds as checkTime } from "../util/checks.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import {
  INFINITE,
  MAXIMUM_WAIT_OBJECTS,
  WAIT_ABANDONED_0,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
} from "./constants.ts";

/** What can be waited for by a thread that sleeps. */
export type Handle = SyncWaitable;
/** What can be waited for in the event loop: processes and threads too, until they end. */
export type AsyncHandle = SyncWaitable | Joinable;

/**
 * Waits for an object and takes it. The thread sleeps: its event loop stands still meanwhile.
 * @param milliseconds - default: {@link INFINITE}; a negative number is that too.
 * @returns {@link WAIT_OBJECT_0}, {@link WAIT_TIMEOUT} or {@link WAIT_ABANDONED}.
 * @since 0.2.0
 */
export function WaitForSingleObject(handle: Handle, milliseconds: number = INFINITE): number {
  checkHandle(handle, isWaitable(handle));
  return codeOfAny(waitAnySync([handle], bounds(milliseconds)));
}

/** As {@link WaitForSingleObject}, in the event loop. @since 0.2.0 */
export async function WaitForSingleObjectAsync(
  handle: AsyncHandle,
  milliseconds: number = INFINITE,
): Promise<number> {
  checkHandle(handle, isWaitable(handle) || isEnding(handle));
  return waitAny([handle], bounds(milliseconds)).then(codeOfAny);
}

/**
 * Waits for one of several objects, or for all at once, and takes what it waited for. The thread sleeps.
 * @param all - whether for all; while one is missing none is taken.
 * @param milliseconds - default: {@link INFINITE}; a negative number is that too.
 * @returns {@link WAIT_OBJECT_0} + the index of the one taken (of all: + 0), {@link WAIT_ABANDONED_0} + the
 * index of a mutex whose holder died, or {@link WAIT_TIMEOUT}.
 * @since 0.2.0
 */
export function WaitForMultipleObjects(
  handles: readonly Handle[],
  all: boolean,
  milliseconds: number = INFINITE,
): number {
  checkHandles(handles, all);
  const options = bounds(milliseconds);
  if (!all) return codeOfAny(waitAnySync(handles, options));
  const targets = handles.map(targetOf);
  return codeOfAll(targets, waitAllSync(handles, options));
}

/** As {@link WaitForMultipleObjects}, in the event loop. @since 0.2.0 */
export async function WaitForMultipleObjectsAsync(
  handles: readonly AsyncHandle[],
  all: boolean,
  milliseconds: number = INFINITE,
): Promise<number> {
  checkHandles(handles, all);
  const options = bounds(milliseconds);
  if (!all) return waitAny(handles, options).then(codeOfAny);
  // A handle may be closed before the wait is over.
  const targets = handles.map(targetOf);
  return codeOfAll(targets, await waitAll(handles, options));
}

/** Gives a handle up; an object ends with the last one of it. @since 0.2.0 */
export function CloseHandle(handle: { close(): void }): void {
  if (typeof (handle as typeof handle | null)?.close !== "function") {
    throw wrongType("handle", "a handle", handle);
  }
  handle.close();
}

function codeOfAny(found: WaitAnyResult | undefined): number {
  if (found === undefined) return WAIT_TIMEOUT;
  return (found.abandoned ? WAIT_ABANDONED_0 : WAIT_OBJECT_0) + found.index;
}

function codeOfAll(targets: readonly (WaitTarget | undefined)[], isTaken: boolean): number {
  if (!isTaken) return WAIT_TIMEOUT;
  const abandoned = targets.findIndex((target) => target?.isAbandoned?.() === true);
  return abandoned < 0 ? WAIT_OBJECT_0 : WAIT_ABANDONED_0 + abandoned;
}

function bounds(milliseconds: number): WaitOptions {
  checkTime(milliseconds, "milliseconds");
  return milliseconds < 0 || milliseconds >= INFINITE ? {} : { timeout: milliseconds };
}

function checkHandle(handle: unknown, isRight: boolean, name = "handle"): void {
  if (!isRight) throw wrongType(name, "a handle that can be waited for here", handle);
}

function checkHandles(handles: readonly unknown[], all: boolean): void {
  array(handles, "handles");
  boolean(all, "all");
  for (const [at, handle] of handles.entries()) {
    const isRight = isWaitable(handle) || isEnding(handle);
    checkHandle(handle, isRight, `handles[${at}]`);
  }
  if (handles.length > 0 && handles.length <= MAXIMUM_WAIT_OBJECTS) return;
  const expected = `1 to ${MAXIMUM_WAIT_OBJECTS} handles, as on Windows`;
  throw outOfRange("handles", expected, handles, "waitAny() and waitAll() take any number");
}
