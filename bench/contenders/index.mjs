/**
 * Who takes part. `role`: "ours", "rival", or "raw" for the bare platform, which queues nothing,
 * survives nothing, and so marks a ceiling instead of competing.
 *
 * An adapter exports `create({ workers, kind, purpose, options })`, which returns
 * - `run(name, arg)`: a promise for the result of that function of tasks.mjs;
 * - `map(name, items, { chunkSize })`, when the library has one;
 * - `transfer(bytes)`: `flip`, with the memory moved instead of copied;
 * - `close()`.
 * A contender with `python` is a class in python/contenders.py instead.
 */
const ADVANCED = { serialization: "advanced" };

export const CONTENDERS = [
  {
    name: "manycore-thread",
    role: "ours",
    kind: "thread",
    file: "manycore.mjs",
    package: "manycore",
    chunks: true,
  },
  {
    name: "manycore-process",
    role: "ours",
    kind: "process",
    file: "manycore.mjs",
    package: "manycore",
    chunks: true,
  },

  { name: "piscina", role: "rival", kind: "thread", file: "piscina.mjs", package: "piscina" },
  {
    name: "piscina-c50",
    role: "rival",
    kind: "thread",
    file: "piscina.mjs",
    package: "piscina",
    variant: true,
    note: "`concurrentTasksPerWorker: 50, atomics: 'disabled'`",
    options: { concurrentTasksPerWorker: 50, atomics: "disabled" },
  },
  { name: "tinypool", role: "rival", kind: "thread", file: "tinypool.mjs", package: "tinypool" },
  {
    name: "workerpool",
    role: "rival",
    kind: "thread",
    file: "workerpool.mjs",
    package: "workerpool",
    options: { workerType: "thread" },
  },
  {
    name: "poolifier",
    role: "rival",
    kind: "thread",
    file: "poolifier.mjs",
    package: "poolifier",
    note: "no queue, its default",
  },
  {
    name: "poolifier-queue",
    role: "rival",
    kind: "thread",
    file: "poolifier.mjs",
    package: "poolifier",
    variant: true,
    note: "`enableTasksQueue: true`",
    options: { enableTasksQueue: true },
  },
  {
    name: "jest-worker",
    role: "rival",
    kind: "thread",
    file: "jest-worker.mjs",
    package: "jest-worker",
    noTransfer: true,
    options: { enableWorkerThreads: true },
  },
  { name: "raw-post-message", role: "raw", kind: "thread", file: "raw.mjs", options: {} },
  {
    name: "bare-worker",
    role: "raw",
    kind: "thread",
    file: "raw.mjs",
    startOnly: true,
    note: "one `new Worker`",
    options: { workers: 1 },
  },

  {
    name: "tinypool-process",
    role: "rival",
    kind: "process",
    file: "tinypool.mjs",
    package: "tinypool",
    options: { runtime: "child_process", ...ADVANCED },
  },
  {
    name: "workerpool-process",
    role: "rival",
    kind: "process",
    file: "workerpool.mjs",
    package: "workerpool",
    options: { workerType: "process", forkOpts: ADVANCED },
  },
  {
    name: "poolifier-cluster",
    role: "rival",
    kind: "process",
    file: "poolifier.mjs",
    package: "poolifier",
    note: "no queue, its default",
    options: { settings: ADVANCED },
  },
  {
    name: "poolifier-cluster-queue",
    role: "rival",
    kind: "process",
    file: "poolifier.mjs",
    package: "poolifier",
    variant: true,
    note: "`enableTasksQueue: true`",
    options: { enableTasksQueue: true, settings: ADVANCED },
  },
  {
    name: "jest-worker-process",
    role: "rival",
    kind: "process",
    file: "jest-worker.mjs",
    package: "jest-worker",
    options: { forkOptions: ADVANCED },
  },
  { name: "raw-send-json", role: "raw", kind: "process", file: "raw.mjs", options: {} },
  { name: "raw-send-advanced", role: "raw", kind: "process", file: "raw.mjs", options: ADVANCED },
  {
    name: "bare-fork",
    role: "raw",
    kind: "process",
    file: "raw.mjs",
    startOnly: true,
    note: "one `fork()`",
    options: { workers: 1 },
  },

  {
    name: "cpython-process-executor",
    role: "rival",
    kind: "process",
    python: "process-executor",
    chunks: true,
  },
  { name: "cpython-pool", role: "rival", kind: "process", python: "pool", chunks: true },
  {
    name: "cpython-thread-executor",
    role: "rival",
    kind: "thread",
    python: "thread-executor",
    noCopies: true,
  },
];
