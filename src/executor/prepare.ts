import { captureScope } from "../util/async-scope.ts";
import { hasDecoders } from "../wire/class-registry.ts";
import type { Task } from "../task/index.ts";
import { arePlain, type Destination, encodeValue, type StreamPort } from "../wire/codec.ts";
import type { PeerKind } from "../wire/index.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { maxValueBytes } from "../wire/limits.ts";
import { loseMoves, type Move } from "../wire/moves.ts";
import type { ArgumentStream, StreamSource } from "./streams.ts";
import { type CompiledOptions, FunctionRecord, TaskEntry, type TaskSink } from "./task-entry.ts";
import { captureTrace } from "./trace.ts";
import { performance } from "../util/platform.ts";

/** The parts that the tasks of one executor share when they are made. */
export interface PrepareContext {
  readonly destination: Destination;
  /** Tasks run in this thread. */
  readonly isInline: boolean;
  readonly options: CompiledOptions;
  /** Memory for copies of large buffers; absent for an executor without workers of its own. */
  readonly lent: BufferPool | undefined;
  /** Number of the current tick, for sharing stacks. */
  readonly tick: number;
}

/** The destination of the values of an executor's tasks, as far as the codec cares. */
export function destinationOf(kind: PeerKind): Destination {
  return kind === "process" ? "process" : "thread";
}

const SHARED_SITE_MS = 1;

/** Streams among the arguments of tasks, numbered for the whole program: a task can move between workers. */
let nextArgumentStream = 0x4000_0000;

/** The stack of whoever called a public function. */
export function siteOf(origin: (...args: never[]) => unknown): { readonly stack?: string } {
  const site: { readonly stack?: string } = {};
  Error.captureStackTrace(site, origin);
  return site;
}

/**
 * Takes the stack a task is submitted from, to show it below the stack of the task's error.
 *
 * It costs some microseconds and a lot of garbage, more than a small task in all; so the submits of one
 * function within a tick, or within a millisecond, share the first one's: they are a loop.
 */
function noteSite(
  record: FunctionRecord,
  tick: number,
  origin: (...args: never[]) => unknown,
): void {
  record.siteTick = tick;
  const now = performance.now();
  if (now - record.siteTime < SHARED_SITE_MS && record.site?.deref() !== undefined) return;
  record.siteTime = now;
  // Weakly: a stack that nobody has read holds the objects whose methods are in it, a dropped pool's too.
  record.site = new WeakRef(siteOf(origin));
}

/** True when code of the user can run in this thread for a task after its call has returned; most have none. */
function runsUserCode({ options, isInline }: PrepareContext): boolean {
  const { onProgress, retryDelay } = options.source;
  return isInline || onProgress !== undefined || typeof retryDelay === "function" || hasDecoders();
}

/** Collects the streams among the arguments of one task. */
class ArgumentStreams implements StreamPort {
  readonly found: ArgumentStream[] = [];

  exportStream(source: StreamSource): number {
    const id = nextArgumentStream++;
    this.found.push({ id, source, scope: captureScope(), isOpened: false });
    return id;
  }

  importStream(): never {
    throw new TypeError("Arguments are only sent.");
  }
}

/**
 * Makes a task of a call: takes a copy of the arguments now, so that later changes do not travel.
 *
 * @param from - the public function whose caller the stack begins with, or a stack that was taken there.
 * @throws SerializationError naming the path of an argument that cannot travel.
 */
export function prepareTask(
  context: PrepareContext,
  task: Task<never, unknown>,
  args: unknown[],
  flags: number,
  sink: TaskSink,
  from: ((...args: never[]) => unknown) | { readonly stack?: string },
): TaskEntry {
  const record = FunctionRecord.of(task);
  const { options, destination } = context;
  const isTaken = typeof from !== "function";
  if (!isTaken && record.siteTick !== context.tick) noteSite(record, context.tick, from);
  if (options.context === null && options.source.context !== undefined) {
    const { context: value } = options.source;
    options.context = encodeValue(value, {
      destination: "process",
      root: "context",
      maxBytes: maxValueBytes("process"),
      isAlone: true,
      isForSeveral:
        "it is for every task and attempt, and can be given away once: make it an argument",
    }).bytes;
  }
  const entry = new TaskEntry(record, options, sink, flags);
  entry.site = isTaken ? from : record.site?.deref();
  entry.trace = captureTrace();
  if (runsUserCode(context)) entry.scope = captureScope();
  if (arePlain(args)) {
    entry.args = args;
    return entry;
  }
  const streams = new ArgumentStreams();
  const lent: ArrayBufferLike[] = [];
  const memory = context.lent;
  const lend = (bytes: number): ArrayBufferLike => {
    const piece = (memory as BufferPool).take(bytes);
    lent.push(piece);
    return piece;
  };
  const encoded = encodeValue(args, {
    destination,
    lend: memory === undefined ? undefined : lend,
    maxBytes: maxValueBytes(destination),
    root: flags === 0 ? "args" : "items",
    isOwnArray: true,
    transfer: options.transfer,
    streams,
  });
  entry.args = encoded.bytes;
  entry.attachments = encoded.attachments;
  entry.transferList = encoded.transfer;
  if (lent.length > 0) entry.lent = lent;
  if (encoded.moves !== undefined) {
    entry.moves = encoded.moves;
    entry.sink = new LosingSink(sink, encoded.moves);
  }
  if (options.retries > 0 || options.transfer !== undefined) takeOver(entry);
  if (streams.found.length > 0) entry.streams = streams.found;
  return entry;
}

/**
 * Takes what `transfer` names away from the caller now, not when the task is handed to a worker: what is
 * written to it in between must not travel. With retries the buffers stay here, and each try gets a copy.
 */
function takeOver(entry: TaskEntry): void {
  const { transferList } = entry;
  if (transferList === undefined) return;
  try {
    const taken = structuredClone(transferList, { transfer: transferList as never });
    entry.attachments = entry.attachments?.map((item) => {
      const index = transferList.indexOf(item);
      return index === -1 ? item : taken[index];
    });
    const moving =
      entry.options.retries === 0 ? taken : taken.filter((item) => !(item instanceof ArrayBuffer));
    entry.transferList = moving.length === 0 ? undefined : moving;
  } catch (error) {
    loseMoves(entry.moves);
    throw error;
  }
}

/** Gives up what the arguments gave away when the task fails; what a worker has taken is not affected. */
class LosingSink implements TaskSink {
  readonly #sink: TaskSink;
  readonly #moves: readonly Move[];

  constructor(sink: TaskSink, moves: readonly Move[]) {
    this.#sink = sink;
    this.#moves = moves;
  }

  started(): void {
    this.#sink.started();
  }

  progress(value: unknown): void {
    this.#sink.progress(value);
  }

  value(value: unknown): void {
    this.#sink.value(value);
  }

  error(error: unknown): void {
    loseMoves(this.#moves);
    this.#sink.error(error);
  }
}
