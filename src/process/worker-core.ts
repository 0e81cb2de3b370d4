import { onAbort } from "../util/abort.ts";
import { CancelledError, InvalidStateError, ProcessError } from "../errors/index.ts";
import { assertMayStart } from "../task/index.ts";
import { deferred } from "../util/deferred.ts";
import { checkWait, waitWithin, type WaitOptions } from "../util/wait-options.ts";
import { setTimer } from "../util/timer.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { loseMoves, type Move } from "../wire/moves.ts";
import type { Destination } from "../wire/codec.ts";
import type { ExitStatus, Peer } from "../wire/index.ts";
import { addChild, removeChild } from "./children.ts";
import { ChildLife, type ChildState } from "./child-state.ts";
import type { HandleOptions, Work } from "./handle-options.ts";
import { prepareJob } from "./job.ts";
import { ChildMessage } from "./messages.ts";
import { Outcome } from "./outcome.ts";
import { clearTimeout } from "../util/platform.ts";

/** Time from the abort of a child's `signal` to its termination. */
const ABORT_GRACE_MS = 1000;

/** Arguments of {@link WorkerCore}. */
export interface CoreParts {
  readonly name: string;
  readonly daemon: boolean;
  readonly options: HandleOptions;
  readonly work: Work | undefined;
  readonly transfer: readonly unknown[] | undefined;
  readonly state: "new" | "inside";
}

/**
 * The life of one child, process or thread: everything behind the public classes.
 *
 * Its states are in `child-state.ts`. All that is known about the end comes through {@link WorkerCore.finish}, which may be reached twice (from the child's
 * exit and from a blocking join) and acts once.
 */
export abstract class WorkerCore<R> {
  name: string;
  daemon: boolean;
  readonly #life: ChildLife;
  /** True once `run()` has begun. */
  began = false;
  exitCode: number | undefined;
  abstract readonly kind: Destination;
  protected readonly options: HandleOptions;
  protected readonly outcome: Outcome<R> = new Outcome();
  /** It was told to end from here. */
  protected isStopping = false;
  protected peer: Peer | undefined;
  #work: Work | undefined;
  #transfer: readonly unknown[] | undefined;
  #handle: object | undefined;
  /** Objects that the arguments gave away; lost if the child has not taken them by its end. */
  #moves: readonly Move[] | undefined;

  #holds = 0;
  readonly #up = deferred<void>();
  readonly #exited = deferred<number>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(parts: CoreParts) {
    this.name = parts.name;
    this.daemon = parts.daemon;
    this.options = parts.options;
    this.#life = new ChildLife(this, parts.state === "inside");
    this.#work = parts.work;
    this.#transfer = parts.transfer;
    // Known to whoever joins; a failed start has told its caller.
    this.#exited.promise.catch(() => {});
  }

  /** Starts the peer; its boot message is sent, nothing else. */
  protected abstract spawn(): Peer | Promise<Peer>;
  /** Refuses a start that this kind of child does not allow here. */
  protected abstract checkStart(): void;
  /** Waits for the end, blocking; hands over what the child has sent. Undefined when time is up. */
  protected abstract waitSync(peer: Peer, timeout: number): ExitStatus | undefined;
  /** The exit code of an end. */
  protected abstract codeOf(status: ExitStatus): number;
  /** Called when the child has ended. */
  protected ended(): void {}

  get state(): ChildState | "inside" {
    return this.#life.state;
  }

  get work(): Work | undefined {
    return this.#work;
  }

  get running(): Peer | undefined {
    return this.#life.isAlive ? this.peer : undefined;
  }

  /** The peer also after its end, until `close()`. */
  get streams(): Peer | undefined {
    return this.peer;
  }

  get result(): Promise<R> {
    if (this.state === "inside")
      throw new InvalidStateError(`${this.name} cannot ask for its own result.`);
    if (!this.outcome.wanted) {
      this.outcome.wanted = true;
      // Who asks for the result waits for it: a daemon keeps the loop open that long, too.
      if (this.running !== undefined) this.#holdUntilExit();
    }
    return this.outcome.promise;
  }

  async start(
    handle: object,
    subclass: Function | undefined,
    caller: string | undefined,
  ): Promise<void> {
    this.#life.assertStartable();
    assertMayStart(this.name);
    this.checkStart();
    this.#life.enter("starting");
    const release = this.#hold();
    try {
      this.#checkWanted();
      const job = await prepareJob({
        work: this.#work,
        handle,
        subclass,
        destination: this.kind,
        transfer: this.#transfer,
      });
      this.#moves = job.moves;
      // From here on nobody but the child needs them.
      this.#work = undefined;
      this.#transfer = undefined;
      this.#checkWanted();
      const peer = await this.spawn();
      this.outcome.describe({
        name: this.name,
        kind: this.kind,
        pid: peer.pid,
        task: job.task,
        caller,
      });
      this.#attach(peer, handle);
      peer.channel.send(job.frame, job.attachments, job.transfer);
    } catch (error) {
      this.#life.enter("failed");
      this.#giveUpPeer(handle);
      loseMoves(this.#moves);
      this.outcome.reject(error);
      this.#exited.reject(
        new InvalidStateError(`${this.name} could not be started.`, { cause: error }),
      );
      release();
      throw error;
    }
    try {
      await this.#up.promise;
      if (this.state === "starting") this.#life.enter("running");
    } finally {
      release();
    }
  }

  async join(options: WaitOptions | undefined): Promise<number | undefined> {
    checkWait(options);
    this.#life.assertJoinable();
    const release = this.#hold();
    try {
      return await waitWithin<number | undefined>(this.#exited.promise, options, () => undefined);
    } finally {
      release();
    }
  }

  joinSync(options: WaitOptions | undefined): number | undefined {
    checkWait(options);
    this.#life.assertJoinable();
    options?.signal?.throwIfAborted();
    const timeout = Math.max(0, options?.timeout ?? Infinity);
    const peer = this.running;
    if (peer === undefined) {
      if (this.state !== "starting") return this.exitCode;
      throw new InvalidStateError(
        `${this.name} is not started yet; await start() before joinSync().`,
      );
    }
    const status = this.waitSync(peer, timeout);
    if (status === undefined) return undefined;
    this.#finish(status);
    return this.exitCode;
  }

  interrupt(reason: unknown): void {
    this.checkStarted("interrupted");
    const why = reason ?? new CancelledError(`${this.name} was interrupted by ${process.pid}.`);
    const bytes = encodeThrown(why, { destination: this.kind, root: "reason" });
    this.running?.channel.send(
      [ChildMessage.interrupt, bytes.bytes],
      bytes.attachments,
      bytes.transfer,
    );
  }

  terminate(grace: number, reason?: unknown): void {
    this.checkStarted("terminated");
    const wait = Math.max(0, grace);
    this.isStopping = true;
    if (wait === 0) {
      this.stop("SIGTERM");
      return;
    }
    this.interrupt(reason ?? new CancelledError(`${this.name} is to end within ${wait} ms.`));
    this.#later(wait, "SIGTERM");
    this.#later(wait * 2, "SIGKILL");
  }

  /** Sends a signal; one that ended already is left alone. */
  stop(signal: NodeJS.Signals): void {
    this.checkStarted("ended");
    this.isStopping = true;
    this.running?.kill(signal);
  }

  close(): void {
    this.#life.close();
    this.peer = undefined;
    this.#work = undefined;
  }

  checkOpen(): void {
    this.#life.assertOpen();
  }

  checkStarted(what: string): void {
    this.#life.assertStarted(what);
  }

  /** Refuses to go on with a start that somebody has called off meanwhile. */
  #checkWanted(): void {
    this.options.signal?.throwIfAborted();
    if (this.isStopping) throw new ProcessError(`${this.name} was ended before it was up.`);
  }

  #attach(peer: Peer, handle: object): void {
    this.peer = peer;
    this.#handle = handle;
    const { channel } = peer;
    channel.onFrame = (frame, attachments) => this.#receive(frame, attachments);
    channel.onClose = (error) => {
      if (error === undefined) return;
      // It no longer speaks our language; what it still does, nobody can tell.
      this.outcome.dying = error;
      peer.kill("SIGKILL");
    };
    channel.start();
    void peer.exited.then((status) => this.#finish(status));
    addChild(handle, { kind: this.kind, daemon: this.daemon, kill: () => peer.kill("SIGTERM") });
    if (this.daemon && this.#holds === 0) peer.unref();
    if (this.outcome.wanted) this.#holdUntilExit();
    // What was asked for while the peer was being made.
    if (this.isStopping) peer.kill("SIGTERM");
    if (this.options.signal?.aborted === true) this.#onAbort();
    this.#unwatch = onAbort(this.options.signal, this.#onAbort);
  }

  /** Ends a child that was started and could not be told what to do. */
  #giveUpPeer(handle: object): void {
    if (this.peer === undefined) return;
    this.peer.kill("SIGKILL");
    this.peer = undefined;
    this.#handle = undefined;
    this.#unwatch?.();
    removeChild(handle);
  }

  #receive(frame: unknown[], attachments: unknown[] | undefined): void {
    switch (frame[0]) {
      case ChildMessage.up:
        this.#up.resolve();
        return;
      case ChildMessage.began:
        this.began = true;
        return;
      default:
        this.outcome.receive(frame, attachments);
    }
  }

  #finish(status: ExitStatus): void {
    if (!this.#life.isAlive) return;
    const code = this.codeOf(status);
    this.#life.enter("stopped");
    this.exitCode = code;
    this.outcome.close(status, code);
    this.#up.reject(this.outcome.startError(status));
    // Who does not wait for the start any more has seen it succeed.
    this.#up.promise.catch(() => {});
    for (const timer of this.#timers) clearTimeout(timer);
    this.#unwatch();
    if (this.#handle !== undefined) removeChild(this.#handle);
    this.#handle = undefined;
    loseMoves(this.#moves);
    this.#moves = undefined;
    this.#exited.resolve(code);
    this.ended();
  }

  #unwatch: () => void = () => {};

  readonly #onAbort = (): void => {
    const reason: unknown = this.options.signal?.reason;
    this.outcome.reject(reason);
    // Anything else may not be able to travel.
    this.terminate(ABORT_GRACE_MS, reason instanceof Error ? reason : undefined);
  };

  #later(delay: number, signal: NodeJS.Signals): void {
    // A child that keeps the loop open does so itself; a daemon is ended at the exit anyway.
    const timer = setTimer(() => this.running?.kill(signal), delay)?.unref();
    if (timer !== undefined) this.#timers.add(timer);
  }

  #holdUntilExit(): void {
    const release = this.#hold();
    void this.#exited.promise.then(release, release);
  }

  /** Keeps the event loop open for a daemon while somebody waits for it. */
  #hold(): () => void {
    if (!this.daemon) return () => {};
    if (this.#holds++ === 0) this.peer?.ref();
    return () => {
      if (--this.#holds === 0 && this.state !== "stopped") this.peer?.unref();
    };
  }
}
