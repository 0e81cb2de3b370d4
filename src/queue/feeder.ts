import { writeSync } from "node:fs";
import { parkSync } from "../parking/index.ts";
import { timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import type { QueueCore } from "./queue-core.ts";
import { progressRequest } from "./wait-requests.ts";
import {
  clearInterval,
  clearTimeout,
  performance,
  setInterval,
  setTimeout,
} from "../util/platform.ts";

/** An exit waits as long as items are taken, and this long when none is. */
const EXIT_PATIENCE_MS = 5000;
/** Period of looking for room when nothing may keep the program open. */
const POLL_MS = 20;
/**
 * A wait for room behind this many items looks again after a moment before it asks to be woken: takers
 * would wake it for each item, to store one more. They are not through by then.
 */
const NAP_ITEMS = 2048;
const NAP_MS = 1;

/** The queues for which this thread has items, and how to stop waiting for room. */
const feeding = new Map<QueueCore, () => void>();
/** Queues whose items are not worth waiting for. */
const abandoned = new WeakSet<QueueCore>();
const napWord = new Int32Array(new SharedArrayBuffer(4));
let isExitWatched = false;

/** Sees to it that what this thread has buffered is stored; the program does not end before. */
export function feed(core: QueueCore): void {
  if (core.outbox.buffered === 0 || feeding.has(core)) return;
  if (!isExitWatched) {
    isExitWatched = true;
    // Before this thread gives up its place among the participants.
    process.prependListener("exit", flushAll);
  }
  // To the end: the last handle of the user may be closed before.
  core.retain();
  goOn(core);
}

/** From now on the program may end although items of this thread are not stored. */
export function abandon(core: QueueCore): void {
  abandoned.add(core);
  feeding.get(core)?.();
}

/** True when takers have so much before them that there is time for a nap. */
export function isFarBehind({ ring }: QueueCore): boolean {
  return ring.size >= NAP_ITEMS;
}

/** Waits a moment, in which takers get on. */
export function takeNap(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, NAP_MS));
}

/**
 * Blocks this thread until nothing is buffered in it.
 * @returns false when the time was up.
 */
export function feedSync(core: QueueCore, options?: WaitOptions): boolean {
  const limit = performance.now() + timeoutOf(options);
  for (;;) {
    const { buffered } = core.outbox;
    if (core.canFlush) core.flush();
    const left = limit - performance.now();
    if (core.outbox.buffered === 0) return true;
    if (left <= 0) return false;
    const hasProgress = core.outbox.buffered < buffered;
    if (hasProgress && isFarBehind(core)) Atomics.wait(napWord, 0, 0, Math.min(NAP_MS, left));
    else parkSync(progressRequest(core), { timeout: left });
  }
}

function goOn(core: QueueCore): void {
  if (core.outbox.buffered === 0) {
    feeding.delete(core);
    core.release();
  } else if (abandoned.has(core)) poll(core);
  else if (isFarBehind(core)) nap(core);
  else wait(core);
}

function nap(core: QueueCore): void {
  const timer = setTimeout(() => {
    const { buffered } = core.outbox;
    try {
      if (core.canFlush) core.flush();
    } finally {
      // When nobody takes anything now, whoever does next rings.
      if (buffered > 0 && core.outbox.buffered === buffered) wait(core);
      else goOn(core);
    }
  }, NAP_MS);
  feeding.set(core, () => {
    clearTimeout(timer);
    goOn(core);
  });
}

function wait(core: QueueCore): void {
  const stop = new AbortController();
  feeding.set(core, () => stop.abort());
  core.wait(progressRequest(core), { signal: stop.signal }).then(
    () => goOn(core),
    (error: unknown) => {
      goOn(core);
      if (!stop.signal.aborted) throw error;
    },
  );
}

function poll(core: QueueCore): void {
  const timer = setInterval(() => {
    if (core.canFlush) core.flush();
    if (core.outbox.buffered > 0) return;
    clearInterval(timer);
    goOn(core);
  }, POLL_MS).unref();
  feeding.set(core, () => {});
}

/** At `process.exit`: the thread sleeps until the rest is stored. */
function flushAll(): void {
  for (const core of feeding.keys()) {
    if (core.canFlush) core.flush();
    if (abandoned.has(core)) continue;
    for (let left = core.outbox.buffered; left > 0; left = core.outbox.buffered) {
      feedSync(core, { timeout: EXIT_PATIENCE_MS });
      if (core.outbox.buffered < left) continue;
      writeSync(
        2,
        `manycore: ${left} items of a queue are lost: the program ended, and nobody took any for ${EXIT_PATIENCE_MS / 1000} s.\n`,
      );
      break;
    }
  }
}
