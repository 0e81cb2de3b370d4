import { shareOf, timeoutOf } from "./call-site.ts";
import type { ExitStatus, PeerKind } from "../wire/index.ts";
import { Attempts } from "./attempts.ts";
import { crashError, crashOf } from "./crash-error.ts";
import { Dispatcher, type DispatcherOwner } from "./dispatcher.ts";
import { Canceller } from "./canceller.ts";
import { WorkerPool, type StartWorker } from "./worker-pool.ts";
import { cancelledError } from "./future.ts";
import { BufferPool } from "./buffer-pool.ts";
import { LiveTasks } from "./live-tasks.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { CheckedOptions } from "./options.ts";
import { Rebalancer } from "./rebalancer.ts";
import { reportEnd } from "./report-end.ts";
import { readResult } from "./results.ts";
import { streamClosedError } from "./streams.ts";
import type { AbandonedSlot } from "./abandoned-slot.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { ExecutorStats } from "./types.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { LinkOwner, ResultFrame } from "./worker-messages.ts";
import { clearTimeout, queueMicrotask } from "../util/platform.ts";
import { setTimer } from "../util/timer.ts";

/** Decides which task goes to which worker when, and what becomes of it; README.md draws the way of a task. */
export class Scheduler implements LinkOwner, DispatcherOwner {
  readonly options: CheckedOptions;
  readonly kind: PeerKind;
  /** For large buffers in arguments. */
  readonly lent: BufferPool | undefined;
  /** Tells whether tasks are taken. */
  readonly lifecycle: Lifecycle;
  readonly #workers: WorkerPool;
  readonly #dispatcher: Dispatcher;
  readonly #live: LiveTasks;
  readonly #attempts: Attempts;
  readonly #canceller: Canceller;
  readonly #rebalancer: Rebalancer;
  #prioritised = false;

  constructor(kind: PeerKind, options: CheckedOptions, startWorker: StartWorker) {
    this.kind = kind;
    this.lent = BufferPool.for(kind);
    this.options = options;
    this.lifecycle = new Lifecycle(options.name);
    this.#live = new LiveTasks(options.name, this.lent, () => this.#onAllDone());
    this.#workers = new WorkerPool(options, startWorker, this);
    this.#dispatcher = new Dispatcher(options, this.#workers, this);
    this.#attempts = new Attempts(this.#live, this.#dispatcher, (entry) => this.#admit(entry));
    const requeue = (entries: readonly TaskEntry[]): void => this.#dispatcher.requeue(entries);
    this.#canceller = new Canceller(this.#workers, options, requeue);
    this.#rebalancer = new Rebalancer(this.#workers, options.concurrency, requeue);
  }

  /** Number of the present tick; submits of one tick share the stack they were made from. */
  get tick(): number {
    return this.#dispatcher.tick;
  }

  /** Accepts a task. Its sink hears of everything that follows, never before this returns. */
  submit(entry: TaskEntry): void {
    this.#live.add(entry);
    this.#workers.hold();
    const signal = entry.options.source.signal;
    const { refusal } = this.lifecycle;
    if (signal?.aborted === true || refusal !== undefined) {
      const error: unknown = signal?.aborted === true ? signal.reason : refusal;
      return queueMicrotask(() => this.#live.fail(entry, error));
    }
    entry.options.watch(entry, (live, reason) => this.cancel(live, reason, reason));
    if (entry.options.priority !== 0) this.#prioritised = true;
    // A worker boots while its first function is located, which keeps this thread busy for some milliseconds.
    if (entry.record.json === undefined && this.#workers.links.size === 0) this.#dispatcher.grow();
    const locating = entry.record.locate();
    if (locating === undefined) return this.#admit(entry);
    this.#dispatcher.delay(entry);
    locating.then(
      () => this.#attempts.endDelay(entry),
      (error: unknown) => {
        if (this.#dispatcher.endDelay(entry)) this.#live.fail(entry, error);
        this.#dispatcher.noteRoom();
      },
    );
  }

  /**
   * Cancels a task wherever it is; it is settled with `error` when this returns.
   *
   * @param reason - for the task's own signal.
   * @returns false when it is at its end already.
   */
  cancel(entry: TaskEntry, reason: unknown, error: unknown): boolean {
    if (!this.#live.has(entry)) return false;
    this.#dispatcher.forget(entry);
    const { link } = entry;
    if (link !== undefined && !this.#dispatcher.takeOut(link, entry)) {
      for (const id of entry.results ?? []) link.streams.abort(id, error);
      this.#canceller.abandon(link, entry, reason);
    }
    this.#live.fail(entry, error);
    this.#dispatcher.schedule();
    return true;
  }

  /** Starts the workers that are missing. @returns those that can be given tasks. */
  startAll(): WorkerLink[] {
    this.lifecycle.assertOpen();
    while (this.#workers.mayGrow) this.#workers.add();
    return this.#workers.usable;
  }

  /** Settles once another task would find room. */
  waitForRoom(): Promise<void> {
    return this.#dispatcher.waitForRoom();
  }

  /** See `Executor.shutdown`. */
  async shutdown(wait: boolean, cancelFutures: boolean): Promise<void> {
    this.lifecycle.close();
    if (cancelFutures) this.#cancelUnstarted();
    this.#endIfDone();
    if (wait) await this.#waitForEnd();
  }

  /**
   * Ends everything; see `Executor.terminate`.
   *
   * @param error - for what is undecided.
   * @param signal - sent to the workers at once, instead of letting them run their finalizers.
   */
  async terminate(
    grace: number,
    error: Error = cancelledError("The executor was terminated."),
    signal?: NodeJS.Signals,
  ): Promise<void> {
    this.lifecycle.close();
    this.lifecycle.refuse(error);
    for (const entry of [...this.#live]) this.cancel(entry, error, shareOf(error, entry));
    this.#workers.endAll(grace, error, signal);
    await this.#waitForEnd();
  }

  stats(): ExecutorStats {
    const { waiting } = this.#dispatcher;
    return { kind: this.kind, ...this.#workers.snapshot(waiting), ...this.#live.totals.snapshot() };
  }

  // ---- what workers say

  onReady(link: WorkerLink): void {
    link.noteReady();
    this.#dispatcher.schedule();
    this.#rest(link);
  }

  onStartFailed(link: WorkerLink, error: unknown): void {
    link.end();
    this.#break(`The initializer failed in ${link.label}`, error);
  }

  onStarted(link: WorkerLink, entry: TaskEntry): void {
    if (entry.state !== "sent") return;
    entry.sink.started();
    const { timeout = Infinity } = entry.options;
    entry.timer = setTimer(() => this.#onTimeout(link, entry), timeout);
  }

  onResult(link: WorkerLink, entry: TaskEntry, frame: ResultFrame): void {
    this.#noteRun(link, entry, frame.micros);
    const { failed, streaming, value } = readResult(link, entry, frame);
    if (streaming) {
      clearTimeout(entry.timer);
      entry.stream();
      entry.sink.value(value);
      return;
    }
    link.remove(entry);
    if (failed) this.#attempts.fail(link, entry, value);
    else this.#live.succeed(entry, value);
    this.#afterTask(link);
  }

  onAbandonedEnd(link: WorkerLink, slot: AbandonedSlot, micros: number | undefined): void {
    if (micros !== undefined) this.#noteRun(link, slot, micros);
    link.remove(slot);
    this.#afterTask(link);
  }

  onFinished(link: WorkerLink, entry: TaskEntry): void {
    link.remove(entry);
    if (entry.state === "streaming") this.#live.succeed(entry, undefined);
    this.#afterTask(link);
  }

  onMemory(link: WorkerLink, bytes: number): void {
    link.memory = bytes;
    if (bytes > this.options.maxMemoryPerWorker) this.#workers.drain(link);
  }

  onExit(link: WorkerLink, status: ExitStatus): void {
    this.#workers.links.delete(link);
    // What it had not started is not its victim.
    const unstarted = link.takeUnstarted();
    const victims = [...link.inflight.values()];
    link.inflight.clear();
    this.#dispatcher.requeue(unstarted);
    const crash = crashError(link, status, victims.at(-1)?.name);
    link.streams.fail(victims.length > 0 ? crash : streamClosedError());
    for (const victim of victims) {
      clearTimeout(victim.timer);
      if (victim.state === "abandoned") continue;
      this.#attempts.crash(link, victim, crashOf(link, status, victim));
    }
    if (victims.length === 0) reportEnd(link, status);
    if (!link.wasAsked) {
      this.#live.totals.crashed++;
      if (this.#workers.noteDeath(link, status, victims, unstarted)) {
        this.#break("Workers die before they do anything", crash);
      }
    }
    this.#dispatcher.schedule();
    this.#endIfDone();
  }

  onUnsendable(entry: TaskEntry, error: unknown): void {
    this.#live.fail(entry, error);
    this.#dispatcher.schedule();
  }

  // ---- what the dispatcher says

  onOrphan(entry: TaskEntry, link: WorkerLink): void {
    this.#live.fail(entry, crashOf(link, {}, entry));
  }

  replacementOf(link: WorkerLink): WorkerLink | undefined {
    if (!link.wasAsked || this.lifecycle.refusal !== undefined) return undefined;
    if (this.lifecycle.broken !== undefined) return undefined;
    if (link.replacement?.state === "dead") link.replacement = undefined;
    return (link.replacement ??= this.#dispatcher.grow());
  }

  onCannotGrow(error: unknown): void {
    this.#break("No worker could be started", error);
  }

  // ---- the way of a task

  #admit(entry: TaskEntry): void {
    const { broken } = this.lifecycle;
    if (broken !== undefined) return this.#live.fail(entry, shareOf(broken, entry));
    this.#dispatcher.add(entry);
    if (this.#prioritised) this.#dispatcher.preempt(entry);
    this.#dispatcher.schedule();
    const full = this.#dispatcher.refuseOverflow(entry);
    if (full !== undefined) queueMicrotask(() => this.#live.fail(entry, full));
  }

  #onTimeout(link: WorkerLink, entry: TaskEntry): void {
    if (entry.state !== "sent") return;
    const error = timeoutOf(entry);
    this.#canceller.abandon(link, entry, error);
    this.#attempts.fail(link, entry, error);
    this.#dispatcher.schedule();
  }

  // ---- the way of a worker

  #noteRun(link: WorkerLink, { record, items }: TaskEntry | AbandonedSlot, micros: number): void {
    this.#workers.noteResult();
    link.noteResult();
    record.noteRun(micros / items);
    this.#live.totals.micros += micros;
  }

  #afterTask(link: WorkerLink): void {
    this.#canceller.afterTask(link);
    if (link.handed >= this.options.maxTasksPerWorker) this.#workers.drain(link);
    this.#workers.retireIfDrained(link);
    this.#dispatcher.schedule();
    this.#rest(link);
  }

  #rest(link: WorkerLink): void {
    if (link.state !== "ready" || link.inflight.size >= this.options.concurrency) return;
    this.#rebalancer.arm();
    if (link.inflight.size === 0) this.#workers.noteIdle(link);
  }

  #cancelUnstarted(): void {
    const error = cancelledError("The executor was shut down.");
    this.#dispatcher.takeBackAll();
    this.lifecycle.refuse(error);
    // Who waits is decided before the first is cancelled: that makes room, into which the next would go.
    const waiting = [...this.#live].filter((entry) => entry.isWaiting);
    for (const entry of waiting) this.cancel(entry, error, shareOf(error, entry));
  }

  #break(what: string, cause: unknown): void {
    const error = this.lifecycle.break(what, cause);
    if (error === undefined) return;
    for (const entry of [...this.#live]) this.cancel(entry, error, shareOf(error, entry));
    for (const link of [...this.#workers.links]) this.#workers.retire(link, 0);
    this.#dispatcher.denyRoom(error);
  }

  #onAllDone(): void {
    if (this.lifecycle.isClosing) this.#endIfDone();
    else this.#workers.letGo(() => this.#live.size === 0 && !this.lifecycle.isAwaited);
  }

  #endIfDone(): void {
    if (!this.lifecycle.isClosing || this.#live.size > 0) return;
    this.#workers.retireAll();
    if (this.#workers.links.size === 0) this.lifecycle.end();
  }

  async #waitForEnd(): Promise<void> {
    const ended = this.lifecycle.whenEnded();
    this.#workers.hold();
    this.#endIfDone();
    await ended;
  }
}
