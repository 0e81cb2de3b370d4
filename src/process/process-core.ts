import { NotSupportedError, ProcessError } from "../errors/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import type { ExitStatus, Peer, ProcessIdentity } from "../wire/index.ts";
import { inheritedExecArgv } from "./exec-argv.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type HandleOptions, type SplitOptions, stdioTriple } from "./handle-options.ts";
import { childIdentity, processIdentity } from "./identity.ts";
import { exitOfZombie, isProcOurs, pollSync } from "./join-sync.ts";
import type { Restored } from "./restore.ts";
import type { ProcessPeer } from "./spawn.ts";
import { publishUncaught } from "./uncaught.ts";
import { type CoreParts, WorkerCore } from "./worker-core.ts";

/** Options of a Process. */
export interface ProcessSettings extends HandleOptions {
  /** Working directory; default: the starter's. */
  readonly cwd?: string | undefined;
}

/** The life of a child process. */
export class ProcessCore<R> extends WorkerCore<R> {
  readonly kind = "process";
  readonly #identity: ProcessIdentity;
  readonly #settings: ProcessSettings;

  private constructor(parts: CoreParts, identity: ProcessIdentity, settings: ProcessSettings) {
    super(parts);
    this.#identity = identity;
    this.#settings = settings;
  }

  /** One that can be started. */
  static create<R>(prefix: string, split: SplitOptions<ProcessSettings>): ProcessCore<R> {
    const { settings, work, transfer } = split;
    const creator = processIdentity();
    const identity = childIdentity(prefix, settings.name, settings.daemon ?? creator.daemon);
    const { name, daemon } = identity;
    return new ProcessCore(
      { name, daemon, options: settings, work, transfer, state: "new" },
      identity,
      settings,
    );
  }

  /** The one that is running here. */
  static inside<R>({ name, daemon, work }: Restored): ProcessCore<R> {
    return new ProcessCore(
      { name, daemon, options: {}, work, transfer: undefined, state: "inside" },
      processIdentity(),
      {},
    );
  }

  protected checkStart(): void {
    if (!processIdentity().daemon) return;
    throw new ProcessError(
      `${processIdentity().name} is a daemon and may not start processes, as in Python. ` +
        "Start them from a process that is no daemon (a worker of a Pool is one, a worker of a ProcessPoolExecutor is not), or use threads.",
    );
  }

  protected async spawn(): Promise<Peer> {
    const { env, cwd, execArgv, inspect, stdio } = this.#settings;
    const inspector =
      inspect === undefined || inspect === false
        ? []
        : [`--inspect=127.0.0.1:${inspect === true ? 0 : inspect}`];
    // Late: programs that only import this package need no child processes.
    const { spawnProcess } = await import("./spawn.ts");
    try {
      return spawnProcess({
        role: entryUrl("process/child-role").href,
        boot: {
          process: { ...this.#identity, name: this.name, daemon: this.daemon },
          argv: process.argv.slice(1),
          data: null,
        },
        env,
        cwd,
        execArgv: [...(execArgv ?? inheritedExecArgv()), ...inspector],
        stdio: stdioTriple(stdio),
      });
    } catch (error) {
      if (error instanceof ProcessError) throw error;
      throw new ProcessError(`${this.name} could not be started: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  protected waitSync(peer: Peer, timeout: number): ExitStatus | undefined {
    if (process.platform !== "linux") {
      throw new NotSupportedError(
        "Process.joinSync() needs Linux's /proc. Use `await join()`, which works everywhere.",
      );
    }
    const child = peer as ProcessPeer;
    if (child.status === undefined && !isProcOurs()) {
      throw new NotSupportedError(
        "Process.joinSync() needs the /proc of this PID namespace, and here is none or that of another (mount -t proc proc /proc; with unshare: --mount-proc). Use `await join()`, which works everywhere.",
      );
    }
    const { pid } = child;
    return pollSync(() => {
      const status = child.status ?? (pid === undefined ? undefined : exitOfZombie(pid));
      // In this order: what it sent last was sent before its end.
      child.drainSync();
      return status;
    }, timeout);
  }

  protected override ended(): void {
    // It has printed the error itself.
    const { uncaught, isLate, wanted } = this.outcome;
    if (uncaught === undefined || this.isStopping || (wanted && !isLate)) return;
    publishUncaught("process", this.name, uncaught);
  }

  protected codeOf(status: ExitStatus): number {
    return exitCodeOf(status);
  }
}
