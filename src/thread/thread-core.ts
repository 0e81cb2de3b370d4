import { existsSync } from "node:fs";
import type { ResourceLimits } from "node:worker_threads";
import { NotSupportedError, ProcessError } from "../errors/index.ts";
import { exitCodeOf } from "../process/exit-code.ts";
import { type HandleOptions, type SplitOptions, stdioTriple } from "../process/handle-options.ts";
import { processIdentity } from "../process/identity.ts";
import { pollSync } from "../process/join-sync.ts";
import type { Restored } from "../process/restore.ts";
import { type CoreParts, WorkerCore } from "../process/worker-core.ts";
import { entryUrl } from "../util/entry-url.ts";
import type { ExitStatus, Peer, ThreadIdentity } from "../wire/index.ts";
import { reportThreadError } from "./except-hook.ts";
import { nextThreadIdentity, threadSelf } from "./self.ts";
import type { ThreadPeer } from "./spawn.ts";
import { createStatus, StatusView } from "./status-word.ts";
import { setImmediate } from "../util/platform.ts";

/** Options of a Thread. */
export interface ThreadSettings extends HandleOptions {
  /** Limits of its heap and stack, as Node's; exceeding one ends the thread with exit code 1. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** States of a thread, and whether its JavaScript runs at this moment. */
export type ThreadState = "new" | "runnable" | "running" | "blocked" | "terminated";

/** The life of a worker thread. */
export class ThreadCore<R> extends WorkerCore<R> {
  readonly kind = "thread";
  readonly #settings: ThreadSettings;
  readonly #path: readonly number[];
  readonly #memory = createStatus();
  readonly #status = new StatusView(this.#memory);

  private constructor(parts: CoreParts, path: readonly number[], settings: ThreadSettings) {
    super(parts);
    this.#path = path;
    this.#settings = settings;
  }

  /** One that can be started. */
  static create<R>(prefix: string, split: SplitOptions<ThreadSettings>): ThreadCore<R> {
    const { settings, work, transfer } = split;
    if ((settings as { cwd?: unknown }).cwd !== undefined) {
      throw new NotSupportedError(
        "A Thread shares the working directory of its process. Leave `cwd` out, pass the folder as an argument, or use a Process.",
      );
    }
    if (stdioTriple(settings.stdio).some((target) => typeof target === "number")) {
      throw new NotSupportedError(
        'The `stdio` of a Thread is "inherit", "pipe" or "ignore"; a file descriptor needs a Process.',
      );
    }
    const { name, daemon, path } = nextThreadIdentity(prefix, settings.name, settings.daemon);
    return new ThreadCore(
      { name, daemon, options: settings, work, transfer, state: "new" },
      path,
      settings,
    );
  }

  /** The one that is running here. */
  static inside<R>({ name, daemon, work }: Restored): ThreadCore<R> {
    return new ThreadCore(
      { name, daemon, options: {}, work, transfer: undefined, state: "inside" },
      threadSelf().path,
      {},
    );
  }

  /** Node's id of the thread. */
  get threadId(): number | undefined {
    return this.streams?.threadId;
  }

  get threadState(): ThreadState {
    if (this.state === "inside") return "running";
    if (this.state === "new") return "new";
    const peer = this.running as ThreadPeer | undefined;
    if (peer === undefined) return this.state === "starting" ? "runnable" : "terminated";
    if (!this.began) return "runnable";
    if (this.#status.isWaiting) return "blocked";
    const { performance } = peer.worker;
    const before = performance.eventLoopUtilization().idle;
    // The idle time counts on while the loop sleeps, so that two looks in a row tell.
    return performance.eventLoopUtilization().idle > before ? "blocked" : "running";
  }

  protected checkStart(): void {}

  protected async spawn(): Promise<Peer> {
    const { env, execArgv, inspect, resourceLimits, stdio } = this.#settings;
    if (inspect !== undefined && inspect !== false)
      await openInspector(inspect === true ? 0 : inspect);
    const [stdin, stdout, stderr] = stdioTriple(stdio);
    const identity: ThreadIdentity = { name: this.name, daemon: this.daemon };
    const { spawnThread } = await import("./spawn.ts");
    try {
      const peer = spawnThread({
        role: entryUrl("thread/child-role").href,
        boot: {
          process: processIdentity(),
          thread: identity,
          argv: process.argv.slice(1),
          data: { path: this.#path },
        },
        env,
        execArgv,
        resourceLimits,
        stdin: stdin === "pipe",
        stdout: stdout !== "inherit",
        stderr: stderr !== "inherit",
        claims: this.#memory,
      });
      if (stdout === "ignore") peer.stdout?.resume();
      if (stderr === "ignore") peer.stderr?.resume();
      return peer;
    } catch (error) {
      throw new ProcessError(`${this.name} could not be started: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  protected waitSync(peer: Peer, timeout: number): ExitStatus | undefined {
    const { channel, killedBy } = peer as ThreadPeer;
    const status = pollSync<ExitStatus>(() => {
      if (!this.#hasEnded(killedBy !== undefined)) return undefined;
      const { exitCode } = this.#status;
      // Stopped, by kill() or because its heap is full: it said nothing.
      return killedBy !== undefined && exitCode === undefined
        ? { code: undefined, signal: killedBy }
        : { code: exitCode ?? 1, signal: undefined };
    }, timeout);
    if (status !== undefined) channel.finish();
    return status;
  }

  protected codeOf(status: ExitStatus): number {
    const code = exitCodeOf(status);
    return status.signal === undefined ? code & 0xff : code;
  }

  protected override ended(): void {
    const { outcome } = this;
    const { uncaught, isLate } = outcome;
    if (uncaught === undefined || this.isStopping) return;
    if (isLate) {
      reportThreadError(this.name, uncaught);
      return;
    }
    // A thread that fails at once may have ended before the code behind `await start()` could ask.
    setImmediate(() => {
      if (!outcome.wanted) reportThreadError(this.name, uncaught);
    });
  }

  #hasEnded(isKilled: boolean): boolean {
    const { systemId, exitCode } = this.#status;
    if (systemId === 0) return exitCode !== undefined || isKilled;
    return !existsSync(`/proc/self/task/${systemId}`);
  }
}

/** A thread has no port of its own: it is seen through the inspector of its process. */
async function openInspector(port: number): Promise<void> {
  const inspector = await import("node:inspector");
  if (inspector.url() === undefined) inspector.open(port, "127.0.0.1");
}
