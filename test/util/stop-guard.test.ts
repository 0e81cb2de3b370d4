import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { StopGuard } from "../../dist/util/stop-guard.js";

const MODULE = JSON.stringify(new URL("../../dist/util/stop-guard.js", import.meta.url).href);

/** A thread that does unstoppable work when told; words: 0 told, 1 has begun, 2 has ended. */
function worker(guard: StopGuard, words: Int32Array): Worker {
  return new Worker(
    `const { workerData: { memory, words }, parentPort } = require("node:worker_threads");
     import(${MODULE}).then(({ adoptStopGuard, unstoppable }) => {
       adoptStopGuard(memory);
       parentPort.postMessage("ready");
       Atomics.wait(words, 0, 0);
       unstoppable(() => {
         // Work within it does not end it.
         unstoppable(() => {});
         Atomics.store(words, 1, 1);
         Atomics.notify(words, 1);
         // Busy for a while that close() has to wait.
         const end = performance.now() + 50;
         while (performance.now() < end);
         Atomics.store(words, 2, 1);
       });
     });`,
    { eval: true, workerData: { memory: guard.memory, words } },
  );
}

test("a thread is terminated only when its unstoppable work has ended", async () => {
  const guard = new StopGuard();
  const words = new Int32Array(new SharedArrayBuffer(12));
  const thread = worker(guard, words);
  await once(thread, "message");
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  Atomics.wait(words, 1, 0);
  guard.close();
  expect(Atomics.load(words, 2)).toBe(1);
  await thread.terminate();
});

test("once it is about to be terminated, a thread begins no such work, and ends", async () => {
  const guard = new StopGuard();
  const words = new Int32Array(new SharedArrayBuffer(12));
  const thread = worker(guard, words);
  await once(thread, "message");
  guard.close();
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
  await thread.terminate();
  expect(Atomics.load(words, 1)).toBe(0);
});
