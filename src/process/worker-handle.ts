import { staysHere } from "../util/stays-here.ts";
import type { Readable, Writable } from "node:stream";
import { inspect, type InspectOptions } from "node:util";
import { identify, resolveTask } from "../task/index.ts";
import { milliseconds } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import type { WaitOptions } from "../util/wait-options.ts";
import { InvalidStateError } from "../errors/index.ts";
import { checkDaemon, checkName } from "./handle-options.ts";
import type { WorkerCore } from "./worker-core.ts";

/** Options of `terminate()`. */
export interface TerminateOptions {
  /** Milliseconds to end by itself; default 0: none. */
  readonly grace?: number | undefined;
}

const TERMINATE: OptionTable<TerminateOptions> = {
  of: "terminate()",
  checks: { grace: milliseconds },
  sisters: { timeout: "grace" },
  bare: "grace",
};

/** Time for a disposed child after SIGTERM. */
const DISPOSE_GRACE_MS = 1000;

/** A child that runs one function, seen from its starter: the common part of {@link Process} and {@link Thread}. */
export abstract class WorkerHandle<R> {
  static {
    staysHere(WorkerHandle, "is a Process or Thread, which cannot travel: send its name or pid");
  }

  readonly #core: WorkerCore<R>;

  /** @internal */
  constructor(core: WorkerCore<R>) {
    this.#core = core;
  }

  /**
   * The work of the child: calls `target` with `args`. A subclass overrides it instead of giving a target.
   *
   * The class must be exported. The object's own fields travel to the child by value; there the object
   * is made again without calling the subclass's constructor, so its `#private` fields do not exist.
   */
  run(): R | Promise<R> {
    const { work } = this.#core;
    if (work === undefined) return undefined as R;
    const { target, args } = work;
    if (typeof target === "function") return target(...args) as R | Promise<R>;
    return (async () => {
      const fn = await resolveTask(await identify(target));
      return (await (fn as (...args: readonly unknown[]) => unknown)(...args)) as R;
    })();
  }

  /**
   * Starts the child. Only once, and only by the one that made the object.
   *
   * **Waiting**: until the child is up; `run()` may or may not have begun.
   *
   * @returns this object.
   * @throws InvalidStateError when it was started before.
   * @throws ProcessError when it cannot be started, when it ended before it was up, when a daemon
   *   process starts a process, and while a child imports its module (guard the start with `isMain`).
   * @throws TaskNotFoundError when the child could not find the target or the class again.
   * @throws SerializationError when an argument or a field cannot travel.
   */
  async start(): Promise<this> {
    const caller: { stack?: string } = {};
    // oxlint-disable-next-line typescript/unbound-method -- never called: names the frame where the stack begins
    Error.captureStackTrace(caller, this.start);
    const overrides = this.run !== WorkerHandle.prototype.run;
    await this.#core.start(this, overrides ? this.constructor : undefined, caller.stack);
    return this;
  }

  /**
   * Waits for the end of the child.
   *
   * **Cancellation**: safe; only the wait ends.
   *
   * @param options - `timeout` in milliseconds; 0 and less: looks once.
   * @returns the exit code, or undefined when time was up.
   * @throws InvalidStateError before the start, in the child itself, and after `close()`.
   */
  join(options?: WaitOptions): Promise<number | undefined> {
    return this.#core.join(options);
  }

  /**
   * Waits for the end of the child and blocks this thread meanwhile: no event, timer or promise of it
   * goes on. What the child sends is taken in, so that a large result does not hold it up; what it writes
   * to a stream that is piped to this thread is not, so a child that writes much there waits for ever.
   *
   * @returns the exit code, or undefined when time was up.
   * @throws InvalidStateError while `start()` has not found the target yet, and as `join()`.
   * @throws NotSupportedError for a process anywhere but on Linux with the `/proc` of its PID namespace.
   */
  joinSync(options?: WaitOptions): number | undefined {
    return this.#core.joinSync(options);
  }

  /**
   * Aborts the child's `shutdownSignal()`, nothing more: a child that does not look at it goes on.
   * No effect on a child that has ended.
   *
   * @param reason - what the signal is aborted with; default: a {@link CancelledError}.
   * @throws InvalidStateError before the start and after `close()`.
   */
  interrupt(reason?: unknown): void {
    this.#core.interrupt(reason);
  }

  /**
   * Ends the child: a process by SIGTERM (exit code -15), a thread by stopping its JavaScript where it is.
   * With a grace it is interrupted first; SIGTERM follows after the grace, and SIGKILL if that is
   * ignored for as long again. Does not wait; `join()` does. No effect on a child that has ended.
   *
   * **Cancellation**: destructive. No `finally` and no exit handler of the child runs, its own children end with it.
   *
   * @throws InvalidStateError before the start and after `close()`.
   */
  terminate(options?: TerminateOptions): void {
    checkOptions(options, TERMINATE);
    this.#core.terminate(options?.grace ?? 0);
  }

  /** Ends the child by SIGKILL, which it cannot ignore (exit code -9). Otherwise as `terminate()` without grace. */
  kill(): void {
    this.#core.stop("SIGKILL");
  }

  /**
   * Gives up the object: everything but `name` and `close()` then throws an {@link InvalidStateError}.
   *
   * @throws InvalidStateError while the child runs.
   */
  close(): void {
    this.#core.close();
  }

  /** Free text; the default is the class's name and a number. May be set, with effect in the child until the start. */
  get name(): string {
    return this.#core.name;
  }

  set name(name: string) {
    checkName(name);
    this.#core.name = name;
  }

  /**
   * True: ends with its starter and does not keep the starter's event loop open, unless somebody waits for it by
   * `join()` or `result`. May be set until the start.
   */
  get daemon(): boolean {
    return this.#core.daemon;
  }

  set daemon(daemon: boolean) {
    checkDaemon(daemon);
    this.#core.checkOpen();
    if (this.#core.state !== "new") {
      throw new InvalidStateError(`${this.name} is started; \`daemon\` can be set only before.`);
    }
    this.#core.daemon = daemon;
  }

  /** Process id, of a thread that of its process; undefined before the start. */
  get pid(): number | undefined {
    this.#core.checkOpen();
    return this.#core.state === "inside" ? process.pid : this.#core.streams?.pid;
  }

  /** True from the start until the end has been seen here; true inside the child. */
  get isAlive(): boolean {
    this.#core.checkOpen();
    return this.#core.state === "inside" || this.#core.running !== undefined;
  }

  /** 0 after a normal end, 1 after an uncaught error, `process.exit(n)`'s low 8 bits, -N when killed by signal N; undefined before the end. */
  get exitCode(): number | undefined {
    this.#core.checkOpen();
    return this.#core.exitCode;
  }

  /**
   * The value `run()` returned, or the error it threw with its stack followed by that of the starter.
   * Rejects with {@link WorkerCrashedError} when the child ended before. Raises no unhandledRejection
   * when nobody asks for it. Who reads it waits for it: a daemon, too, keeps the program open from then on to its end.
   */
  get result(): Promise<R> {
    this.#core.checkOpen();
    return this.#core.result;
  }

  /** Writes to the child's stdin; null unless `stdio` says "pipe". */
  get stdin(): Writable | null {
    return this.#core.streams?.stdin ?? null;
  }

  /** Reads what the child writes to stdout; null unless `stdio` says "pipe". */
  get stdout(): Readable | null {
    return this.#core.streams?.stdout ?? null;
  }

  /** Reads what the child writes to stderr; null unless `stdio` says "pipe". */
  get stderr(): Readable | null {
    return this.#core.streams?.stderr ?? null;
  }

  /** Terminates the child if it runs. To let it finish, `await join()` first. */
  [Symbol.dispose](): void {
    if (this.#core.running !== undefined) this.#core.stop("SIGTERM");
  }

  /** Terminates the child if it runs, waits for its end and closes the object. To let it finish, `await join()` first. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#core.state === "starting" || this.#core.state === "running") {
      this.#core.stop("SIGTERM");
      // One that catches SIGTERM gets the same time as after an aborted signal.
      if ((await this.join({ timeout: DISPOSE_GRACE_MS })) === undefined)
        this.#core.stop("SIGKILL");
      await this.join();
    }
    this.#core.close();
  }

  #inspect(options: InspectOptions): string {
    const { name, state, exitCode, streams, daemon } = this.#core;
    const pid = state === "inside" ? process.pid : streams?.pid;
    const parts = [this.constructor.name, name];
    if (pid !== undefined) parts.push(`pid ${pid}`);
    if (state === "stopped") parts.push(`exit code ${exitCode}`);
    else parts.push(state === "inside" ? "running" : state);
    if (daemon) parts.push("daemon");
    const text = `<${parts.join(" ")}>`;
    return options.colors === true ? `\u001B[36m${text}\u001B[39m` : text;
  }

  // Shown by console.log: class, name, pid and state. Declared here, since a computed name cannot be exported.
  static {
    Object.defineProperty(WorkerHandle.prototype, inspect.custom, {
      value(this: WorkerHandle<unknown>, _depth: number, options: InspectOptions): string {
        return this.#inspect(options);
      },
    });
  }
}
