import type { AsyncScope } from "../util/async-scope.ts";
import { onAbort } from "../util/abort.ts";
import { transition } from "../util/state-machine.ts";
import { checkTask, identify, taskName, type Task, type TaskIdentity } from "../task/index.ts";
import type { ArgumentStream } from "./streams.ts";
import type { Move } from "../wire/moves.ts";
import { TASK_TRANSITIONS, type TaskState } from "./task-state.ts";
import type { TaskOptions } from "./types.ts";
import type { WorkerLink } from "./worker-link.ts";

/** Receiver of what becomes of a task. */
export interface TaskSink {
  started(): void;
  progress(value: unknown): void;
  value(value: unknown): void;
  error(error: unknown): void;
}

const NO_ARGUMENTS: unknown[] = [];

/** One function as executors know it: where it is, how long it takes. */
export class FunctionRecord {
  static #nextId = 1;
  static readonly #records: WeakMap<object, FunctionRecord> = new WeakMap();

  readonly id: number = FunctionRecord.#nextId++;
  readonly name: string;
  /** Average run time of one call of late, in microseconds; undefined before the first result. */
  meanMicros: number | undefined;
  /** The stack of the latest submit, and the tick it was taken in. */
  site: WeakRef<{ readonly stack?: string }> | undefined;
  siteTick = -1;
  siteTime = 0;
  /** Its identity as JSON, once located. */
  json: string | undefined;
  #locating: Promise<void> | undefined;
  readonly #task: Task<never, unknown>;

  constructor(task: Task<never, unknown>) {
    this.#task = task;
    this.name = taskName(task);
  }

  /** The record of a function; the same one for every executor of this thread. */
  static of(task: Task<never, unknown>): FunctionRecord {
    // A WeakMap answers for anything; what it knows was checked.
    let record = FunctionRecord.#records.get(task);
    if (record === undefined) {
      checkTask(task, "task");
      record = new FunctionRecord(task);
      FunctionRecord.#records.set(task, record);
    }
    return record;
  }

  /** Locates the function. @returns a promise while that takes time; undefined when `json` is there. */
  locate(): Promise<void> | undefined {
    if (this.json !== undefined) return undefined;
    if (this.#locating !== undefined) return this.#locating;
    const identity = identify(this.#task);
    if (!(identity instanceof Promise)) {
      this.#remember(identity);
      return undefined;
    }
    this.#locating = identity.then(
      (found) => this.#remember(found),
      (error: unknown) => {
        this.#locating = undefined;
        throw error;
      },
    );
    return this.#locating;
  }

  /** Takes a run into account; for a chunk `micros` is the time of one call. */
  noteRun(micros: number): void {
    const mean = this.meanMicros;
    // One run that was interrupted by the system says little of the next; a real change comes again.
    this.meanMicros =
      mean === undefined ? micros : mean * 0.8 + Math.min(micros, mean * 4 + 1) * 0.2;
  }

  #remember(identity: TaskIdentity): void {
    this.json = JSON.stringify(identity);
  }
}

/** {@link TaskOptions} as the scheduler uses them; one for all tasks of an `executor.with()`. */
export class CompiledOptions {
  readonly source: TaskOptions;
  readonly priority: number;
  readonly timeout: number | undefined;
  readonly retries: number;
  readonly transfer: readonly unknown[] | undefined;
  /** Bytes of the user's context, once encoded. */
  context: Uint8Array | null = null;
  /** Entries to cancel when the signal aborts. */
  readonly #live: Set<TaskEntry> = new Set();
  #listening = false;

  constructor(source: TaskOptions) {
    this.source = source;
    this.priority = source.priority ?? 0;
    this.timeout = source.timeout;
    this.retries = source.retries ?? 0;
    this.transfer = source.transfer;
  }

  /** Watches the signal for one more entry, with a single listener for all of them. */
  watch(entry: TaskEntry, cancel: (entry: TaskEntry, reason: unknown) => void): void {
    const signal = this.source.signal;
    if (signal === undefined) return;
    this.#live.add(entry);
    if (this.#listening) return;
    this.#listening = true;
    const abort = (): void => {
      for (const live of [...this.#live]) cancel(live, signal.reason);
    };
    this.#unlisten = onAbort(signal, abort);
  }

  /** The entry is done; the last one lets go of the signal. */
  unwatch(entry: TaskEntry): void {
    if (!this.#listening || !this.#live.delete(entry) || this.#live.size > 0) return;
    this.#unlisten();
    this.#listening = false;
  }

  #unlisten: () => void = () => {};
}

/** One task, from submit to its end. */
export class TaskEntry {
  readonly record: FunctionRecord;
  readonly options: CompiledOptions;
  sink: TaskSink;
  readonly flags: number;
  #state: TaskState = "locating";
  #link: WorkerLink | undefined;
  /** The context of the call that made it, if code of the user can run on its behalf here. */
  scope: AsyncScope | undefined;
  /** Plain values as they are, or the bytes of the list. */
  args: unknown[] | Uint8Array = NO_ARGUMENTS;
  attachments: unknown[] | undefined;
  transferList: unknown[] | undefined;
  /** Memory among the attachments that can be used again when the worker has read them. */
  lent: readonly ArrayBufferLike[] | undefined;
  /** Streams among the arguments. */
  streams: readonly ArgumentStream[] | undefined;
  /** Objects that the arguments give away to whoever decodes them. */
  moves: readonly Move[] | undefined;
  /** Streams of its result, by the worker's numbers. */
  results: readonly number[] | undefined;
  /** Headers of the trace it was submitted in, as JSON. */
  trace: string | null = null;
  /** Holds the stack of the submitting code. */
  site: { readonly stack?: string } | undefined;
  /** Number on the wire; a new one each time it is handed to a worker. */
  id = 0;
  attempt = 1;
  /** Its attachments were moved into a worker: it cannot be sent again. */
  moved = false;
  /** Number of the worker that failed it last. */
  avoid: number | undefined;
  /** The only worker that may run it. */
  pinned: WorkerLink | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Calls it makes of its function: more than one for a chunk. */
  items = 1;
  /** Made by a map, which makes no more than can be run: it does not count against `maxQueue`. */
  isFromMap = false;
  /** Expected run time in microseconds, as counted in its worker's load. */
  estimate = 0;

  constructor(record: FunctionRecord, options: CompiledOptions, sink: TaskSink, flags: number) {
    this.record = record;
    this.options = options;
    this.sink = sink;
    this.flags = flags;
  }

  get state(): TaskState {
    return this.#state;
  }

  /** The worker that has it. */
  get link(): WorkerLink | undefined {
    return this.#link;
  }

  /** No worker has it, and none has had it for this attempt. */
  get isWaiting(): boolean {
    return this.#state === "pending" || this.#state === "locating" || this.#state === "backoff";
  }

  /** It waits for a worker: located, after its delay, or taken back from a worker that had not started it. */
  enqueue(): void {
    this.#enter("pending");
    this.#link = undefined;
  }

  /** It is one too many. */
  refuse(): void {
    this.#enter("refused");
  }

  /** It is a worker's. @param id - its number on the wire. */
  handTo(link: WorkerLink, id: number, estimate: number): void {
    this.#enter("outbox");
    this.#link = link;
    this.id = id;
    this.estimate = estimate;
  }

  /** Its worker may start it from now on. */
  send(): void {
    this.#enter("sent");
  }

  /** Its result is here, with streams in it. */
  stream(): void {
    this.#enter("streaming");
  }

  /** Its worker does not have it any more: taken back, given up, or dead. */
  leaveWorker(): void {
    this.#link = undefined;
  }

  /** An attempt has failed in `link`; another one follows. */
  retry(link: WorkerLink): void {
    this.#enter("backoff");
    this.#link = undefined;
    this.attempt++;
    this.avoid = link.id;
  }

  settle(): void {
    this.#enter("settled");
    this.#link = undefined;
  }

  #enter(next: TaskState): void {
    this.#state = transition(TASK_TRANSITIONS, this.#state, next, "A task");
  }

  get name(): string {
    return this.options.source.name ?? this.record.name;
  }
}
