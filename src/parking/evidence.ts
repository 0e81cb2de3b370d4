import type { DeadlockWatch } from "./deadlock.ts";
import { isWorkPending } from "../util/pending-work.ts";
import { isOwnFile } from "../errors/own-frames.ts";

/*
 * Evidence that a task cannot go on before one of its waits does. A wait that was only started is none: the task may
 * let go of what it holds before it comes to await it. So a verdict on a task needs that somebody awaits the promise
 * and that nothing else could make the event loop run code. When in doubt there is no verdict: the wait goes on.
 */

/** As many frames as the search for somebody who awaits may need: ours, and one of the user's. */
const FRAMES = 30;

/** Active handles that call nobody back who waits inside a task: what carries our own bells, channels and servers. */
const PASSIVE = new Set([
  "PipeWrap",
  "PipeServerWrap",
  "TCPServerWrap",
  "ProcessWrap",
  "MessagePort",
  "Worker",
  "SignalWrap",
  "TTYWrap",
]);

/**
 * Runs a function while something is held that is let go of when it is done; a wait that this function awaits keeps
 * the hold from ending, which {@link isAwaited} sees by this frame.
 */
export async function whileHeld<T>(body: () => T | Promise<T>): Promise<T> {
  return await body();
}

/**
 * Whether code of the user, or a hold, awaits the async function that calls, or one that awaits it. To be asked in a
 * turn of its own: only then has the caller come to its `await`. V8 knows the chain of functions that await one
 * another; a promise that is only kept, or passed to `then`, has none.
 */
export function isAwaited(): boolean {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was found
  const { stackTraceLimit, prepareStackTrace } = Error;
  let sites: NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = FRAMES;
    Error.prepareStackTrace = (_, found) => {
      sites = found;
      return "";
    };
    // Read, the stack is made.
    void new Error().stack;
  } catch {
    // Frozen intrinsics: nothing is known, so nothing is said.
    return false;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
  return sites.some((site) => {
    // `Promise.all` and `Promise.any` are frames of their own, without a file; above them somebody awaits.
    const file = site.getFileName();
    if (!site.isAsync() || file == null) return false;
    return !isOwnFile(file) || site.getFunctionName() === whileHeld.name;
  });
}

/** One of the waits of this thread's tasks. */
interface TaskWait {
  readonly note: DeadlockWatch;
  readonly isTimed: boolean;
  readonly alarm: NodeJS.Timeout | undefined;
}

/**
 * Notes, for all who follow a chain through these waits, whether the task of each can go on without it. To be called
 * again and again: what is certain now may be in doubt later.
 *
 * @param waits - all of this thread.
 */
export function noteEvidence(waits: readonly TaskWait[]): void {
  if (!waits.some(({ note }) => note.wantsEvidence)) return;
  const isInDoubt = hasOtherWork(waits);
  for (const { note } of waits) {
    if (!note.wantsEvidence) continue;
    // A task that waits for something else, too, may go on with that.
    const hasSibling = waits.some((other) => other.note !== note && other.note.shares(note));
    note.noteEvidence(isInDoubt || hasSibling);
  }
}

/** Whether something else may make this thread's event loop run code: a timer, a request, a connection, a task. */
function hasOtherWork(waits: readonly TaskWait[]): boolean {
  if (isWorkPending()) return true;
  // The one that makes this look, and those of the waits themselves.
  let timers = -1;
  for (const { isTimed, alarm } of waits) {
    if (isTimed) timers--;
    if (alarm !== undefined) timers--;
  }
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind === "Timeout") timers++;
    else if (!PASSIVE.has(kind)) return true;
  }
  return timers > 0;
}
