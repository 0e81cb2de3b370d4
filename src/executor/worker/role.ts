/** The program of an executor's worker: takes tasks, claims and runs them, reports. */
import { type AsyncScope, captureScope, runInCopy } from "../../util/async-scope.ts";
import { CancelledError } from "../../errors/index.ts";
import { abortShutdown } from "../../process/shutdown-signal.ts";
import { resolveTask } from "../../task/resolve.ts";
import { parseIdentity } from "./parse-identity.ts";
import { AdaptiveSpin } from "../../util/adaptive-spin.ts";
import { decodeValue } from "../../wire/codec.ts";
import { withOwnClasses } from "../../wire/own-classes.ts";
import { decodeThrown, encodeThrown } from "../../wire/error-codec.ts";
import { explainUnregistered } from "../../wire/unregistered.ts";
import type { Host } from "../../wire/index.ts";
import { MessageKind, type TaskHeader } from "../protocol.ts";
import { type Claimant, FileClaimant, MemoryClaims } from "../claims.ts";
import { StreamHub } from "../streams.ts";
import { FunctionTable } from "./function-table.ts";
import { ProgressReports } from "./progress-reports.ts";
import type { WorkerSettings } from "./worker-settings.ts";
import { type IncomingTask, TaskRunner } from "./task-runner.ts";
import { performance, setImmediate } from "../../util/platform.ts";

/** After this long without a break the event loop gets a turn: signals, cancels and I/O come through. */
const SLICE_MS = 1;
/** Memory is measured at most this often. */
const MEMORY_INTERVAL_MS = 50;

/** Called by the entry of a process or thread. */
export function start(host: Host): void {
  new ExecutorWorker(host).start();
}

/** One worker of an executor, in the worker. */
export class ExecutorWorker {
  readonly #host: Host;
  readonly #settings: WorkerSettings;
  readonly #claims: Claimant;
  readonly #functions: FunctionTable = new FunctionTable();
  readonly #streams: StreamHub;
  readonly #reports: ProgressReports;
  readonly #runner: TaskRunner;
  /** The context of the worker itself, before any task. */
  readonly #scope: AsyncScope;
  readonly #spin: AdaptiveSpin = new AdaptiveSpin();
  #maySpin = false;
  readonly #inbox: Map<number, IncomingTask> = new Map();
  /** Tokens taken for tasks whose frame is still on its way. */
  readonly #claimed: number[] = [];
  /** Starts that wait until what was sent has left this thread. */
  readonly #unsent: (() => void)[] = [];
  #finalizer: string | null = null;
  #active = 0;
  #ready = false;
  #ending = false;
  #ended = false;
  #resting = false;
  #memoryMeasured = 0;

  /** @param parentScope - for tasks of this very thread: the context of the call that made one. */
  constructor(host: Host, parentScope?: (id?: number) => AsyncScope | undefined) {
    const root = parentScope?.() ?? captureScope();
    this.#scope = root;
    this.#host = host;
    this.#settings = host.boot.data as WorkerSettings;
    this.#claims =
      host.kind === "process"
        ? new FileClaimant(host.claims as number)
        : host.claims instanceof MemoryClaims
          ? host.claims
          : new MemoryClaims(host.claims as SharedArrayBuffer);
    const destination = host.kind === "process" ? "process" : "thread";
    this.#streams = new StreamHub(host.channel, destination);
    this.#reports = new ProgressReports(host.channel);
    this.#runner = new TaskRunner({
      channel: host.channel,
      streams: this.#streams,
      reports: this.#reports,
      functions: this.#functions,
      destination,
      concurrency: this.#settings.concurrency,
      whenSent: (callback) => this.#unsent.push(callback),
      parentScope: (id) => parentScope?.(id) ?? root,
      worker: {
        id: this.#settings.id,
        kind: host.kind,
        pid: process.pid,
        name: this.#settings.name,
      },
    });
  }

  start(): void {
    const { channel, kind } = this.#host;
    channel.onFrame = (frame, attachments) => this.#accept(frame, attachments);
    channel.onDrain = () => {
      // Each may send something, and then block this thread.
      while (this.#unsent.length > 0 && channel.writable) this.#unsent.shift()?.();
      this.#pump();
      this.#reports.sendWaiting();
    };
    if (kind !== "inline") {
      process.on("uncaughtExceptionMonitor", (error) => {
        const thrown = encodeThrown(error, { destination: "process", root: "error" });
        channel.send([MessageKind.dying, thrown.bytes], thrown.attachments);
      });
    }
    if (kind === "process") {
      // Ctrl-C reaches the whole group of processes; whether work goes on is the parent's decision.
      process.on("SIGINT", () => {});
    }
    if (!this.#settings.hasHooks) void this.#initialize(null, null, undefined);
  }

  async #initialize(
    initializer: string | null,
    bytes: Uint8Array | null,
    attachments: unknown[] | undefined,
  ): Promise<void> {
    const { channel } = this.#host;
    let args: unknown[] = [];
    try {
      if (initializer !== null) {
        this.#host.watchParent();
        const target = await resolveTask(parseIdentity(initializer));
        // The module first: it may register the classes of the arguments.
        args = (await withOwnClasses(() =>
          decodeValue(bytes as Uint8Array, attachments),
        )) as unknown[];
        const call = target as (...args: unknown[]) => unknown;
        await runInCopy(this.#scope, () => call(...args));
      }
      this.#ready = true;
      channel.send([MessageKind.ready]);
      this.#pump();
    } catch (error) {
      explainUnregistered(error, { initializerArgs: args });
      const thrown = encodeThrown(error, { destination: "process", root: "error" });
      channel.send([MessageKind.failed, thrown.bytes], thrown.attachments);
    }
  }

  #accept(frame: unknown[], attachments: unknown[] | undefined): void {
    switch (frame[0]) {
      case MessageKind.tasks:
        this.#receive(frame, attachments);
        this.#pump();
        return;
      case MessageKind.define:
        this.#functions.define(frame[1] as number, frame[2] as string);
        return;
      case MessageKind.cancel: {
        const reason = decodeThrown(frame[2] as Uint8Array, attachments);
        this.#runner.cancel(frame[1] as number, reason);
        return;
      }
      case MessageKind.drop:
        for (const id of frame.slice(1) as number[]) {
          this.#inbox.delete(id);
          // One whose token was taken here and whose frame could not be sent.
          const claimed = this.#claimed.indexOf(id);
          if (claimed !== -1) this.#claimed.splice(claimed, 1);
        }
        // Tokens may have been put back after this side looked in vain.
        this.#pump();
        return;
      case MessageKind.hooks:
        this.#finalizer = frame[2] as string | null;
        void this.#initialize(
          frame[1] as string | null,
          frame[3] as Uint8Array | null,
          attachments,
        );
        return;
      case MessageKind.ping:
        this.#host.channel.send([MessageKind.pong]);
        return;
      case MessageKind.shutdown: {
        this.#ending = true;
        const reason = frame[1] as Uint8Array | undefined;
        if (reason !== undefined) this.#abort(decodeThrown(reason, attachments));
        void this.#endWhenIdle();
        return;
      }
      default:
        this.#streams.accept(frame, attachments);
    }
  }

  #receive(frame: unknown[], attachments: unknown[] | undefined): void {
    this.#spin.end();
    // Between processes turning the loop is no quicker than being woken.
    this.#maySpin = frame[1] === true && this.#host.kind === "thread";
    for (let i = 2; i < frame.length; i += 4) {
      const id = frame[i] as number;
      this.#inbox.set(id, {
        id,
        functionId: frame[i + 1] as number,
        header: frame[i + 2] as TaskHeader,
        args: frame[i + 3] as unknown[] | Uint8Array,
        attachments,
      });
    }
  }

  /** Starts tasks while there is a place, giving the event loop a turn now and then. */
  #pump(): void {
    if (!this.#ready || this.#resting) return;
    if (this.#inbox.size > 0) this.#host.watchParent();
    const sliceEnd = performance.now() + SLICE_MS;
    while (this.#active < this.#settings.concurrency && this.#host.channel.writable) {
      const task = this.#next();
      if (task === undefined) break;
      this.#run(task);
      if (this.#inbox.size > 0 && performance.now() >= sliceEnd) {
        this.#resting = true;
        setImmediate(() => {
          this.#resting = false;
          this.#pump();
        });
        return;
      }
    }
    if (this.#ending) void this.#endWhenIdle();
    else if (this.#active === 0 && this.#maySpin) this.#spin.begin();
  }

  #next(): IncomingTask | undefined {
    if (this.#inbox.size === 0) return undefined;
    if (this.#claimed.length === 0) {
      const id = this.#claims.claim();
      if (id === -1) return undefined;
      this.#claimed.push(id);
    }
    const task = this.#inbox.get(this.#claimed[0] as number);
    if (task === undefined) return undefined;
    this.#claimed.shift();
    this.#inbox.delete(task.id);
    return task;
  }

  #run(task: IncomingTask): void {
    const running = this.#runner.run(task);
    if (running === undefined) {
      this.#reportMemory();
      return;
    }
    this.#active++;
    void running.then(() => {
      this.#active--;
      this.#reportMemory();
      this.#pump();
    });
  }

  #reportMemory(): void {
    if (!this.#settings.reportMemory) return;
    const now = performance.now();
    if (now - this.#memoryMeasured < MEMORY_INTERVAL_MS) return;
    this.#memoryMeasured = now;
    const { rss, heapUsed, external } = process.memoryUsage();
    const bytes = this.#host.kind === "process" ? rss : heapUsed + external;
    this.#host.channel.send([MessageKind.memory, bytes]);
  }

  #abort(reason: unknown): void {
    this.#runner.cancelAll(reason);
    if (this.#host.kind !== "inline") abortShutdown(reason);
  }

  async #endWhenIdle(): Promise<void> {
    if (this.#ended || this.#active > 0) return;
    this.#ended = true;
    const { channel, kind } = this.#host;
    if (kind !== "inline") abortShutdown(new CancelledError("The executor ends this worker."));
    try {
      if (this.#finalizer !== null && this.#ready) {
        const finalizer = (await resolveTask(parseIdentity(this.#finalizer))) as () => unknown;
        await runInCopy(this.#scope, finalizer);
      }
    } catch (error) {
      const thrown = encodeThrown(error, { destination: "process", root: "error" });
      channel.send([MessageKind.dying, thrown.bytes], thrown.attachments);
    }
    // What was sent is flushed before the close arrives.
    channel.onClose = () => {
      if (kind !== "inline") process.exit(0);
    };
    channel.close();
    if (kind === "thread") process.exit(0);
  }
}
