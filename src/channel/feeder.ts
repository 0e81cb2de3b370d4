import { writeSync } from "node:fs";
import { parkSync } from "../parking/index.ts";
import type { QueueCore } from "./queue-core.ts";
import { flushWish } from "./queue-wishes.ts";

/** An exit waits as long as items are taken, and this long when none is. */
const EXIT_PATIENCE_MS = 5000;
/** How often to look for room when nothing may keep the program open. */
const POLL_MS = 20;

/** The queues for which this thread has items, and how to stop waiting for room. */
const feeding = new Map<QueueCore, () => void>();
/** Queues whose items are not worth waiting for. */
const abandoned = new WeakSet<QueueCore>();
let isExitWatched = false;

/** Sees to it that what this thread has buffered is stored; the program does not end before. */
export function feed(core: QueueCore): void {
  if (core.outbox.buffered === 0 || feeding.has(core)) return;
  if (!isExitWatched) {
    isExitWatched = true;
    // Before this thread gives up its place among the participants.
    process.prependListener("exit", flushAll);
  }
  if (abandoned.has(core)) poll(core);
  else wait(core);
}

/** From now on the program may end although items of this thread are not stored. */
export function abandon(core: QueueCore): void {
  abandoned.add(core);
  feeding.get(core)?.();
}

function wait(core: QueueCore): void {
  const stop = new AbortController();
  feeding.set(core, () => stop.abort());
  const again = (): void => {
    feeding.delete(core);
    feed(core);
  };
  void core.park(flushWish(core), { signal: stop.signal }).then(again, (error: unknown) => {
    again();
    if (!stop.signal.aborted) throw error;
  });
}

function poll(core: QueueCore): void {
  core.retain();
  const timer = setInterval(() => {
    if (core.canFlush) core.flush();
    if (core.outbox.buffered > 0) return;
    clearInterval(timer);
    feeding.delete(core);
    core.release();
  }, POLL_MS).unref();
  feeding.set(core, () => {});
}

/** At `process.exit`: the thread sleeps until the rest is stored. */
function flushAll(): void {
  for (const core of feeding.keys()) {
    if (core.canFlush) core.flush();
    if (abandoned.has(core)) continue;
    for (let left = core.outbox.buffered; left > 0; left = core.outbox.buffered) {
      parkSync(flushWish(core), { timeout: EXIT_PATIENCE_MS });
      if (core.outbox.buffered < left) continue;
      writeSync(
        2,
        `manycore: ${left} items of a queue are lost: the program ended, and nobody took any for ${EXIT_PATIENCE_MS / 1000} s.\n`,
      );
      break;
    }
  }
}
