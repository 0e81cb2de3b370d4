import { isMainThread, threadId } from "node:worker_threads";
import { liveChildren } from "../process/children.ts";
import { threadSelf } from "./self.ts";
import type { Thread } from "./thread.ts";

/** A thread as others see it: of those started here it is the {@link Thread} itself. */
export interface ThreadInfo {
  readonly name: string;
  /** It does not keep the event loop of its starter open. True in the workers of executors and pools, too. */
  readonly daemon: boolean;
  /** Node's id; 0 is the main thread. */
  readonly threadId: number | undefined;
  readonly isAlive: boolean;
}

/**
 * This thread.
 *
 * @since 0.1.0
 */
export function currentThread(): ThreadInfo {
  const { name, daemon } = threadSelf();
  return { name, daemon, threadId, isAlive: true };
}

/**
 * The main thread of this process.
 *
 * @since 0.1.0
 */
export function mainThread(): ThreadInfo {
  return { name: "MainThread", daemon: false, threadId: 0, isAlive: true };
}

/**
 * The running threads that can be seen from here: the main thread, this one, and those that were started
 * from this one as {@link Thread}. Threads that other threads started are not among them, since every
 * JS thread has its own memory.
 *
 * @since 0.1.0
 */
export function threads(): ThreadInfo[] {
  const own = liveChildren("thread") as Thread<unknown[], unknown>[];
  return isMainThread ? [mainThread(), ...own] : [mainThread(), currentThread(), ...own];
}
