import { beginWork, endWork } from "../util/pending-work.ts";
import { setTimer } from "../util/timer.ts";
import { cpuCount } from "../process/cpu-count.ts";
import { AdaptiveSpin } from "../util/adaptive-spin.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { MessageKind } from "./protocol.ts";
import type { ExitStatus } from "../wire/index.ts";
import type { CheckedOptions } from "./options.ts";
import type { ExecutorStats } from "./types.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { LinkOwner } from "./worker-messages.ts";
import { clearTimeout, performance, setImmediate } from "../util/platform.ts";

/** After a worker could not be started while others run, they are left to it for this long. */
export const RETRY_START_MS = 1000;

/** Starts one worker; the difference between the executors. */
export type StartWorker = (id: number, owner: LinkOwner) => WorkerLink;

/** Deaths in a row before any task of the worker was done: then starting another is no help. */
const MAX_FRUITLESS_STARTS = 3;
/** Time for a worker's finalizer when nobody is in a hurry. */
const FINALIZER_MS = 30_000;

/** True when there were not files or memory enough for it. */
function lacksResources(link: WorkerLink, { code, signal, error }: ExitStatus): boolean {
  if (link.wasReady) return false;
  const errno = error !== undefined && "code" in error ? error.code : undefined;
  return (code === undefined && signal === undefined) || errno === "EMFILE" || errno === "ENFILE";
}

/**
 * The workers of one executor: starting, keeping the program open for them or not, ending.
 */
export class WorkerPool {
  readonly links: Set<WorkerLink> = new Set();
  readonly #options: CheckedOptions;
  readonly #start: StartWorker;
  readonly #owner: LinkOwner;
  readonly #spin: AdaptiveSpin = new AdaptiveSpin();
  #processors: number | undefined;
  #nextId = 1;
  #fruitless = 0;
  #held = false;
  #releasing = false;
  #pausedUntil = 0;

  constructor(options: CheckedOptions, start: StartWorker, owner: LinkOwner) {
    this.#options = options;
    this.#start = start;
    this.#owner = owner;
  }

  /** Workers that may be given tasks. */
  get usable(): WorkerLink[] {
    return [...this.links].filter((link) => link.isUsable);
  }

  /** A snapshot of every worker, and of the tasks that wait and run. */
  snapshot(
    pending: number,
  ): Pick<ExecutorStats, "name" | "workers" | "maxWorkers" | "pending" | "running"> {
    const { name, maxWorkers } = this.#options;
    const workers = [...this.links].map((link) => link.stats);
    return { name, workers, maxWorkers, pending, running: this.busyTasks };
  }

  /** Tasks handed to workers and not done. */
  get busyTasks(): number {
    let tasks = 0;
    for (const link of this.links) tasks += link.inflight.size;
    return tasks;
  }

  /** Workers that were handed tasks and are not done. */
  get busyWorkers(): number {
    let workers = 0;
    for (const link of this.links) if (link.inflight.size > 0) workers++;
    return workers;
  }

  /** True while another worker may be started. */
  get mayGrow(): boolean {
    if (this.#pausedUntil > 0 && this.links.size > 0 && performance.now() < this.#pausedUntil) {
      return false;
    }
    let usable = 0;
    for (const link of this.links) if (link.isUsable) usable++;
    return usable < this.#options.maxWorkers;
  }

  /**
   * Starts one more worker, if that can be done: files or memory may be used up, an option unusable.
   *
   * @returns undefined when it cannot, but others run, which are left to do the work for a while.
   * @throws what the system said when there is no other worker.
   */
  tryAdd(): WorkerLink | undefined {
    try {
      return this.add();
    } catch (error) {
      if (this.links.size === 0) throw error;
      this.#pausedUntil = performance.now() + RETRY_START_MS;
      return undefined;
    }
  }

  /** Starts one more worker. */
  add(): WorkerLink {
    const link = this.#start(this.#nextId++, this.#owner);
    this.links.add(link);
    if (!this.#held) link.peer.unref();
    return link;
  }

  /** True while a worker has room for a task that would start at once. */
  get hasIdle(): boolean {
    return this.usable.some((link) => link.inflight.size < this.#options.concurrency);
  }

  /** Keeps the program open: there is work. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    beginWork();
    for (const link of this.links) link.peer.ref();
  }

  /** Lets the program end, unless work has come by the end of this turn of the event loop. */
  letGo(isIdle: () => boolean): void {
    if (!this.#held || this.#releasing) return;
    this.#releasing = true;
    setImmediate(() => {
      this.#releasing = false;
      if (!isIdle()) return;
      this.#held = false;
      endWork();
      for (const link of this.links) link.peer.unref();
    });
  }

  /** Gives the worker no more tasks; it ends when it is done with those it has. */
  drain(link: WorkerLink): void {
    if (link.drain()) this.retireIfDrained(link);
  }

  /** Ends a worker that gets no more tasks and has none left. */
  retireIfDrained(link: WorkerLink): void {
    if (link.state === "draining" && link.inflight.size === 0) this.retire(link, FINALIZER_MS);
  }

  /** Ends the workers; those that were told already are left to it. */
  retireAll(): void {
    for (const link of [...this.links]) if (!link.isEnding) this.retire(link, FINALIZER_MS);
  }

  /** Ends all workers, whatever they do; a signal is sent to them at once. */
  endAll(grace: number, reason: Error, signal?: NodeJS.Signals): void {
    for (const link of [...this.links]) {
      this.retire(link, grace, reason);
      if (signal !== undefined) link.peer.kill(signal);
    }
  }

  /** Sends what was handed out; worker and caller may wait awake for the next while a processor is free. */
  flush(): void {
    const maySpin = this.busyWorkers < (this.#processors ??= cpuCount());
    for (const link of this.links) if (link.hasOutbox) link.flush(maySpin);
    if (maySpin) this.#spin.begin();
  }

  /** A task has come to its end: workers work. */
  noteResult(): void {
    this.#fruitless = 0;
    this.#spin.end();
  }

  /**
   * A worker has died without being asked to.
   *
   * @param status - one that could not be made for want of files or memory leaves the work to those that run.
   * @param victims - what it died of, so it had started well.
   * @param unstarted - what was waiting in it; an idle one was killed by somebody else.
   * @returns true when so many have died for nothing that starting another is no help.
   */
  noteDeath(
    link: WorkerLink,
    status: ExitStatus,
    victims: readonly unknown[],
    unstarted: readonly unknown[],
  ): boolean {
    if (victims.length > 0) this.#fruitless = 0;
    else if (lacksResources(link, status) && this.usable.length > 0) {
      this.#pausedUntil = performance.now() + RETRY_START_MS;
    } else if (!link.wasReady || unstarted.length > 0) {
      return link.completed === 0 && ++this.#fruitless >= MAX_FRUITLESS_STARTS;
    }
    return false;
  }

  /**
   * Asks a worker to end and makes sure that it does.
   *
   * @param grace - milliseconds until it is killed.
   * @param reason - aborts its running tasks and its shutdown signal.
   */
  retire(link: WorkerLink, grace: number, reason?: Error): void {
    if (link.state === "dead") return;
    if (link.end()) {
      clearTimeout(link.idleTimer);
      const thrown =
        reason === undefined
          ? undefined
          : encodeThrown(reason, { destination: "process", root: "reason" });
      link.peer.channel.send(
        thrown === undefined ? [MessageKind.shutdown] : [MessageKind.shutdown, thrown.bytes],
        thrown?.attachments,
      );
    }
    this.kill(link, grace);
  }

  /** Kills a worker that is still there after `grace` milliseconds. */
  kill(link: WorkerLink, grace: number): void {
    clearTimeout(link.killTimer);
    if (grace <= 0) {
      link.peer.kill("SIGKILL");
    } else {
      link.killTimer = setTimer(() => link.peer.kill("SIGKILL"), grace);
      // An idle program may end meanwhile; its workers end with it.
      if (!this.#held) link.killTimer?.unref();
    }
  }

  /** Starts the clock of a worker that has nothing to do. */
  noteIdle(link: WorkerLink): void {
    const { idleTimeout, minWorkers } = this.#options;
    if (link.state !== "ready") return;
    clearTimeout(link.idleTimer);
    link.idleTimer = setTimer(() => {
      if (link.inflight.size === 0 && this.usable.length > minWorkers) {
        this.drain(link);
      }
    }, idleTimeout);
    link.idleTimer?.unref();
  }
}
