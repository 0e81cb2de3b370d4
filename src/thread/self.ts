import { threadIdentity } from "../process/identity.ts";
import { globalSlot } from "../util/global-slot.ts";

/** The identity of this thread. */
export interface ThreadSelf {
  readonly name: string;
  readonly daemon: boolean;
  /** Numbers from the main thread: `[1, 2]` is the second thread of the first thread. */
  readonly path: readonly number[];
}

interface Slot {
  path: readonly number[];
  started: number;
}

const slot: Slot = globalSlot("threads", () => ({ path: [], started: 0 }));

/** Takes over the place in the tree of threads that the starter said. */
export function adoptPath(path: readonly number[]): void {
  slot.path = path;
}

/** The name of this thread: `MainThread` in the main thread of any process. */
export function threadSelf(): ThreadSelf {
  const own = threadIdentity();
  return { name: own?.name ?? "MainThread", daemon: own?.daemon ?? false, path: slot.path };
}

/** The identity of the next thread started here: `Thread-1`, of a thread's own threads `Thread-1:2`. */
export function nextThreadIdentity(prefix: string, name?: string, daemon?: boolean): ThreadSelf {
  slot.started++;
  const path = [...slot.path, slot.started];
  return {
    name: name ?? `${prefix}-${path.join(":")}`,
    daemon: daemon ?? threadSelf().daemon,
    path,
  };
}
