import type { Readable, Writable } from "node:stream";
import { MessageChannel, type ResourceLimits, Worker } from "node:worker_threads";
import { ProcessError } from "../errors/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { StopGuard } from "../util/stop-guard.ts";
import { encodeValue } from "../wire/codec.ts";
import {
  type Boot,
  createRingPair,
  type ExitStatus,
  type Peer,
  RingChannel,
  type RingPair,
} from "../wire/index.ts";
import type { MessagePort } from "node:worker_threads";

/** Options of {@link spawnThread}. */
export interface SpawnThreadOptions {
  /** URL of the module whose `start(host)` runs in the thread. */
  readonly role: string;
  readonly boot: Boot;
  /** Environment; default: a copy of this thread's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly execArgv?: readonly string[] | undefined;
  readonly resourceLimits?: ResourceLimits | undefined;
  /** True: the stream is readable here instead of going to the process's own. */
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  readonly stdin?: boolean | undefined;
  /** Shared memory the role finds as `host.claims`. */
  readonly claims?: unknown;
}

/** The `workerData` of a thread of ours. */
export interface ThreadStart {
  readonly role: string;
  readonly boot: Uint8Array;
  readonly port: MessagePort;
  readonly rings: RingPair;
  readonly claims: unknown;
  /** See `util/stop-guard.ts`. */
  readonly guard: SharedArrayBuffer;
  /** Which standard streams write straight to the process's descriptors. */
  readonly direct: { readonly stdout: boolean; readonly stderr: boolean };
}

const ENTRY = entryUrl("thread/entry");

/** The same for threads that must be given text. */
const IMPORT_ENTRY = `import(${JSON.stringify(ENTRY.href)});`;

/** False under `node --input-type=module -e …`: threads inherit the option, with which Node takes no file. */
function takesFile({ execArgv = process.execArgv }: SpawnThreadOptions): boolean {
  return !execArgv.some((word) => word.startsWith("--input-type"));
}

/** Threads that run: the end of this one terminates them. */
const guards: Set<StopGuard> = new Set();
let isWatchingEnd = false;

function closeAll(): void {
  for (const guard of guards) guard.close();
}

/** Starts a worker thread that runs one role, connected by rings and a port of its own. */
export function spawnThread(options: SpawnThreadOptions): ThreadPeer {
  if (!isWatchingEnd) process.on("exit", closeAll);
  isWatchingEnd = true;
  const { port1, port2 } = new MessageChannel();
  const rings = createRingPair();
  const guard = new StopGuard();
  const start: ThreadStart = {
    role: options.role,
    boot: encodeValue(options.boot, { destination: "process", root: "options" }).bytes,
    port: port2,
    rings,
    claims: options.claims,
    guard: guard.memory,
    direct: { stdout: options.stdout !== true, stderr: options.stderr !== true },
  };
  const worker = new Worker(takesFile(options) ? ENTRY : IMPORT_ENTRY, {
    eval: !takesFile(options),
    workerData: start,
    transferList: [port2],
    name: options.boot.thread?.name ?? "",
    stdin: options.stdin ?? false,
    stdout: options.stdout ?? false,
    stderr: options.stderr ?? false,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.execArgv === undefined ? {} : { execArgv: [...options.execArgv] }),
    ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
  });
  return new ThreadPeer(worker, new RingChannel(port1, rings.toParent, rings.toChild), guard);
}

/**
 * The error of a thread that Node could not make: it tells that by the exit code 0 and an error whose text
 * has the system's code.
 */
function whyUnstarted(error: Error): ProcessError | undefined {
  if ((error as NodeJS.ErrnoException).code !== "ERR_WORKER_INIT_FAILED") return undefined;
  const why = /E(?:MFILE|NFILE)/.test(error.message)
    ? "This process has too many open files (EMFILE). Close some or raise the limit (ulimit -n)."
    : `${error.message}.`;
  return new ProcessError(why, { cause: error });
}

/** A worker thread of ours, seen from the thread that started it. */
export class ThreadPeer implements Peer {
  readonly kind = "thread";
  readonly pid: number = process.pid;
  readonly threadId: number;
  readonly channel: RingChannel;
  readonly exited: Promise<ExitStatus>;
  readonly worker: Worker;
  readonly #guard: StopGuard;
  #killedBy: string | undefined;

  constructor(worker: Worker, channel: RingChannel, guard: StopGuard) {
    this.worker = worker;
    this.#guard = guard;
    guards.add(guard);
    this.threadId = worker.threadId;
    this.channel = channel;
    let failure: Error | undefined;
    worker.on("error", (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    this.exited = new Promise((resolve) => {
      worker.once("exit", (code) => {
        channel.finish();
        guards.delete(guard);
        const killed = this.#killedBy !== undefined && failure === undefined;
        const unstarted = failure === undefined ? undefined : whyUnstarted(failure);
        resolve({
          code: killed || unstarted !== undefined ? undefined : code,
          signal: killed ? this.#killedBy : undefined,
          error: unstarted ?? failure,
        });
      });
    });
  }

  /** The signal it was ended with from here. */
  get killedBy(): string | undefined {
    return this.#killedBy;
  }

  get stdin(): Writable | null {
    return this.worker.stdin;
  }

  get stdout(): Readable | null {
    return this.worker.stdout;
  }

  get stderr(): Readable | null {
    return this.worker.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#killedBy ??= signal;
    this.#guard.close();
    void this.worker.terminate();
  }

  ref(): void {
    this.worker.ref();
    this.channel.ref();
  }

  unref(): void {
    this.worker.unref();
    this.channel.unref();
  }
}
