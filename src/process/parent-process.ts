import { globalSlot } from "../util/global-slot.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { waitWithin, type WaitOptions } from "../util/wait-options.ts";
import { processIdentity } from "./identity.ts";
import { clearInterval, setInterval, setTimeout } from "../util/platform.ts";

/** Time to tidy up for a child that waits for its parent's end; see `watchdog.ts`. */
const GRACE_MS = 200;
/** Interval at which a thread, which does not see its process's channel, looks for the parent. */
const CHECK_MS = 50;

interface Watch {
  waiting: number;
  isGone: boolean;
  readonly gone: Deferred<void>;
}

const watch: Watch = globalSlot("parent", () => ({
  waiting: 0,
  isGone: false,
  gone: deferred<void>(),
}));

/** The process that started this one, seen from here. */
export interface ParentProcess {
  readonly pid: number;
  readonly name: string;
  /** False once it is gone; this process then ends, too, within moments. */
  readonly isAlive: boolean;
  /**
   * Waits until the parent is gone: true, or false when `timeout` passed. Code behind a wait that came
   * true has at least 200 ms before this process ends with its parent; everybody else has none.
   */
  join(options?: WaitOptions): Promise<boolean>;
}

/**
 * The process that started this one; null in the root, the program the user started.
 *
 * @since 0.1.0
 */
export function parentProcess(): ParentProcess | null {
  const { parent } = processIdentity();
  if (parent === undefined) return null;
  const { pid, name } = parent;
  return {
    pid,
    name,
    get isAlive() {
      return !isGone(pid);
    },
    join: (options) => joinParent(pid, options),
  };
}

async function joinParent(pid: number, options: WaitOptions | undefined): Promise<boolean> {
  if (isGone(pid)) return true;
  watch.waiting++;
  const timer = setInterval(() => {
    if (isGone(pid)) watch.gone.resolve();
  }, CHECK_MS);
  try {
    return await waitWithin<boolean>(
      watch.gone.promise.then(() => true),
      options,
      () => false,
    );
  } finally {
    clearInterval(timer);
    watch.waiting--;
  }
}

/** Its end of the channel closes first; then the system hands its orphans to another process. */
function isGone(pid: number): boolean {
  return watch.isGone || process.ppid !== pid;
}

/** Called when the channel to the parent has closed: lets those who wait for it go on a little, then ends. */
export function parentIsGone(end: () => void): void {
  watch.isGone = true;
  watch.gone.resolve();
  if (watch.waiting === 0) end();
  else setTimeout(end, GRACE_MS);
}
