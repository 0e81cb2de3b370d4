import { Worker } from "node:worker_threads";

/**
 * Interval at which the parent's life is checked. A child outlives a killed parent by no more than two of
 * these, since the second look kills: time for those who wait for the parent's end to tidy up. Each
 * generation adds as much, so that a chain of four computing processes is gone within two seconds.
 */
const CHECK_MS = 250;

/**
 * Runs as text: a file would go through the loaders of the program. `process.ppid` asks the system
 * each time, and a process whose parent died is handed to another one.
 */
const SOURCE = `
const { workerData } = require("node:worker_threads");
const pause = new Int32Array(new SharedArrayBuffer(4));
for (let missed = 0; missed < 2;) {
  Atomics.wait(pause, 0, 0, ${CHECK_MS});
  if (process.ppid !== workerData) missed++;
}
process.kill(process.pid, "SIGKILL");`;

let started = false;

/**
 * Ends this process when its parent is gone, even while its main thread computes.
 *
 * The end of the channel tells an idle child; one inside a long loop never reads it. A small thread
 * asks for the parent's id instead. It sleeps in `Atomics.wait`, which a normal exit interrupts. A V8 isolate of its own,
 * so only where the parent's `sentinel.ts` cannot do it for all of its children.
 *
 * @param parent - process id of the parent, as the parent said: it may be gone by now.
 */
export function startWatchdog(parent: number): void {
  if (started || process.platform === "win32") return;
  started = true;
  const watchdog = new Worker(SOURCE, {
    eval: true,
    workerData: parent,
    env: {},
    execArgv: [],
    // Measured: 9 MB with the default heap sizes of a thread.
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  watchdog.unref();
  // Without it an idle child still sees the end of its channel.
  watchdog.on("error", () => watchdog.unref());
}
