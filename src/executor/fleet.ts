import { encodeThrown } from "../wire/error-codec.ts";
import { MessageKind } from "../wire/protocol.ts";
import type { CheckedOptions } from "./options.ts";
import type { LinkOwner, WorkerLink } from "./worker-link.ts";

/** After a worker could not be started while others run, they are left to it for this long. */
const RETRY_START_MS = 1000;

/** Starts one worker; the difference between the executors. */
export type StartWorker = (id: number, owner: LinkOwner) => WorkerLink;

/**
 * The workers of one executor: starting, keeping the program open for them or not, ending.
 */
export class Fleet {
  readonly links: Set<WorkerLink> = new Set();
  readonly #options: CheckedOptions;
  readonly #start: StartWorker;
  readonly #owner: LinkOwner;
  #nextId = 1;
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
    return [...this.links].filter((link) => link.state === "starting" || link.state === "ready");
  }

  /** True while another worker may be started. */
  get mayGrow(): boolean {
    if (this.#pausedUntil > 0 && this.links.size > 0 && performance.now() < this.#pausedUntil) {
      return false;
    }
    let usable = 0;
    for (const link of this.links) if (link.state !== "draining") usable++;
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
      for (const link of this.links) link.peer.unref();
    });
  }

  /** Gives the worker no more tasks; it ends when it is done with those it has. */
  drain(link: WorkerLink): void {
    if (link.state === "draining" || link.state === "dead") return;
    link.state = "draining";
    if (link.inflight.size === 0) this.retire(link, this.#options.grace);
  }

  /**
   * Asks a worker to end and makes sure that it does.
   *
   * @param grace - milliseconds until it is killed.
   * @param reason - aborts its running tasks and its shutdown signal.
   */
  retire(link: WorkerLink, grace: number, reason?: Error): void {
    if (link.state === "dead") return;
    if (!link.retired) {
      link.retired = true;
      link.state = "draining";
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
      link.killTimer = setTimeout(() => link.peer.kill("SIGKILL"), grace);
      // An idle program may end meanwhile; its workers end with it.
      if (!this.#held) link.killTimer.unref();
    }
  }

  /** Starts the clock of a worker that has nothing to do. */
  noteIdle(link: WorkerLink): void {
    const { idleTimeout, minWorkers } = this.#options;
    if (idleTimeout === Infinity || link.state !== "ready") return;
    clearTimeout(link.idleTimer);
    link.idleTimer = setTimeout(() => {
      if (link.inflight.size === 0 && this.usable.length > minWorkers) {
        this.drain(link);
      }
    }, idleTimeout);
    link.idleTimer.unref();
  }
}
