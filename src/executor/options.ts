import { checkTask, type Task } from "../task/index.ts";
import { checkEnv, checkExecArgv, checkResourceLimits } from "../process/start-checks.ts";
import { outOfRange } from "../util/argument-error.ts";
import {
  abortSignal,
  anything,
  array,
  boolean,
  checkFunction,
  type Check,
  integer,
  milliseconds,
  number,
  text,
} from "../util/checks.ts";
import {
  type AnyOptionTable,
  checkOptions,
  type OptionChecks,
  type OptionTable,
} from "../util/option-table.ts";
import type { ProcessExecutorOptions } from "./process-executor.ts";
import type { ThreadExecutorOptions } from "./thread-executor.ts";
import type { TaskOptions } from "./types.ts";

/** In the options with which a Pool makes its executor: its workers are daemons, as Python's. */
export const DAEMON_WORKERS: unique symbol = Symbol("daemon workers");

/** Options of both executors. */
export interface ExecutorOptions<I extends unknown[] = unknown[]> {
  /** Most workers at a time. Default: the number of CPUs this process may use. */
  readonly maxWorkers?: number | undefined;
  /** Workers that stay although idle. Default: `maxWorkers` when `idleTimeout` is not given, else 0. */
  readonly minWorkers?: number | undefined;
  /** Milliseconds after which an idle worker above `minWorkers` ends. Default: never. */
  readonly idleTimeout?: number | undefined;
  /** Runs once in every worker before its first task; a failure breaks the executor. */
  readonly initializer?: Task<I, unknown> | undefined;
  /**
   * Arguments of the initializer: anything that can travel, shared objects and queues too. Each worker gets
   * it when it is started; so what can be given away once, as the end of a pipe, needs `maxWorkers: 1`.
   */
  readonly initializerArgs?: NoInfer<I> | undefined;
  /** Runs in a worker before it ends, also after an abort; not when it is killed. */
  readonly finalizer?: Task<[], unknown> | undefined;
  /** Asynchronous tasks a worker runs side by side. Default 1. */
  readonly concurrency?: number | undefined;
  /** Tasks after which a worker is replaced. Default: never. */
  readonly maxTasksPerWorker?: number | undefined;
  /** Bytes in use (resident memory of a process, heap and buffers of a thread) after which a worker is replaced. */
  readonly maxMemoryPerWorker?: number | undefined;
  /** Tasks that may wait for a worker; `submit` beyond it gives a Future that fails with QueueFullError. Default: no limit. */
  readonly maxQueue?: number | undefined;
  /** Prefix of the workers' names. */
  readonly name?: string | undefined;
  /** Milliseconds between aborting a task's signal and ending its worker. Default 1000. */
  readonly grace?: number | undefined;
}

/** Has `initializerArgs` in the options unless the initializer can be called without any. */
export type InitializerArgs<I extends unknown[]> = [] extends I
  ? unknown
  : { readonly initializerArgs: NoInfer<I> };

/** {@link ExecutorOptions}, checked and complete. */
export interface CheckedOptions {
  readonly maxWorkers: number;
  readonly minWorkers: number;
  readonly idleTimeout: number;
  readonly initializer: Task<never, unknown> | undefined;
  readonly initializerArgs: unknown[];
  readonly finalizer: Task<never, unknown> | undefined;
  readonly concurrency: number;
  readonly maxTasksPerWorker: number;
  readonly maxMemoryPerWorker: number;
  readonly maxQueue: number;
  readonly name: string;
  readonly grace: number;
}

const DEFAULT_GRACE_MS = 1000;

/** A number of workers, which has to be a finite one. */
export const workerCount: Check = integer(1);
/** A count that Infinity leaves without a limit. */
const upToInfinity = integer(1, Infinity);

/** The checks of {@link ExecutorOptions}. */
export const EXECUTOR_CHECKS: OptionChecks<ExecutorOptions> = {
  maxWorkers: workerCount,
  minWorkers: integer(0),
  idleTimeout: milliseconds,
  initializer: checkTask,
  initializerArgs: array,
  finalizer: checkTask,
  concurrency: upToInfinity,
  maxTasksPerWorker: upToInfinity,
  maxMemoryPerWorker: upToInfinity,
  maxQueue: integer(0, Infinity),
  name: text,
  grace: milliseconds,
};

/** Names of the same options in Pool, the command, Python and other libraries. */
export const EXECUTOR_SISTERS = {
  initargs: "initializerArgs",
  maxtasksperchild: "maxTasksPerWorker",
  maxTasksPerChild: "maxTasksPerWorker",
  threadNamePrefix: "name",
} as const;

/** Other names for the number of workers. */
export const WORKER_COUNTS = [
  "workers",
  "maxWorkers",
  "jobs",
  "processes",
  "threads",
  "numWorkers",
  "poolSize",
  "maxThreads",
] as const;

const MAX_WORKERS_SISTERS = {
  ...EXECUTOR_SISTERS,
  ...(Object.fromEntries(WORKER_COUNTS.map((name) => [name, "maxWorkers"])) as Record<
    string,
    "maxWorkers"
  >),
};

export const PROCESS_EXECUTOR: OptionTable<ProcessExecutorOptions> = {
  of: "ProcessPoolExecutor",
  checks: { ...EXECUTOR_CHECKS, env: checkEnv, execArgv: checkExecArgv },
  sisters: MAX_WORKERS_SISTERS,
  bare: "maxWorkers",
};

export const THREAD_EXECUTOR: OptionTable<ThreadExecutorOptions> = {
  of: "ThreadPoolExecutor",
  checks: { ...EXECUTOR_CHECKS, resourceLimits: checkResourceLimits },
  sisters: MAX_WORKERS_SISTERS,
  bare: "maxWorkers",
};

/** `maxWorkers` and `minWorkers` are let through: programs change one executor for another in their tests. */
export const INLINE_EXECUTOR: OptionTable<ExecutorOptions> = {
  of: "InlineExecutor",
  checks: EXECUTOR_CHECKS,
  sisters: EXECUTOR_SISTERS,
};

/** Checks what the user passed. @throws RangeError or TypeError that quotes the option and the value. */
export function checkExecutorOptions(
  options: ExecutorOptions<never[]>,
  table: AnyOptionTable,
  cpus: number,
  defaultName: string,
): CheckedOptions {
  checkOptions(options, table);
  const maxWorkers = options.maxWorkers ?? cpus;
  const idleTimeout = Math.max(0, options.idleTimeout ?? Infinity);
  const minWorkers = options.minWorkers ?? (idleTimeout === Infinity ? maxWorkers : 0);
  if (options.minWorkers !== undefined && minWorkers > maxWorkers) {
    throw outOfRange("minWorkers", `at most \`maxWorkers\` (${maxWorkers})`, minWorkers);
  }
  return {
    maxWorkers,
    minWorkers,
    idleTimeout,
    initializer: options.initializer,
    initializerArgs: [...(options.initializerArgs ?? [])],
    finalizer: options.finalizer,
    concurrency: options.concurrency ?? 1,
    maxTasksPerWorker: options.maxTasksPerWorker ?? Infinity,
    maxMemoryPerWorker: options.maxMemoryPerWorker ?? Infinity,
    maxQueue: options.maxQueue ?? Infinity,
    name: options.name ?? defaultName,
    grace: Math.max(0, options.grace ?? DEFAULT_GRACE_MS),
  };
}

/** Items sent to a worker at a time. */
export const checkChunkSize: Check = upToInfinity;
/** Items a map may be ahead. */
export const checkBufferSize: Check = upToInfinity;

const retryDelay: Check = (value, name) => {
  if (typeof value !== "function") milliseconds(value, name);
};

const TASK: OptionTable<TaskOptions> = {
  of: "tasks",
  checks: {
    priority: number,
    timeout: milliseconds,
    signal: abortSignal,
    mapTimeout: milliseconds,
    retries: integer(0, Infinity),
    retryDelay,
    transfer: array,
    chunkSize: checkChunkSize,
    buffer: checkBufferSize,
    ordered: boolean,
    name: text,
    onProgress: checkFunction,
    context: anything,
  },
  sisters: { timeoutMs: "timeout", abortSignal: "signal", transferList: "transfer" },
  bare: "timeout",
};

/** Checks the options of tasks. @throws RangeError or TypeError that quotes the option and the value. */
export function checkTaskOptions(options: TaskOptions): TaskOptions {
  checkOptions(options, TASK);
  return options;
}
