import type { AsyncScope } from "../../util/async-scope.ts";
import { arePlain, decodeValue, type Destination, encodeValue, isPlain } from "../../wire/codec.ts";
import { loadOwnClasses } from "../../wire/own-classes.ts";
import { maxValueBytes } from "../../wire/limits.ts";
import { encodeThrown } from "../../wire/error-codec.ts";
import { explainUnregistered } from "../../wire/unregistered.ts";
import type { Channel } from "../../wire/index.ts";
import { MessageKind, ResultStatus, TaskFlag, type TaskHeader } from "../protocol.ts";
import type { StreamHub } from "../streams.ts";
import { withTrace } from "../trace.ts";
import { isThenable } from "../../util/thenable.ts";
import { BrokenChunk, runChunk, travelForm } from "./chunk.ts";
import { type FunctionTable, isTiny, noteRun, type TableEntry } from "./function-table.ts";
import { LazyContext, runsAlone } from "./lazy-context.ts";
import type { ProgressReports } from "./progress-reports.ts";
import { sourceWithin } from "./source-within.ts";
import { enterAlone, runAmongOthers, type TaskContext } from "./task-context.ts";
import { transferListOf } from "../transfer.ts";
import { performance } from "../../util/platform.ts";

/** A task as it arrived. */
export interface IncomingTask {
  readonly id: number;
  readonly functionId: number;
  readonly header: TaskHeader;
  readonly args: unknown[] | Uint8Array;
  readonly attachments: unknown[] | undefined;
}

/** The parts that all tasks of a worker share. */
export interface RunnerOptions {
  readonly channel: Channel;
  readonly streams: StreamHub;
  readonly reports: ProgressReports;
  readonly functions: FunctionTable;
  readonly destination: Destination;
  readonly worker: TaskContext["worker"];
  /** The context that a task begins with a copy of. */
  readonly parentScope: (id: number) => AsyncScope;
  /** Tasks run at a time. */
  readonly concurrency: number;
  /** Calls back when everything sent so far has left this thread. */
  readonly whenSent: (callback: () => void) => void;
}

/** Runs single tasks and reports how they ended. */
export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #running: Map<number, LazyContext> = new Map();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Aborts the signal of a task that runs. */
  cancel(id: number, reason: unknown): void {
    this.#running.get(id)?.abort(reason);
  }

  /** Aborts the signals of all tasks that run. */
  cancelAll(reason: unknown): void {
    for (const context of this.#running.values()) context.abort(reason);
  }

  /**
   * Runs one task. Its outcome is on its way when this returns, or when the returned promise settles;
   * only then may the next one start.
   */
  run(task: IncomingTask): void | Promise<void> {
    let entry: TableEntry;
    try {
      entry = this.#options.functions.get(task.functionId);
    } catch (error) {
      this.#fail(task.id, error, 0);
      return;
    }
    if (entry.target instanceof Promise) {
      return entry.target.then(
        () => this.#announce(task, entry),
        (error: unknown) => this.#fail(task.id, error, 0),
      );
    }
    return this.#announce(task, entry);
  }

  /**
   * Reports the start, then starts. If the executor is so far behind that the report waits in this thread,
   * the start waits too: a function that never lets the event loop turn would keep it here, with the results
   * of its neighbours, and its timeout could not be counted.
   */
  #announce(task: IncomingTask, entry: TableEntry): void | Promise<void> {
    const { channel, whenSent } = this.#options;
    const flags = task.header === 0 ? 0 : task.header[0];
    if ((flags & TaskFlag.reportStart) !== 0 || !isTiny(entry)) {
      channel.send([MessageKind.started, task.id]);
    }
    if (channel.writable) return this.#begin(task, entry);
    return new Promise((resolve) => whenSent(() => resolve(this.#begin(task, entry))));
  }

  /** A store that one task enters is not seen by the next. */
  #begin(task: IncomingTask, entry: TableEntry): void | Promise<void> {
    const context = new LazyContext(task, this.#options);
    return context.scope.runInAsyncScope(this.#start, undefined, task, entry, context);
  }

  readonly #start = (
    task: IncomingTask,
    entry: TableEntry,
    context: LazyContext,
  ): void | Promise<void> => {
    const flags = task.header === 0 ? 0 : task.header[0];
    const begin = performance.now();
    const micros = (): number => Math.round((performance.now() - begin) * 1000);
    this.#running.set(task.id, context);
    let args: unknown[] | undefined;
    try {
      context.readContext();
      args = this.#decodeArgs(task);
      const outcome = this.#call(entry, args, flags, context);
      if (!isThenable(outcome))
        return this.#finish(task.id, entry, context, outcome, flags, micros());
      return Promise.resolve(outcome).then(
        (value) => this.#finish(task.id, entry, context, value, flags, micros()),
        (error: unknown) => {
          this.#leave(task.id, context);
          explainUnregistered(error, { args });
          this.#fail(task.id, error, micros());
        },
      );
    } catch (error) {
      this.#leave(task.id, context);
      explainUnregistered(error, { args });
      const loaded = args === undefined ? loadOwnClasses(error) : undefined;
      if (loaded === undefined) this.#fail(task.id, error, micros());
      else return loaded.then(() => this.#begin(task, entry));
    }
  };

  /** The function has returned; the task is over once the streams of its result are. */
  #finish(
    id: number,
    entry: TableEntry,
    context: LazyContext,
    value: unknown,
    flags: number,
    micros: number,
  ): void | Promise<void> {
    noteRun(entry, micros);
    const streaming = this.#succeed(id, value, flags, micros, context);
    if (streaming !== undefined) return streaming.then(() => this.#leave(id, context));
    this.#leave(id, context);
  }

  #leave(id: number, context: LazyContext): void {
    context.close();
    this.#running.delete(id);
  }

  #decodeArgs(task: IncomingTask): unknown[] {
    if (!(task.args instanceof Uint8Array)) return task.args;
    return decodeValue(task.args, task.attachments, {
      streams: this.#options.streams,
    }) as unknown[];
  }

  #call(entry: TableEntry, args: unknown[], flags: number, context: LazyContext): unknown {
    const target = entry.target as (...args: unknown[]) => unknown;
    const body = (): unknown =>
      isChunk(flags) ? runChunk(target, args, (flags & TaskFlag.tuples) !== 0) : target(...args);
    return this.#asTask(context, body);
  }

  /** Runs code of a task from outside it, as when one of its streams is read. */
  #within<T>(context: LazyContext, body: () => T): T {
    return context.scope.runInAsyncScope(() => this.#asTask(context, body));
  }

  /** Runs code of a task so that it finds its context and its trace. */
  #asTask<T>(context: LazyContext, body: () => T): T {
    const { trace } = context;
    const traced = trace === null ? body : (): T => withTrace(trace, body);
    if (!runsAlone(this.#options)) return runAmongOthers(context, traced);
    enterAlone(context);
    return traced();
  }

  #succeed(
    id: number,
    value: unknown,
    flags: number,
    micros: number,
    context: LazyContext,
  ): void | Promise<void> {
    const { channel, destination, reports, streams } = this.#options;
    reports.finish(id);
    if (isPlain(value)) {
      channel.send([MessageKind.result, id, ResultStatus.plain, value, micros]);
      return;
    }
    const opened: number[] = [];
    try {
      if (isChunk(flags) && Array.isArray(value) && arePlain(value)) {
        channel.send([MessageKind.result, id, ResultStatus.plainChunk, value, micros]);
        return;
      }
      const encoded = encodeValue(travelForm(value, isChunk(flags)), {
        destination,
        root: "result",
        isOwnArray: isChunk(flags),
        maxBytes: maxValueBytes(destination),
        isSentAtOnce: true,
        transfer: transferListOf(value),
        streams: {
          exportStream: (source) => {
            const own = sourceWithin(source, (body) => this.#within(context, body));
            const stream = streams.exportStream(own);
            opened.push(stream);
            return stream;
          },
          importStream: (stream, kind) => streams.importStream(stream, kind),
        },
      });
      const whole = value instanceof BrokenChunk ? ResultStatus.brokenChunk : ResultStatus.encoded;
      const status = opened.length === 0 ? whole : ResultStatus.streaming;
      channel.send(
        [MessageKind.result, id, status, encoded.bytes, micros],
        encoded.attachments,
        encoded.transfer,
      );
    } catch (error) {
      this.#fail(id, error, micros);
      return;
    }
    if (opened.length === 0) return;
    return Promise.all(opened.map((stream) => streams.finished(stream))).then(() => {
      reports.finish(id);
      channel.send([MessageKind.finished, id]);
    });
  }

  #fail(id: number, error: unknown, micros: number): void {
    const { channel, destination, reports } = this.#options;
    reports.finish(id);
    const thrown = encodeThrown(error, { destination, root: "error" });
    channel.send(
      [MessageKind.result, id, ResultStatus.thrown, thrown.bytes, micros],
      thrown.attachments,
      thrown.transfer,
    );
  }
}

function isChunk(flags: number): boolean {
  return (flags & (TaskFlag.items | TaskFlag.tuples)) !== 0;
}
