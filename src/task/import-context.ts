import { AsyncLocalStorage, createHook } from "node:async_hooks";
import { globalSlot } from "../util/global-slot.ts";
import { setImmediate, setTimeout } from "../util/platform.ts";
import { taskSlot } from "./slot.ts";

interface Slot {
  /** Marks what a module's import has set in motion: its top level, and timers and promises from there. */
  readonly storage: AsyncLocalStorage<true>;
  /** Imports under way. */
  running: number;
  /** Timers made by imports and not over. */
  readonly timers: Set<number>;
  /** Resources that keep the loop of this thread open by themselves: the fewest that were seen before an import. */
  base: number;
}

const slot: Slot = globalSlot("import-context", () => ({
  storage: new AsyncLocalStorage<true>(),
  running: 0,
  timers: new Set(),
  base: Infinity,
}));

/** While something is left behind, or tasks run beside it, this is looked at again: first after, at last after. */
const LOOK_AGAIN_MS = 20;
const LAST_LOOK_MS = 30_000;

/** Resources that come to an end by themselves; any other may have been there before any import. */
const PASSING = /Req|Immediate|Timeout/;

/** From here on a context costs nothing; before, every promise of the thread takes twice as long. */
const IS_FREE = Number(process.versions.node.split(".")[0]) >= 24;

const watch = createHook({
  init(id, type) {
    if (type === "Timeout" && slot.storage.getStore() === true) slot.timers.add(id);
  },
  destroy: (id) => void slot.timers.delete(id),
});

/**
 * Runs the import of a module so that what it sets in motion can be told apart from tasks, also long after it
 * is over; only in workers, since in the program itself nothing is imported for its functions alone.
 */
export async function runImport<T>(body: () => Promise<T>): Promise<T> {
  if (!taskSlot().isWorker) return await body();
  if (IS_FREE) return await slot.storage.run(true, body);
  // Tasks that run beside the import have theirs, which may end before it does.
  const lasting = process.getActiveResourcesInfo().filter((type) => !PASSING.test(type));
  slot.base = Math.min(slot.base, lasting.length);
  if (slot.running++ === 0) watch.enable();
  try {
    return await slot.storage.run(true, body);
  } finally {
    // What runs on microtasks alone has come to an end, or waits for something that can be seen, by then.
    setImmediate(() => {
      slot.running--;
      rest(LOOK_AGAIN_MS);
    }).unref();
  }
}

/** Ends the marking when no code of an import can follow: almost always. */
function rest(delay: number): void {
  if (slot.running > 0) return;
  if (slot.timers.size === 0 && process.getActiveResourcesInfo().length <= slot.base) {
    watch.disable();
    slot.storage.disable();
  } else if (delay <= LAST_LOOK_MS) {
    setTimeout(() => rest(delay * 2), delay).unref();
  }
}

/** True in code that runs because a worker has imported a module, and not because of a task. */
export function runsByImport(): boolean {
  return slot.storage.getStore() === true;
}
