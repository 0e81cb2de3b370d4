import type { Peer } from "../wire/index.ts";
import { transition } from "../util/state-machine.ts";
import { acceptFrame, type LinkOwner } from "./worker-messages.ts";
import { AbandonedSlot } from "./abandoned-slot.ts";
import { MessageKind } from "./protocol.ts";
import type { Claims } from "./claims.ts";
import { StreamHub } from "./streams.ts";
import type { FunctionRecord, TaskEntry } from "./task-entry.ts";
import { batchesOf, headerOf } from "./task-frame.ts";
import type { WorkerStats } from "./types.ts";
import { WORKER_TRANSITIONS, type WorkerState } from "./worker-state.ts";
import { clearTimeout, performance } from "../util/platform.ts";

/** One worker as its executor sees it: what was handed to it, what it said last. */
export class WorkerLink {
  readonly id: number;
  readonly name: string;
  readonly peer: Peer;
  readonly claims: Claims;
  readonly streams: StreamHub;
  /** Tasks handed to it and not done, by their number on the wire. */
  readonly inflight: Map<number, TaskEntry | AbandonedSlot> = new Map();
  #state: WorkerState = "starting";
  #wasReady = false;
  #wasAsked = false;
  /** Sum of the expected run times of `inflight`, in microseconds. */
  load = 0;
  handed = 0;
  completed = 0;
  memory: number | undefined;
  /** The time of its latest result, by `performance.now()`. */
  lastResult = 0;
  /** It holds tasks and does not get on: it is handed nothing ahead of time until its next result. */
  slow = false;
  /** To be ended as soon as its other tasks allow. */
  killWhenOnlyAbandoned = false;
  idleTimer: NodeJS.Timeout | undefined;
  killTimer: NodeJS.Timeout | undefined;
  /** Ends it when its event loop does not answer. */
  pingTimer: NodeJS.Timeout | undefined;
  /** The error it reported before it died, or the one by which it broke the protocol. */
  exitCause: unknown;
  /** Started in its place, for the tasks that were pinned to it. */
  replacement: WorkerLink | undefined;
  readonly #owner: LinkOwner;
  readonly #known: Set<number> = new Set();
  #outbox: TaskEntry[] = [];

  constructor(id: number, name: string, peer: Peer, claims: Claims, owner: LinkOwner) {
    this.id = id;
    this.name = name;
    this.peer = peer;
    this.claims = claims;
    this.#owner = owner;
    this.streams = new StreamHub(peer.channel, peer.kind === "process" ? "process" : "thread");
    peer.channel.onFrame = (frame, attachments) => acceptFrame(this, owner, frame, attachments);
    // A worker that breaks the protocol is as good as dead; an end of the channel precedes its exit.
    peer.channel.onClose = (error) => {
      if (error === undefined) return;
      this.exitCause ??= error;
      peer.kill("SIGKILL");
    };
    peer.channel.start();
    void peer.exited.then((status) => {
      this.#enter("dead");
      clearTimeout(this.idleTimer);
      clearTimeout(this.killTimer);
      clearTimeout(this.pingTimer);
      owner.onExit(this, status);
      claims.close();
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Tasks may be handed to it. */
  get isUsable(): boolean {
    return this.#state === "ready" || this.#state === "starting";
  }

  /** It was asked to end, or is being killed. */
  get isEnding(): boolean {
    return this.#state === "ending";
  }

  /** It was asked to end before it died: no crash. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  /** It has started and run its initializer. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  /** It has started and run its initializer. */
  noteReady(): void {
    this.#wasReady = true;
    if (this.#state === "starting") this.#enter("ready");
  }

  /** It gets no more tasks. @returns false when that was so already. */
  drain(): boolean {
    if (!this.isUsable) return false;
    this.#enter("draining");
    return true;
  }

  /** It is asked to end. @returns false when it was already, or is dead. */
  end(): boolean {
    if (this.#wasAsked || this.#state === "dead") return false;
    this.#wasAsked = true;
    this.#enter("ending");
    return true;
  }

  #enter(next: WorkerState): void {
    this.#state = transition(WORKER_TRANSITIONS, this.#state, next, "A worker");
  }

  /** For messages: `process worker "pool-1" (pid 812)`. */
  get label(): string {
    const where =
      this.peer.kind === "process" ? `pid ${this.peer.pid}` : `thread ${this.peer.threadId}`;
    return this.peer.kind === "inline"
      ? `inline worker "${this.name}"`
      : `${this.peer.kind} worker "${this.name}" (${where})`;
  }

  get stats(): WorkerStats {
    return {
      id: this.id,
      name: this.name,
      kind: this.peer.kind,
      pid: this.peer.pid,
      threadId: this.peer.threadId,
      state: this.#activity,
      tasks: this.inflight.size,
      completed: this.completed,
      memory: this.memory,
    };
  }

  get #activity(): WorkerStats["state"] {
    if (this.#state === "ending") return "draining";
    if (this.#state !== "ready") return this.#state;
    return this.inflight.size > 0 ? "busy" : "idle";
  }

  /** True when something waits to be sent. */
  get hasOutbox(): boolean {
    return this.#outbox.length > 0;
  }

  /** Hands a task to the worker; it is sent by {@link WorkerLink.flush}. */
  add(entry: TaskEntry, id: number, estimate: number): void {
    if (this.inflight.size === 0) this.claims.rest();
    entry.handTo(this, id, estimate);
    this.load += estimate;
    this.handed++;
    this.inflight.set(id, entry);
    this.#outbox.push(entry);
  }

  /** A task is no longer this worker's: done, taken back, or never sent. */
  remove(entry: TaskEntry | AbandonedSlot): void {
    if (!this.inflight.delete(entry.id)) return;
    clearTimeout(entry.timer);
    this.load = this.inflight.size === 0 ? 0 : this.load - entry.estimate;
  }

  /** A result has come. */
  noteResult(): void {
    this.completed++;
    this.slow = false;
    this.lastResult = performance.now();
  }

  /** True when every task it runs has been given up. */
  get hasOnlyAbandoned(): boolean {
    for (const entry of this.inflight.values()) if (entry.state !== "abandoned") return false;
    return true;
  }

  /** Puts a slot in the place of a started task that is given up; its streams end with `error`. */
  abandon(entry: TaskEntry, error: unknown): AbandonedSlot {
    const slot = new AbandonedSlot(entry);
    for (const { id } of entry.streams ?? []) this.streams.withdraw(id, { error });
    this.inflight.set(entry.id, slot);
    entry.leaveWorker();
    return slot;
  }

  /**
   * Sends what was added since the last call: tokens first, so that a task is never without one.
   *
   * @param maySpin - a processor is free for it, should it want to wait awake for more.
   */
  flush(maySpin: boolean): void {
    const entries = this.unsent();
    this.#outbox = [];
    if (entries.length === 0 || this.state === "dead") return;
    this.claims.append(entries.map((entry) => entry.id));
    for (const batch of batchesOf(entries)) this.#sendTasks(batch, maySpin);
  }

  #sendTasks(entries: readonly TaskEntry[], maySpin: boolean): void {
    const frame: unknown[] = [MessageKind.tasks, maySpin];
    for (const entry of entries) {
      entry.send();
      this.#define(entry.record);
      for (const stream of entry.streams ?? []) this.streams.offer(stream);
      frame.push(entry.id, entry.record.id, headerOf(entry), entry.args);
    }
    const first = entries[0] as TaskEntry;
    const moved = first.transferList;
    first.moved = moved !== undefined && this.peer.kind !== "process";
    try {
      this.peer.channel.send(frame, first.attachments, moved);
    } catch (error) {
      const reclaimed = this.reclaim();
      // Those whose token the worker has taken meanwhile it is told not to wait for.
      this.release(entries);
      this.keep(reclaimed.filter((entry) => !entries.includes(entry)));
      for (const entry of entries) this.#owner.onUnsendable(entry, error);
    }
  }

  /**
   * Takes the tokens of every sent task that the worker has not started. Exact: it will start none of
   * them until they are put back by {@link WorkerLink.keep} or given up by {@link WorkerLink.release}.
   */
  reclaim(): TaskEntry[] {
    const entries: TaskEntry[] = [];
    for (const id of this.claims.takeBack()) {
      const entry = this.taskOf(id);
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  /** Leaves reclaimed tasks to this worker after all. */
  keep(entries: readonly TaskEntry[]): void {
    if (entries.length === 0) return;
    this.claims.append(entries.map((entry) => entry.id));
    // The worker may have looked for a token in between and gone to sleep.
    this.peer.channel.send([MessageKind.drop]);
  }

  /** Makes tasks that were reclaimed, or not sent yet, nobody's again. */
  release(entries: readonly TaskEntry[]): void {
    const sent: number[] = [];
    const held = this.#outbox.length > 0;
    for (const entry of entries) {
      if (entry.state === "sent") sent.push(entry.id);
      this.remove(entry);
      this.handed--;
      for (const { id } of entry.streams ?? []) this.streams.withdraw(id);
      entry.leaveWorker();
    }
    // One that comes back to this worker in the same tick must not be sent twice.
    if (held) this.#outbox = this.#outbox.filter((entry) => this.inflight.get(entry.id) === entry);
    if (sent.length > 0 && this.state !== "dead") {
      this.peer.channel.send([MessageKind.drop, ...sent]);
    }
  }

  /** Takes all tasks that it has not started, but those whose buffers have moved into it. */
  takeUnstarted(): TaskEntry[] {
    const unstarted = [...this.reclaim(), ...this.unsent()].filter((entry) => !entry.moved);
    this.release(unstarted);
    return unstarted;
  }

  /** Tasks added and not sent. */
  unsent(): TaskEntry[] {
    return this.#outbox.filter((entry) => entry.state === "outbox" && entry.link === this);
  }

  #define(record: FunctionRecord): void {
    if (this.#known.has(record.id)) return;
    this.#known.add(record.id);
    this.peer.channel.send([MessageKind.define, record.id, record.json]);
  }

  /** A task it has and that was not given up. */
  taskOf(id: number): TaskEntry | undefined {
    const entry = this.inflight.get(id);
    return entry?.state === "abandoned" ? undefined : entry;
  }
}
