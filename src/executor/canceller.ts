import { clearTimeout } from "../util/platform.ts";
import { setTimer } from "../util/timer.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { MessageKind } from "./protocol.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { CheckedOptions } from "./options.ts";
import type { AbandonedSlot } from "./abandoned-slot.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { WorkerLink } from "./worker-link.ts";

/**
 * Gets workers back from tasks that were given up while they ran.
 *
 * The task's signal is aborted first. If it has not come to an end after the grace, its worker is
 * ended: at once when it runs nothing else; otherwise it gets no more tasks and is ended when its
 * others are done, or when its event loop does not answer either.
 */
export class Canceller {
  readonly #workers: WorkerPool;
  readonly #options: CheckedOptions;
  readonly #requeue: (entries: readonly TaskEntry[]) => void;

  constructor(
    workers: WorkerPool,
    options: CheckedOptions,
    requeue: (entries: readonly TaskEntry[]) => void,
  ) {
    this.#workers = workers;
    this.#options = options;
    this.#requeue = requeue;
  }

  /** Gives a started task up; its place stays taken until the worker comes back from it or dies. */
  abandon(link: WorkerLink, entry: TaskEntry, reason: unknown): void {
    const slot = link.abandon(entry, reason);
    const thrown = encodeThrown(reason, { destination: "process", root: "reason" });
    link.peer.channel.send([MessageKind.cancel, slot.id, thrown.bytes], thrown.attachments);
    slot.timer = setTimer(() => this.#onGraceOver(link, slot), this.#options.grace);
  }

  /** A task of the worker has ended: is it time to end the worker? */
  afterTask(link: WorkerLink): void {
    if (link.killWhenOnlyAbandoned && link.hasOnlyAbandoned) this.#kill(link);
  }

  #onGraceOver(link: WorkerLink, slot: AbandonedSlot): void {
    if (link.state === "dead" || link.inflight.get(slot.id) !== slot) return;
    link.killWhenOnlyAbandoned = true;
    link.drain();
    const unstarted = link.takeUnstarted();
    if (link.hasOnlyAbandoned) {
      this.#kill(link);
    } else {
      link.peer.channel.send([MessageKind.ping]);
      clearTimeout(link.pingTimer);
      link.pingTimer = setTimer(() => this.#kill(link), this.#options.grace);
    }
    this.#requeue(unstarted);
  }

  #kill(link: WorkerLink): void {
    link.end();
    this.#workers.kill(link, 0);
  }
}
