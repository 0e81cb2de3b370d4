import type { ProcessExecutorOptions, ThreadExecutorOptions } from "../executor/index.ts";
import {
  checkBufferSize,
  checkChunkSize,
  EXECUTOR_CHECKS,
  EXECUTOR_SISTERS,
  WORKER_COUNTS,
  workerCount,
} from "../executor/options.ts";
import { checkEnv, checkExecArgv, checkResourceLimits } from "../process/start-checks.ts";
import { badArgument } from "../util/argument-error.ts";
import { checkFunction, oneOf } from "../util/checks.ts";
import type { OptionChecks, OptionTable } from "../util/option-table.ts";

/** Options of a {@link Pool}: those of both executors, with Python's names for the most used. */
export interface PoolOptions<I extends unknown[] = unknown[]>
  extends
    Omit<ProcessExecutorOptions<I>, "maxWorkers">,
    Pick<ThreadExecutorOptions<I>, "resourceLimits"> {
  /** Number of workers. Default: the number of CPUs this process may use. */
  readonly workers?: number | undefined;
  /** Processes (default) or threads. */
  readonly kind?: "process" | "thread" | undefined;
}

/** How many items go to a worker at a time. */
export interface ChunkOptions {
  /** Default: as many as make some milliseconds of work. */
  readonly chunkSize?: number | undefined;
}

/** How far a lazy map runs ahead. */
export interface ImapOptions extends ChunkOptions {
  /** Items pulled from the input and not yet yielded, at the most. Default: what keeps the workers busy. */
  readonly buffer?: number | undefined;
}

/** What is called with an asynchronous call's outcome, before its Future is. */
export interface AsyncCallbacks<R> {
  readonly callback?: ((value: R) => void) | undefined;
  readonly errorCallback?: ((error: unknown) => void) | undefined;
}

const { maxWorkers: _, ...SHARED_CHECKS } = EXECUTOR_CHECKS;

export const POOL: OptionTable<PoolOptions> = {
  of: "Pool",
  checks: {
    ...SHARED_CHECKS,
    workers: workerCount,
    kind: oneOf("process", "thread"),
    env: checkEnv,
    execArgv: checkExecArgv,
    resourceLimits: checkResourceLimits,
  },
  sisters: {
    ...EXECUTOR_SISTERS,
    ...(Object.fromEntries(WORKER_COUNTS.map((name) => [name, "workers"])) as Record<
      string,
      "workers"
    >),
  },
  bare: "workers",
};

const CALLBACK_CHECKS: OptionChecks<AsyncCallbacks<never>> = {
  callback: checkFunction,
  errorCallback: checkFunction,
};

export const CALLBACKS: OptionTable<AsyncCallbacks<never>> = {
  of: "pool.applyAsync()",
  parameter: "callbacks",
  checks: CALLBACK_CHECKS,
};

export const MAP: OptionTable<ChunkOptions> = {
  of: "pool.map() and pool.starmap()",
  checks: { chunkSize: checkChunkSize },
  bare: "chunkSize",
};

export const MAP_ASYNC: OptionTable<ChunkOptions & AsyncCallbacks<never>> = {
  of: "pool.mapAsync() and pool.starmapAsync()",
  checks: { chunkSize: checkChunkSize, ...CALLBACK_CHECKS },
  bare: "chunkSize",
};

export const IMAP: OptionTable<ImapOptions> = {
  of: "pool.imap() and pool.imapUnordered()",
  checks: { chunkSize: checkChunkSize, buffer: checkBufferSize },
  bare: "chunkSize",
};

/** Refuses options that the other kind of pool has: they would be of no effect. */
export function checkKind(
  options: PoolOptions<never[]>,
  foreign: readonly (keyof PoolOptions)[],
): void {
  for (const name of foreign) {
    if (options[name] === undefined) continue;
    const kind = name === "resourceLimits" ? "threads" : "processes";
    throw badArgument(
      `\`${name}\` is an option of pools of ${kind}: leave it out, or say \`kind: "${kind === "threads" ? "thread" : "process"}"\`.`,
    );
  }
}

/** What a generator task yields, one by one; what any other returns. */
export type Yielded<R> = R extends AsyncIterable<infer T> | Generator<infer T, unknown, unknown>
  ? T
  : R;
