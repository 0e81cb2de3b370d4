import {
  BrokenExecutorError,
  InvalidStateError,
  QueueFullError,
  TimeoutError,
} from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import type { ExitStatus, PeerKind } from "../wire/index.ts";
import { crashError } from "./crash-error.ts";
import { Enforcer } from "./enforcer.ts";
import { Fleet, type StartWorker } from "./fleet.ts";
import { cancelledError } from "./future.ts";
import type { CheckedOptions } from "./options.ts";
import { PendingQueue } from "./pending-queue.ts";
import { estimateOf, pickWorker } from "./placement.ts";
import { Rebalancer } from "./rebalancer.ts";
import { readResult } from "./results.ts";
import { isRetryable, retryDelayOf } from "./retry.ts";
import { streamClosedError } from "./streams.ts";
import type { TaskEntry } from "./task-entry.ts";
import { publishFailure, Totals } from "./totals.ts";
import type { ExecutorStats } from "./types.ts";
import type { LinkOwner, ResultFrame, WorkerLink } from "./worker-link.ts";

/** Makes more tasks as room comes; told when no more will be taken. */
export interface Feeder {
  refuse(error: Error): void;
}

/** Deaths in a row before any task of the worker was done: then starting another is no help. */
const MAX_FRUITLESS_STARTS = 3;
/** How long a worker's finalizer may take when nobody is in a hurry. */
const FINALIZER_MS = 30_000;

/**
 * The heart of an executor: which task goes to which worker when, and what becomes of it.
 *
 * ```
 * submit ─► delayed ─► pending ───────► outbox ─► sent ─► settled
 *           locating,   by priority,    end of    the worker   result, error,
 *           retry delay then age        the tick  takes its    crash, timeout,
 *               ▲                                 token        cancel
 *               └──────────── retry ◄───────────────┘
 * ```
 */
export class Scheduler implements LinkOwner {
  readonly options: CheckedOptions;
  readonly kind: PeerKind;
  /** Grows with each flush; submits of one tick share the stack they were made from. */
  tick = 0;
  readonly #fleet: Fleet;
  readonly #pending: PendingQueue = new PendingQueue();
  /** Tasks accepted and not at their end, wherever they are. */
  readonly #live: Set<TaskEntry> = new Set();
  readonly #totals: Totals = new Totals();
  readonly #enforcer: Enforcer;
  readonly #rebalancer: Rebalancer;
  #delayed = 0;
  #nextTask = 1;
  #fruitless = 0;
  #flushing = false;
  #closing = false;
  #prioritised = false;
  #broken: BrokenExecutorError | undefined;
  /** Why tasks that still come, from maps that have begun, are not taken any more. */
  #refusal: Error | undefined;
  /** Maps that have more to feed. */
  readonly #feeders: Set<Feeder> = new Set();
  #ended: Deferred<void> | undefined;
  #room: Deferred<void> | undefined;

  constructor(kind: PeerKind, options: CheckedOptions, startWorker: StartWorker) {
    this.kind = kind;
    this.options = options;
    this.#fleet = new Fleet(options, startWorker, this);
    this.#enforcer = new Enforcer(this.#fleet, options, (entries) => this.#requeue(entries));
    this.#rebalancer = new Rebalancer(this.#fleet, options.concurrency, (entries) => {
      this.#requeue(entries);
    });
  }

  /** @throws InvalidStateError after shutdown, BrokenExecutorError when workers cannot start. */
  assertOpen(): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#closing) {
      throw new InvalidStateError(`Executor "${this.options.name}" was shut down; make a new one.`);
    }
  }

  /** Accepts a task. Its sink hears of everything that follows, never before this returns. */
  submit(entry: TaskEntry): void {
    this.#live.add(entry);
    this.#fleet.hold();
    const signal = entry.options.source.signal;
    const refusal = signal?.aborted === true ? { error: signal.reason as unknown } : this.#refused;
    if (refusal !== undefined) {
      queueMicrotask(() => this.#settleError(entry, refusal.error));
      return;
    }
    entry.options.watch(entry, (live, reason) => this.cancel(live, reason, reason));
    if (entry.options.priority !== 0) this.#prioritised = true;
    const locating = entry.record.locate();
    if (locating === undefined) {
      this.#admit(entry);
      return;
    }
    this.#delayed++;
    // The worker boots while its first function is located.
    if (this.#fleet.links.size === 0 && this.#fleet.mayGrow) this.#grow();
    locating.then(
      () => this.#undelay(entry),
      (error: unknown) => {
        this.#delayed--;
        if (entry.state === "delayed") this.#settleError(entry, error);
        this.#noteRoom();
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
    if (entry.state === "pending") this.#pending.forget();
    // Whoever else ends a delay counts it; the timer of a retry is cleared with the task.
    if (entry.state === "delayed" && entry.timer !== undefined) this.#delayed--;
    const { link } = entry;
    if (link !== undefined && !this.#takeOut(link, entry)) {
      for (const id of entry.results ?? []) link.streams.abort(id, error);
      this.#enforcer.abandon(link, entry, reason);
    }
    this.#settleError(entry, error);
    this.#schedule();
    return true;
  }

  /** A map has more to feed; until it leaves it is told when that is in vain. */
  enter(feeder: Feeder): void {
    this.#feeders.add(feeder);
  }

  /** A map has fed all. */
  leave(feeder: Feeder): void {
    this.#feeders.delete(feeder);
  }

  /** Starts the workers that are missing. @returns those that can be given tasks. */
  startAll(): WorkerLink[] {
    this.assertOpen();
    while (this.#fleet.mayGrow) this.#fleet.add();
    return this.#fleet.usable;
  }

  /** Settles once another task would find room: fewer than `maxQueue` wait, or a worker is free. */
  async waitForRoom(): Promise<void> {
    while (!this.#hasRoom) {
      this.#room ??= deferred();
      await this.#room.promise;
    }
  }

  /** See `Executor.shutdown`. */
  async shutdown(wait: boolean, cancelFutures: boolean): Promise<void> {
    this.#closing = true;
    if (cancelFutures) this.#cancelUnstarted();
    this.#endIfDone();
    if (wait) await this.#waitForEnd();
  }

  /** See `Executor.terminate`. */
  async terminate(grace: number): Promise<void> {
    this.#closing = true;
    const error = cancelledError("The executor was terminated.");
    this.#refuse(error);
    for (const entry of [...this.#live]) this.cancel(entry, error, error);
    for (const link of [...this.#fleet.links]) this.#fleet.retire(link, grace, error);
    await this.#waitForEnd();
  }

  stats(): ExecutorStats {
    const workers = [...this.#fleet.links].map((link) => link.stats);
    return {
      name: this.options.name,
      kind: this.kind,
      workers,
      maxWorkers: this.options.maxWorkers,
      pending: this.#waiting,
      running: workers.reduce((sum, worker) => sum + worker.tasks, 0),
      ...this.#totals.snapshot(),
    };
  }

  // ---- what workers say

  onReady(link: WorkerLink): void {
    link.wasReady = true;
    if (link.state === "starting") link.state = "ready";
    this.#schedule();
    this.#rest(link);
  }

  onStartFailed(link: WorkerLink, error: unknown): void {
    link.retired = true;
    this.#break(`The initializer failed in ${link.label}`, error);
  }

  onStarted(link: WorkerLink, entry: TaskEntry): void {
    if (entry.state !== "sent") return;
    entry.sink.started();
    const { timeout } = entry.options;
    if (timeout === undefined || timeout === Infinity) return;
    entry.timer = setTimeout(() => this.#onTimeout(link, entry, timeout), timeout);
  }

  onResult(link: WorkerLink, entry: TaskEntry, frame: ResultFrame): void {
    this.#fruitless = 0;
    link.noteResult();
    entry.record.noteRun(frame.micros / entry.items);
    this.#totals.micros += frame.micros;
    if (entry.state === "abandoned") {
      link.remove(entry);
    } else {
      const { failed, streaming, value } = readResult(link, entry, frame);
      if (streaming) {
        clearTimeout(entry.timer);
        entry.state = "streaming";
        entry.sink.value(value);
        return;
      }
      link.remove(entry);
      if (failed) this.#onFailure(link, entry, value);
      else this.#settleValue(entry, value);
    }
    this.#afterTask(link);
  }

  onFinished(link: WorkerLink, entry: TaskEntry): void {
    link.remove(entry);
    if (entry.state === "streaming") this.#settleValue(entry, undefined);
    this.#afterTask(link);
  }

  onMemory(link: WorkerLink, bytes: number): void {
    link.memory = bytes;
    if (bytes > this.options.maxMemoryPerWorker) this.#retireSoon(link);
  }

  onExit(link: WorkerLink, status: ExitStatus): void {
    this.#fleet.links.delete(link);
    // What it had not started is not its victim.
    const unstarted = [...link.reclaim(), ...link.unsent()].filter((entry) => !entry.moved);
    link.release(unstarted);
    const victims = [...link.inflight.values()];
    link.inflight.clear();
    this.#requeue(unstarted);
    const crash = crashError(link, status, victims.at(-1)?.name);
    link.streams.fail(victims.length > 0 ? crash : streamClosedError());
    for (const entry of victims) this.#onVictim(link, entry, crashError(link, status, entry.name));
    if (!link.retired) {
      this.#totals.crashed++;
      // One that died of a task has started well; an idle one was killed by somebody else.
      if (victims.length > 0) this.#fruitless = 0;
      else if (!link.wasReady || unstarted.length > 0) this.#noteFruitless(link, crash);
    }
    this.#schedule();
    this.#endIfDone();
  }

  // ---- the way of a task

  get #waiting(): number {
    return this.#pending.size + this.#delayed;
  }

  get #refused(): { readonly error: unknown } | undefined {
    return this.#refusal === undefined ? undefined : { error: this.#refusal };
  }

  #undelay(entry: TaskEntry): void {
    this.#delayed--;
    entry.timer = undefined;
    if (entry.state === "delayed") this.#admit(entry);
  }

  #admit(entry: TaskEntry): void {
    if (this.#broken !== undefined) {
      this.#settleError(entry, this.#broken);
      return;
    }
    entry.state = "pending";
    this.#pending.push(entry);
    if (this.#prioritised) this.#preempt(entry);
    this.#schedule();
    if (entry.state !== "pending") return;
    if (this.#pending.size > this.options.maxQueue && entry.attempt === 1 && !entry.fed) {
      this.#pending.forget();
      const error = new QueueFullError(
        `${this.options.maxQueue} tasks wait already (\`maxQueue\`); await executor.waitForRoom() before submitting.`,
      );
      queueMicrotask(() => this.#settleError(entry, error));
      entry.state = "delayed";
    }
  }

  /** Hands out pending tasks as long as there is a worker for the next one. */
  #schedule(): void {
    for (;;) {
      const entry = this.#pending.peek();
      if (entry === undefined) break;
      const mayGrow = this.#fleet.mayGrow && entry.pinned === undefined;
      let link = pickWorker(this.#fleet.links, entry, this.options, mayGrow);
      if (link === undefined) {
        link = mayGrow ? this.#grow() : undefined;
        if (link === undefined) break;
      }
      this.#pending.take(entry);
      this.#hand(link, entry);
    }
    this.#noteRoom();
  }

  #grow(): WorkerLink | undefined {
    try {
      return this.#fleet.tryAdd();
    } catch (error) {
      // Not now: whoever submits hears of failures later.
      queueMicrotask(() => this.#break("No worker could be started", error));
      return undefined;
    }
  }

  get #hasRoom(): boolean {
    if (this.#waiting < this.options.maxQueue) return true;
    return this.#waiting === 0 && (this.#fleet.mayGrow || this.#fleet.hasIdle);
  }

  #noteRoom(): void {
    if (this.#room === undefined || !this.#hasRoom) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #hand(link: WorkerLink, entry: TaskEntry): void {
    clearTimeout(link.idleTimer);
    link.add(entry, this.#nextTask, estimateOf(entry));
    this.#nextTask = (this.#nextTask % 0xffff_fffe) + 1;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.tick++;
      for (const other of this.#fleet.links) if (other.hasOutbox) other.flush();
    });
  }

  /** Takes a task out of a worker that has not started it. @returns false when it has. */
  #takeOut(link: WorkerLink, entry: TaskEntry): boolean {
    if (entry.state === "sent") {
      const reclaimed = link.reclaim();
      const isFree = reclaimed.includes(entry);
      link.keep(isFree ? reclaimed.filter((other) => other !== entry) : reclaimed);
      if (!isFree) return false;
    } else if (entry.state !== "outbox") {
      return false;
    }
    link.release([entry]);
    return true;
  }

  /** A task that outranks others gets ahead of those that were handed out and not started. */
  #preempt(entry: TaskEntry): void {
    const yields = (other: TaskEntry): boolean =>
      !other.moved && other.options.priority < entry.options.priority;
    for (const link of this.#fleet.links) {
      if (![...link.inflight.values()].some(yields)) continue;
      const reclaimed = link.reclaim();
      link.keep(reclaimed.filter((other) => !yields(other)));
      const yielding = [...reclaimed, ...link.unsent()].filter(yields);
      link.release(yielding);
      this.#putBack(yielding);
    }
  }

  #requeue(entries: readonly TaskEntry[]): void {
    this.#putBack(entries);
    this.#schedule();
  }

  #putBack(entries: readonly TaskEntry[]): void {
    for (const entry of entries) entry.state = "pending";
    const orphans = entries.filter((entry) => entry.pinned?.state === "dead");
    this.#pending.putBack(entries.filter((entry) => !orphans.includes(entry)));
    for (const entry of orphans) {
      const link = entry.pinned as WorkerLink;
      this.#settleError(entry, crashError(link, { code: undefined, signal: undefined }, entry.name));
    }
  }

  #onTimeout(link: WorkerLink, entry: TaskEntry, timeout: number): void {
    if (entry.state !== "sent") return;
    const error = new TimeoutError(
      `Task "${entry.name}" was not done within ${timeout} ms of its start.`,
    );
    this.#enforcer.abandon(link, entry, error);
    this.#onFailure(link, entry, error);
    this.#schedule();
  }

  #onVictim(link: WorkerLink, entry: TaskEntry, crash: Error): void {
    clearTimeout(entry.timer);
    clearTimeout(entry.timer);
    if (entry.state === "abandoned") return;
    if (entry.state === "streaming") this.#settleError(entry, crash);
    else this.#onFailure(link, entry, crash);
  }

  /** A try has failed: another one, or the end. */
  #onFailure(link: WorkerLink, entry: TaskEntry, error: unknown): void {
    clearTimeout(entry.timer);
    entry.link = undefined;
    const opened = (entry.streams ?? []).some(([id]) => link.streams.withdraw(id));
    const isLast = entry.attempt > entry.options.retries || entry.pinned?.state === "dead";
    if (opened || isLast || !isRetryable(error)) {
      this.#settleError(entry, error);
      return;
    }
    let delay: number;
    try {
      delay = retryDelayOf(entry);
    } catch (failure) {
      this.#settleError(entry, failure);
      return;
    }
    this.#totals.retried++;
    entry.attempt++;
    entry.avoid = link;
    entry.state = "delayed";
    this.#delayed++;
    entry.timer = delay > 0 ? setTimeout(() => this.#undelay(entry), delay) : undefined;
    if (delay <= 0) queueMicrotask(() => this.#undelay(entry));
  }

  #settleValue(entry: TaskEntry, value: unknown): void {
    const streamed = entry.state === "streaming";
    this.#forget(entry);
    this.#totals.completed++;
    if (!streamed) entry.sink.value(value);
  }

  #settleError(entry: TaskEntry, error: unknown): void {
    const streamed = entry.state === "streaming";
    if (!this.#live.has(entry)) return;
    this.#forget(entry);
    this.#totals.noteError(error);
    publishFailure(this.options.name, entry.name, error);
    if (!streamed) entry.sink.error(error);
  }

  #forget(entry: TaskEntry): void {
    clearTimeout(entry.timer);
    for (const [id] of entry.streams ?? []) entry.link?.streams.withdraw(id);
    entry.state = "settled";
    entry.link = undefined;
    entry.options.unwatch(entry);
    this.#live.delete(entry);
    if (this.#live.size > 0) return;
    if (this.#closing) this.#endIfDone();
    else this.#fleet.letGo(() => this.#live.size === 0 && this.#ended === undefined);
  }

  // ---- the way of a worker

  #afterTask(link: WorkerLink): void {
    this.#enforcer.afterTask(link);
    if (link.handed >= this.options.maxTasksPerWorker) this.#retireSoon(link);
    if (link.inflight.size === 0 && link.state === "draining") {
      this.#fleet.retire(link, FINALIZER_MS);
    }
    if (this.#pending.size > 0) this.#schedule();
    else this.#noteRoom();
    this.#rest(link);
  }

  #rest(link: WorkerLink): void {
    if (link.state !== "ready" || link.inflight.size >= this.options.concurrency) return;
    this.#rebalancer.arm();
    if (link.inflight.size === 0) this.#fleet.noteIdle(link);
  }

  #retireSoon(link: WorkerLink): void {
    if (link.state === "draining" || link.state === "dead") return;
    link.state = "draining";
    const unstarted = [...link.reclaim(), ...link.unsent()];
    // Those within the worker's allowance were counted when they were handed over: they stay.
    link.keep(unstarted.filter((entry) => entry.state === "sent"));
    if (link.inflight.size === 0) this.#fleet.retire(link, FINALIZER_MS);
  }

  #cancelUnstarted(): void {
    const error = cancelledError("The executor was shut down.");
    for (const link of this.#fleet.links) {
      const unstarted = [...link.reclaim(), ...link.unsent()];
      link.release(unstarted);
      this.#putBack(unstarted);
    }
    this.#refuse(error);
    const waiting = [...this.#live].filter(
      ({ state }) => state === "pending" || state === "delayed",
    );
    for (const entry of waiting) this.cancel(entry, error, error);
  }

  #noteFruitless(link: WorkerLink, crash: Error): void {
    if (link.completed > 0 || ++this.#fruitless < MAX_FRUITLESS_STARTS) return;
    this.#break(`${MAX_FRUITLESS_STARTS} workers in a row died before they did anything`, crash);
  }

  /** From now on maps make no more tasks. */
  #refuse(error: Error): void {
    this.#refusal ??= error;
    for (const feeder of [...this.#feeders]) feeder.refuse(error);
  }

  #break(what: string, cause: unknown): void {
    if (this.#broken !== undefined) return;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    this.#broken = new BrokenExecutorError(
      `Executor "${this.options.name}" cannot start workers. ${what}${why}`,
      { cause },
    );
    this.#refuse(this.#broken);
    for (const entry of [...this.#live]) this.cancel(entry, this.#broken, this.#broken);
    for (const link of [...this.#fleet.links]) this.#fleet.retire(link, 0);
    this.#room?.reject(this.#broken);
    this.#room = undefined;
  }

  #endIfDone(): void {
    if (!this.#closing || this.#live.size > 0) return;
    for (const link of [...this.#fleet.links]) {
      if (!link.retired) this.#fleet.retire(link, FINALIZER_MS);
    }
    if (this.#fleet.links.size === 0) this.#ended?.resolve();
  }

  async #waitForEnd(): Promise<void> {
    this.#ended ??= deferred();
    this.#fleet.hold();
    this.#endIfDone();
    await this.#ended.promise;
  }
}
