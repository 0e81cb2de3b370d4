import type { ResourceLimits } from "node:worker_threads";
import { cpuCount } from "../process/cpu-count.ts";
import { processIdentity } from "../process/identity.ts";
import { spawnThread } from "../thread/spawn.ts";
import { ExecutorBase } from "./bound-executor.ts";
import { MemoryClaims } from "./claims.ts";
import {
  checkExecutorOptions,
  type ExecutorOptions,
  type InitializerArgs,
  THREAD_EXECUTOR,
} from "./options.ts";
import { assertMayStart } from "../task/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { Scheduler } from "./scheduler.ts";
import { encodeHookArgs, sendHooks, workerSettings } from "./worker-hooks.ts";
import { WorkerLink } from "./worker-link.ts";

/** Options of a {@link ThreadPoolExecutor}. */
export interface ThreadExecutorOptions<I extends unknown[] = unknown[]> extends ExecutorOptions<I> {
  /** V8's limits for each worker; one that exceeds them dies, and with it its task. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/**
 * Runs functions in a pool of worker threads: JavaScript in parallel, in one process.
 *
 * Arguments and results are copied between threads, SharedArrayBuffers are shared, and what is listed in
 * `transfer` moves. Otherwise as {@link ProcessPoolExecutor}.
 *
 * @example
 * const executor = new ThreadPoolExecutor({ maxWorkers: 4 });
 * for await (const digest of executor.map(hashFile, paths)) console.log(digest);
 * await executor.shutdown();
 */
export class ThreadPoolExecutor<I extends unknown[] = []> extends ExecutorBase {
  /** @throws RangeError or TypeError for an option out of range, ProcessError while a worker imports its modules. */
  constructor(options?: ThreadExecutorOptions<I> & InitializerArgs<I>);
  constructor(options: ThreadExecutorOptions<never[]> = {}) {
    assertMayStart("ThreadPoolExecutor");
    const checked = checkExecutorOptions(options, THREAD_EXECUTOR, cpuCount(), "ThreadPoolWorker");
    const scheduler = new Scheduler("thread", checked, (id, owner) => {
      // First of all: what cannot travel is to be known before anything is started.
      const hookArgs = encodeHookArgs(checked, "thread");
      const claims = new MemoryClaims();
      const name = `${checked.name}-${id}`;
      const peer = spawnThread({
        role: entryUrl("executor/worker/role").href,
        boot: {
          process: processIdentity(),
          thread: { name, daemon: true },
          argv: process.argv.slice(1),
          data: workerSettings(checked, id),
        },
        resourceLimits: options.resourceLimits,
        claims: claims.memory,
      });
      const link = new WorkerLink(id, name, peer, claims, owner);
      void sendHooks(link, checked, hookArgs, owner);
      return link;
    });
    super(scheduler, {});
  }
}
