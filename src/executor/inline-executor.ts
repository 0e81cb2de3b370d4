import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import { processIdentity } from "../process/identity.ts";
import { deferred } from "../util/deferred.ts";
import { LocalChannel } from "../wire/local-channel.ts";
import type { ExitStatus, Host, Peer } from "../wire/index.ts";
import { ExecutorBase } from "./bound-executor.ts";
import { MemoryClaims } from "./claims.ts";
import {
  checkExecutorOptions,
  type ExecutorOptions,
  type InitializerArgs,
  INLINE_EXECUTOR,
} from "./options.ts";
import { Scheduler } from "./scheduler.ts";
import { encodeHookArgs, sendHooks, workerSettings } from "./worker-hooks.ts";
import { ExecutorWorker } from "./worker/role.ts";
import { WorkerLink } from "./worker-link.ts";

/**
 * Runs functions in this very thread, through the same path as the other executors: values are copied,
 * errors and options behave alike, breakpoints work.
 *
 * For tests and debugging; `maxWorkers` and `minWorkers` have no effect. A task cannot be killed here: one that ignores its signal goes on after a
 * timeout, and `process.exit` in it ends the program.
 */
export class InlineExecutor<I extends unknown[] = []> extends ExecutorBase {
  /** @throws RangeError or TypeError for an option out of range. */
  constructor(options?: Omit<ExecutorOptions<I>, "maxWorkers" | "minWorkers"> & InitializerArgs<I>);
  constructor(options: Omit<ExecutorOptions<never[]>, "maxWorkers" | "minWorkers"> = {}) {
    const checked = {
      ...checkExecutorOptions(options, INLINE_EXECUTOR, 1, "InlineWorker"),
      maxWorkers: 1,
      minWorkers: 0,
    };
    const scope = captureScope();
    const scheduler = new Scheduler("inline", checked, (id, owner) => {
      // First of all: what cannot travel is to be known before anything is started.
      const hookArgs = encodeHookArgs(checked, "inline");
      const claims = new MemoryClaims();
      const [here, there] = LocalChannel.pair();
      const ended = deferred<ExitStatus>();
      const peer: Peer = {
        kind: "inline",
        pid: process.pid,
        threadId: undefined,
        channel: here,
        exited: ended.promise,
        stdin: null,
        stdout: null,
        stderr: null,
        kill: (signal) => {
          here.close();
          ended.resolve({ code: undefined, signal });
        },
        ref: () => {},
        unref: () => {},
      };
      const name = `${checked.name}-${id}`;
      const link = new WorkerLink(id, name, peer, claims, owner);
      here.onClose = () => ended.resolve({ code: 0, signal: undefined });
      const host: Host = {
        kind: "inline",
        channel: there,
        boot: { process: processIdentity(), argv: [], data: workerSettings(checked, id) },
        claims,
        watchParent: () => {},
      };
      const scopeOf = (task?: number): AsyncScope | undefined =>
        task === undefined ? scope : link.taskOf(task)?.scope;
      new ExecutorWorker(host, scopeOf).start();
      there.start();
      void sendHooks(link, checked, hookArgs, owner);
      return link;
    });
    super(scheduler, {});
  }
}
