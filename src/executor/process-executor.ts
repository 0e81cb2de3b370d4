import { cpuCount } from "../process/cpu-count.ts";
import { childIdentity } from "../process/identity.ts";
import { type ProcessPeer, spawnProcess, type SpawnOptions } from "../process/spawn.ts";
import { FileClaims } from "./claims.ts";
import { ExecutorBase } from "./bound-executor.ts";
import {
  checkExecutorOptions,
  DAEMON_WORKERS,
  type ExecutorOptions,
  type InitializerArgs,
  PROCESS_EXECUTOR,
} from "./options.ts";
import { assertMayStart } from "../task/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { Scheduler } from "./scheduler.ts";
import { encodeHookArgs, sendHooks, workerSettings } from "./worker-hooks.ts";
import type { Executor } from "./types.ts";
import { WorkerLink } from "./worker-link.ts";

/** Options of a {@link ProcessPoolExecutor}. */
export interface ProcessExecutorOptions<
  I extends unknown[] = unknown[],
> extends ExecutorOptions<I> {
  /** Environment of the workers. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Node options of the workers. Default: this process's. */
  readonly execArgv?: readonly string[] | undefined;
}

/**
 * Runs functions in a pool of processes.
 *
 * Workers start on demand, end with this process, and do not keep it open while they are idle. A worker
 * that dies fails the one task it ran with WorkerCrashedError and is replaced. Tasks may start processes and
 * executors of their own, which end with the worker.
 *
 * @example
 * const executor = new ProcessPoolExecutor({ maxWorkers: 4 });
 * console.log(await executor.submit(square, 7));
 * await executor.shutdown();
 */
export class ProcessPoolExecutor<I extends unknown[] = []> extends ExecutorBase {
  /** @throws RangeError or TypeError for an option out of range, ProcessError while a worker imports its modules. */
  constructor(options?: ProcessExecutorOptions<I> & InitializerArgs<I>);
  constructor(options: ProcessExecutorOptions<never[]> = {}) {
    super(processScheduler(options, {}), {});
  }
}

/** Memory and descriptors that the workers of the command get from it. */
export type WorkerDescriptors = Pick<SpawnOptions, "stdio" | "sharedFd">;

/** A {@link ProcessPoolExecutor} whose workers have other descriptors. */
export function processPool(
  options: ProcessExecutorOptions,
  descriptors: WorkerDescriptors,
): Executor {
  const scheduler = processScheduler(options as ProcessExecutorOptions<never[]>, descriptors);
  return new ExecutorBase(scheduler, {});
}

function processScheduler(
  options: ProcessExecutorOptions<never[]>,
  descriptors: WorkerDescriptors,
): Scheduler {
  assertMayStart("ProcessPoolExecutor");
  const checked = checkExecutorOptions(options, PROCESS_EXECUTOR, cpuCount(), "ProcessPoolWorker");
  const isDaemon = (options as { [DAEMON_WORKERS]?: boolean })[DAEMON_WORKERS] === true;
  return new Scheduler("process", checked, (id, owner) => {
    // First of all: what cannot travel is to be known before anything is started.
    const hookArgs = encodeHookArgs(checked, "process");
    const claims = new FileClaims();
    const identity = childIdentity(checked.name, `${checked.name}-${id}`, isDaemon);
    const peer = spawnOrClose(claims, {
      role: entryUrl("executor/worker/role").href,
      boot: { process: identity, argv: process.argv.slice(1), data: workerSettings(checked, id) },
      env: options.env,
      execArgv: options.execArgv,
      claimsFd: claims.fd,
      ...descriptors,
    });
    const link = new WorkerLink(id, identity.name, peer, claims, owner);
    void sendHooks(link, checked, hookArgs, owner);
    return link;
  });
}

/** A process that cannot be started leaves nothing open. */
function spawnOrClose(claims: FileClaims, options: SpawnOptions): ProcessPeer {
  try {
    return spawnProcess(options);
  } catch (error) {
    claims.close();
    throw error;
  }
}
