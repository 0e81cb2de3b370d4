import type { Task } from "../task/index.ts";
import { checkMilliseconds } from "../util/wait-options.ts";
import type { TaskOptions } from "./types.ts";

/** In the options with which a Pool makes its executor: its workers are daemons, as Python's. */
export const DAEMON_WORKERS: unique symbol = Symbol("daemon workers");

/** What both executors take. */
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
   * What the initializer is called with: anything that can travel, shared objects and queues too. Each worker gets
   * it when it is started; so what can be given away once, as the end of a pipe, needs `maxWorkers: 1`.
   */
  readonly initializerArgs?: I | undefined;
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

/** Checks what the user passed. @throws RangeError or TypeError that quotes the option and the value. */
export function checkExecutorOptions(
  options: ExecutorOptions<never[]>,
  cpus: number,
  defaultName: string,
): CheckedOptions {
  const maxWorkers = workerCount(options.maxWorkers, "maxWorkers", cpus);
  const idleTimeout =
    options.idleTimeout === undefined
      ? Infinity
      : checkMilliseconds(options.idleTimeout, "idleTimeout");
  const minWorkers = positiveInteger(
    options.minWorkers,
    "minWorkers",
    idleTimeout === Infinity ? maxWorkers : 0,
    0,
  );
  if (options.minWorkers !== undefined && minWorkers > maxWorkers) {
    throw new RangeError(
      `Expected \`minWorkers\` to be at most \`maxWorkers\` (${maxWorkers}), got ${minWorkers}`,
    );
  }
  return {
    maxWorkers,
    minWorkers,
    idleTimeout,
    initializer: callable(options.initializer, "initializer"),
    initializerArgs: options.initializerArgs === undefined ? [] : [...options.initializerArgs],
    finalizer: callable(options.finalizer, "finalizer"),
    concurrency: positiveInteger(options.concurrency, "concurrency", 1),
    maxTasksPerWorker: positiveInteger(options.maxTasksPerWorker, "maxTasksPerWorker", Infinity),
    maxMemoryPerWorker: positiveInteger(options.maxMemoryPerWorker, "maxMemoryPerWorker", Infinity),
    maxQueue: positiveInteger(options.maxQueue, "maxQueue", Infinity, 0),
    name: options.name ?? defaultName,
    grace:
      options.grace === undefined ? DEFAULT_GRACE_MS : checkMilliseconds(options.grace, "grace"),
  };
}

/** Checks a number of workers, which has to be a finite one. */
export function workerCount(value: number | undefined, name: string, fallback: number): number {
  if (value !== Infinity) return positiveInteger(value, name, fallback);
  throw new RangeError(`Expected \`${name}\` to be an integer >= 1, got Infinity`);
}

/** Checks a count; `fallback` stands for an option that was not given. */
export function positiveInteger(
  value: number | undefined,
  name: string,
  fallback: number,
  least = 1,
): number {
  if (value === undefined) return fallback;
  if (value === Infinity || (Number.isInteger(value) && value >= least)) return value;
  const error = typeof value === "number" ? RangeError : TypeError;
  throw new error(`Expected \`${name}\` to be an integer >= ${least}, got ${String(value)}`);
}

function callable(
  task: Task<never, unknown> | undefined,
  name: string,
): Task<never, unknown> | undefined {
  if (task === undefined || typeof task === "function") return task;
  if (typeof task === "object" && task !== null) return task;
  throw new TypeError(`Expected \`${name}\` to be a function, got ${String(task)}`);
}

/** Checks the options of tasks. @throws RangeError or TypeError that quotes the option and the value. */
export function checkTaskOptions(options: TaskOptions): TaskOptions {
  if (options.timeout !== undefined) checkMilliseconds(options.timeout, "timeout");
  if (options.mapTimeout !== undefined) checkMilliseconds(options.mapTimeout, "mapTimeout");
  if (typeof options.retryDelay === "number") checkMilliseconds(options.retryDelay, "retryDelay");
  positiveInteger(options.retries, "retries", 0, 0);
  positiveInteger(options.chunkSize, "chunkSize", 1);
  positiveInteger(options.buffer, "buffer", 1);
  if (options.priority !== undefined && Number.isNaN(Number(options.priority))) {
    throw new TypeError(`Expected \`priority\` to be a number, got ${String(options.priority)}`);
  }
  return options;
}
