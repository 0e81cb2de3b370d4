import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { KIND, type Kind } from "../memory/index.ts";
import {
  Event,
  openNamed,
  openOrMake,
  RLock,
  Semaphore,
  WaitableTimer,
  type ResetMode,
  type SharedClass,
  type SyncObject,
} from "../sync/index.ts";
import { checkSharedName } from "../parking/index.ts";
import { MAX_PERMITS } from "../sync/permit-options.ts";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import { boolean, integer, number } from "../util/checks.ts";
import { ERROR_ALREADY_EXISTS } from "./constants.ts";
import { Date } from "../util/platform.ts";

/** Attributes of objects; there are none. */
export type Attributes = null | undefined;
/** The name of an object that unrelated processes share; without one it travels as an argument. */
export type Name = string | null | undefined;

let lastError = 0;

/** {@link ERROR_ALREADY_EXISTS} when the last Create… of this thread opened what was there, else 0. */
export function GetLastError(): number {
  return lastError;
}

/**
 * Makes an event, or opens the one of this name, as it is then.
 * @param manualReset - whether it stays set until {@link ResetEvent}; else it lets one through each time.
 * @since 0.2.0
 */
export function CreateEvent(
  _attributes: Attributes,
  manualReset: boolean,
  initialState: boolean,
  name?: Name,
): Event {
  boolean(initialState, "initialState");
  const options = { reset: resetMode(manualReset), signaled: initialState };
  return create(events, name, (named) => new Event({ ...options, ...named })).object;
}

/**
 * Opens an event.
 * @throws InvalidStateError when there is none of this name.
 * @since 0.2.0
 */
export function OpenEvent(_access: number, _inherit: boolean, name: string): Event {
  return open(events, name);
}

/** Sets an event. @since 0.2.0 */
export function SetEvent(event: Event): void {
  checkHandle(event, "event", Event);
  event.set();
}

/** Clears an event. @since 0.2.0 */
export function ResetEvent(event: Event): void {
  checkHandle(event, "event", Event);
  event.clear();
}

/** Lets those through that wait now - one, if the event resets by itself - and leaves it cleared. @since 0.2.0 */
export function PulseEvent(event: Event): void {
  checkHandle(event, "event", Event);
  event.pulse();
}

/**
 * Makes a mutex, or opens the one of this name. Its holder may take it again; when its holder dies, the
 * next one is told.
 * @param initialOwner - whether this thread holds it at once; of no effect when it was there.
 * @since 0.2.0
 */
export function CreateMutex(_attributes: Attributes, initialOwner: boolean, name?: Name): RLock {
  boolean(initialOwner, "initialOwner");
  return create(mutexes, name, (named) => {
    const made = new RLock(named);
    // Nobody can have opened it yet.
    if (initialOwner) made.acquireSync();
    return made;
  }).object;
}

/**
 * Opens a mutex.
 * @throws InvalidStateError when there is none of this name.
 * @since 0.2.0
 */
export function OpenMutex(_access: number, _inherit: boolean, name: string): RLock {
  return open(mutexes, name);
}

/**
 * Releases a mutex once.
 * @throws InvalidStateError when this thread does not hold it.
 * @since 0.2.0
 */
export function ReleaseMutex(mutex: RLock): void {
  checkHandle(mutex, "mutex", RLock);
  mutex.release();
}

/** Makes a semaphore, or opens the one of this name, as it is then. @since 0.2.0 */
export function CreateSemaphore(
  _attributes: Attributes,
  initialCount: number,
  maximumCount: number,
  name?: Name,
): Semaphore {
  integer(0, MAX_PERMITS)(initialCount, "initialCount");
  integer(1, MAX_PERMITS)(maximumCount, "maximumCount");
  if (initialCount > maximumCount) {
    throw outOfRange("initialCount", `at most \`maximumCount\` (${maximumCount})`, initialCount);
  }
  return create(
    semaphores,
    name,
    (named) => new Semaphore(initialCount, { max: maximumCount, ...named }),
  ).object;
}

/**
 * Opens a semaphore.
 * @throws InvalidStateError when there is none of this name.
 * @since 0.2.0
 */
export function OpenSemaphore(_access: number, _inherit: boolean, name: string): Semaphore {
  return open(semaphores, name);
}

/**
 * Adds to a semaphore.
 * @returns what its count was, a moment before.
 * @throws InvalidStateError when that would be more than its maximum.
 * @since 0.2.0
 */
export function ReleaseSemaphore(semaphore: Semaphore, releaseCount = 1): number {
  checkHandle(semaphore, "semaphore", Semaphore);
  integer(1, MAX_PERMITS)(releaseCount, "releaseCount");
  const previous = semaphore.value;
  semaphore.release(releaseCount);
  return previous;
}

/** Makes a timer, or opens the one of this name, as it is then. @since 0.2.0 */
export function CreateWaitableTimer(
  _attributes: Attributes,
  manualReset: boolean,
  name?: Name,
): WaitableTimer {
  const reset = resetMode(manualReset);
  return create(timers, name, (named) => new WaitableTimer({ reset, ...named })).object;
}

/**
 * Opens a timer.
 * @throws InvalidStateError when there is none of this name.
 * @since 0.2.0
 */
export function OpenWaitableTimer(_access: number, _inherit: boolean, name: string): WaitableTimer {
  return open(timers, name);
}

/** From 1601 to 1970. */
const FILETIME_TO_UNIX_MS = 11_644_473_600_000;
const UNITS_PER_MS = 10_000;

/**
 * Sets a timer.
 * @param dueTime - in units of 100 ns: negative from now, else since 1601 (UTC).
 * @param period - milliseconds; 0 is once.
 * @param completion - there are no completion routines: wait for the timer.
 * @since 0.2.0
 */
export function SetWaitableTimer(
  timer: WaitableTimer,
  dueTime: number | bigint,
  period = 0,
  completion?: null,
): void {
  if (completion != null) {
    throw new NotSupportedError(
      "SetWaitableTimer() takes no completion routine: wait for the timer, then call it.",
    );
  }
  checkHandle(timer, "timer", WaitableTimer);
  if (typeof dueTime !== "bigint") number(dueTime, "dueTime");
  const dueMs = Number(dueTime) / UNITS_PER_MS;
  timer.set(dueMs < 0 ? -dueMs : dueMs - FILETIME_TO_UNIX_MS - Date.now(), { period });
}

/** Stops a timer; if it is due it stays so. @since 0.2.0 */
export function CancelWaitableTimer(timer: WaitableTimer): void {
  checkHandle(timer, "timer", WaitableTimer);
  timer.cancel();
}

function checkHandle(
  handle: unknown,
  name: string,
  Class: abstract new (...args: never[]) => object,
): void {
  if (!(handle instanceof Class)) throw wrongType(name, `an instance of ${Class.name}`, handle);
}

interface Type<T extends SyncObject> {
  readonly kind: Kind;
  readonly what: string;
  readonly Class: SharedClass<T>;
}

const events: Type<Event> = { kind: KIND.event, what: "event", Class: Event };
const mutexes: Type<RLock> = { kind: KIND.rlock, what: "mutex", Class: RLock };
const semaphores: Type<Semaphore> = { kind: KIND.semaphore, what: "semaphore", Class: Semaphore };
const timers: Type<WaitableTimer> = { kind: KIND.timer, what: "timer", Class: WaitableTimer };

function create<T extends SyncObject>(
  { kind, Class }: Type<T>,
  name: Name,
  make: (named: { readonly name?: string }) => T,
): { readonly object: T; readonly wasThere: boolean } {
  if (name != null) checkSharedName(name, "name");
  const result =
    name == null
      ? { object: make({}), wasThere: false }
      : openOrMake(kind, name, Class, () => make({ name }));
  lastError = result.wasThere ? ERROR_ALREADY_EXISTS : 0;
  return result;
}

function open<T extends SyncObject>({ kind, what, Class }: Type<T>, name: string): T {
  checkSharedName(name, "name");
  const object = openNamed(kind, name, Class);
  if (object !== undefined) return object;
  throw new InvalidStateError(
    `There is no ${what} named ${JSON.stringify(name)}: create it first, in a process that keeps it open.`,
  );
}

function resetMode(manualReset: boolean): ResetMode {
  boolean(manualReset, "manualReset");
  return manualReset ? "manual" : "auto";
}
