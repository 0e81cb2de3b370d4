import type { ChildProcess, StdioOptions } from "node:child_process";
import { closeSync, existsSync } from "node:fs";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { encodeValue } from "../wire/codec.ts";
import { entryUrl } from "../util/entry-url.ts";
import { openNamelessFile } from "../util/nameless-file.ts";
import { ProcessError } from "../errors/index.ts";
import type { LaneDescriptors } from "../wire/bulk-lane.ts";
import { type Boot, type ExitStatus, type Peer, SocketChannel } from "../wire/index.ts";
import { childProcess } from "../util/builtin.ts";
import { inheritedExecArgv } from "./exec-argv.ts";
import { sentinel } from "./sentinel.ts";
import { clearTimeout, setTimeout } from "../util/platform.ts";

/** The other end of one of a child's three standard streams. */
export type StdioTarget = "inherit" | "pipe" | "ignore" | number;

/** Options of {@link spawnProcess}. */
export interface SpawnOptions {
  /** URL of the module whose `start(host)` runs in the child. */
  readonly role: string;
  readonly boot: Boot;
  /** Environment; default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Working directory; default: that of this process. */
  readonly cwd?: string | undefined;
  /** Node options; default: those of this process. */
  readonly execArgv?: readonly string[] | undefined;
  /** Default: stdin from nowhere, stdout and stderr shared with this process. */
  readonly stdio?: readonly [StdioTarget, StdioTarget, StdioTarget] | undefined;
  /** A file descriptor the child finds as number 6. */
  readonly claimsFd?: number | undefined;
  /** A file descriptor the child finds behind that one, as number 7. */
  readonly sharedFd?: number | undefined;
}

/** Time after a child's exit in which its socket is read out; only a grandchild that holds it open can delay that. */
const LAST_WORDS_MS = 1000;

const ENTRY = fileURLToPath(entryUrl("process/entry"));

/**
 * Starts a Node process that runs one role, connected by a socket pair of its own.
 *
 * @throws SerializationError, ProcessError or what `child_process` throws; nothing is left open then.
 */
export function spawnProcess(options: SpawnOptions): ProcessPeer {
  // First of all, since it is what the user's values can make fail: a child without it would wait for ever.
  const boot = encodeValue(options.boot, { destination: "process", root: "options" });
  const lane = openLane();
  try {
    const child = startChild(options, lane);
    // Until it has the boot frame it only waits, and notices the end of this process by itself.
    const isWatched = sentinel.watch(child);
    const peer = new ProcessPeer(child, lane, options.cwd);
    peer.channel.send(["boot", boot.bytes, isWatched], boot.attachments);
    return peer;
  } catch (error) {
    closeSync(lane.out);
    closeSync(lane.in);
    throw error;
  }
}

function openLane(): LaneDescriptors {
  const out = openNamelessFile();
  try {
    return { out, in: openNamelessFile() };
  } catch (error) {
    closeSync(out);
    throw error;
  }
}

function startChild(options: SpawnOptions, lane: LaneDescriptors): ChildProcess {
  const stdio: StdioOptions = [...(options.stdio ?? ["ignore", "inherit", "inherit"]), "pipe"];
  // See `entry.ts` for their numbers there: what is out here is in there.
  stdio.push(lane.out, lane.in);
  if (options.claimsFd !== undefined) stdio.push(options.claimsFd);
  if (options.sharedFd !== undefined) stdio.push(options.sharedFd);
  const { spawn } = childProcess();
  const child = spawn(
    process.execPath,
    [...(options.execArgv ?? inheritedExecArgv()), ENTRY, options.role],
    {
      stdio,
      env: options.env ?? process.env,
      cwd: options.cwd,
      windowsHide: true,
      serialization: "json",
    },
  );
  // Left undefined when there are no file descriptors for the pipes.
  if ((child.stdio as unknown) === undefined || child.stdio[3] == null) {
    child.on("error", () => {});
    throw new ProcessError(
      "No process could be started: this process has too many open files (EMFILE). Close some or raise the limit (ulimit -n).",
    );
  }
  return child;
}

/** Node names the program that could not be started, also when it is the folder that is not there. */
function spawnError(error: Error, cwd: string | undefined): Error {
  if (cwd === undefined || existsSync(cwd)) return error;
  return Object.assign(new Error(`no such folder: ${cwd}`, { cause: error }), { code: "ENOENT" });
}

/** A child process of ours, seen from its parent. */
export class ProcessPeer implements Peer {
  readonly kind = "process";
  readonly threadId = undefined;
  readonly channel: SocketChannel;
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;
  #status: ExitStatus | undefined;

  constructor(child: ChildProcess, lane: LaneDescriptors, cwd: string | undefined) {
    this.#child = child;
    const socket = child.stdio[3] as Socket;
    this.channel = new SocketChannel(socket, { lane });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const ended = new Promise<ExitStatus>((resolve) => {
      child.once("exit", (code, signal) => {
        this.#status = { code: code ?? undefined, signal: signal ?? undefined };
        resolve(this.#status);
      });
      // Also emitted when a kill fails; only a spawn that failed leaves no pid.
      child.on("error", (error) => {
        if (child.pid !== undefined) return;
        resolve({ code: undefined, signal: undefined, error: spawnError(error, cwd) });
      });
    });
    this.exited = ended.then(async (status) => {
      const timer = setTimeout(() => socket.destroy(), LAST_WORDS_MS);
      await closed;
      closeSync(lane.out);
      closeSync(lane.in);
      clearTimeout(timer);
      return status;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The way it ended, as soon as that is known; what it sent last may still be on its way. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  get stdin(): Writable | null {
    return this.#child.stdin;
  }

  get stdout(): Readable | null {
    return this.#child.stdout;
  }

  get stderr(): Readable | null {
    return this.#child.stderr;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  ref(): void {
    this.#child.ref();
    this.channel.ref();
    for (const stream of this.#pipes()) stream.ref();
  }

  unref(): void {
    this.#child.unref();
    this.channel.unref();
    for (const stream of this.#pipes()) stream.unref();
  }

  /** Reads, without the event loop and without waiting, what the child has sent so far. */
  drainSync(): void {
    this.channel.drainSync();
  }

  #pipes(): Socket[] {
    return [this.#child.stdin, this.#child.stdout, this.#child.stderr].filter(
      (stream) => stream !== null,
    ) as unknown as Socket[];
  }
}
