import { wrongType } from "../util/argument-error.ts";
import type { Ownership } from "./unclosed.ts";
import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import type { Task } from "../task/index.ts";
import { TaskFlag } from "./protocol.ts";
import { ChunkFailure } from "./chunk-failure.ts";
import { cancelledError } from "./future.ts";
import type { StepSource } from "./map-source.ts";
import { ManycoreError } from "../errors/index.ts";
import { placeAtCall, shareOf } from "./call-site.ts";
import { destinationOf, prepareTask, siteOf } from "./prepare.ts";
import { tell } from "./progress-log.ts";
import type { Feeder } from "./lifecycle.ts";
import type { Scheduler } from "./scheduler.ts";
import { type CompiledOptions, FunctionRecord, type TaskEntry } from "./task-entry.ts";

/** Work per chunk when the size is automatic: the way there and back is then a few percent of it. */
const CHUNK_MICROS = 5000;
/** Chunks do not shrink below this much work: what is left to share out evenly is less than a message costs. */
const LEAST_CHUNK_MICROS = 50;
/** Growth from one chunk to the next at the most: a first guess from few samples can be far off. */
const CHUNK_GROWTH = 8;
/** Work kept in flight for each worker, in microseconds. */
const AHEAD_MICROS = 8000;
/** Items in flight for each worker at the least, so that none runs dry, and at the most, unless chunks are larger. */
const MIN_AHEAD = 4;
const MAX_AHEAD = 2048;

/** One `map`, checked and complete. */
export interface MapJob {
  readonly task: Task<never, unknown>;
  readonly source: StepSource;
  /** A step is the list of arguments, not the only argument. */
  readonly spread: boolean;
  /** Steps per task; automatic when undefined. */
  readonly chunkSize: number | undefined;
  /** Steps pulled and not taken by the reader at the most; automatic when undefined. */
  readonly buffer: number | undefined;
  /** The public function whose caller error stacks end with. */
  readonly origin: (...args: never[]) => unknown;
  readonly ownership: Ownership | undefined;
}

/** Receiver of a map's results; `index` is the place of the first of them among the steps. */
export interface MapReader {
  values(index: number, values: readonly unknown[]): void;
  /** The step at `index` failed, and with it the rest of its chunk: `count` steps have no value. */
  failure(index: number, count: number, error: unknown): void;
  /** The input ended, or failed, after `count` steps. */
  inputEnd(count: number, failure: { readonly error: unknown } | undefined): void;
}

/** One `map` in progress: pulls steps, makes tasks of them, hands results to its reader. */
export class MapFeeder implements Feeder {
  readonly #scheduler: Scheduler;
  readonly #options: CompiledOptions;
  readonly #job: MapJob;
  readonly #reader: MapReader;
  readonly #open: Set<TaskEntry> = new Set();
  /** The context of the call: in it run the source, and what encodes its items. */
  readonly #scope: AsyncScope = captureScope();
  /** The stack of the call, for errors: most tasks are made later. */
  readonly #site: { readonly stack?: string };
  /** Steps pulled so far, of them without a result, of them not taken by the reader. */
  #pulled = 0;
  #unfinished = 0;
  #untaken = 0;
  #lastChunk = 0;
  #inputDone = false;
  #feeding = false;

  constructor(scheduler: Scheduler, options: CompiledOptions, job: MapJob, reader: MapReader) {
    this.#scheduler = scheduler;
    this.#options = options;
    this.#job = job;
    this.#reader = reader;
    this.#site = siteOf(job.origin);
    scheduler.lifecycle.enter(this);
  }

  /** Pulls as many steps as may be in flight. Called at the start and when there is room again. */
  feed(): void {
    if (this.#feeding || this.#inputDone) return;
    this.#feeding = true;
    this.#scope.runInAsyncScope(() => this.#feed());
  }

  #feed(): void {
    if (this.#job.source.isSync) {
      this.#feedSync();
      this.#feeding = false;
    } else {
      void this.#feedAsync();
    }
  }

  /** The reader has taken `count` steps' outcomes. */
  taken(count: number): void {
    this.#untaken -= count;
    this.feed();
  }

  /** Nothing more is wanted: cancels what has not started or runs, and closes the input. */
  stop(): void {
    const wasOpen = !this.#inputDone;
    this.#inputDone = true;
    this.#scheduler.lifecycle.leave(this);
    const error = cancelledError("The iterator was closed.");
    for (const entry of [...this.#open]) this.#scheduler.cancel(entry, error, error);
    if (wasOpen) this.#closeInput();
  }

  /** The executor takes no more: what was fed keeps its outcome, then comes this error. */
  refuse(error: Error): void {
    if (this.#inputDone) return;
    this.#endInput({ error: shareOf(error, { site: this.#site }) });
    this.#closeInput();
  }

  #closeInput(): void {
    const closing = this.#scope.runInAsyncScope(() => this.#job.source.close());
    closing.catch((failure: unknown) => {
      // Nobody reads on; only the program's own handler can hear of a clean-up that fails.
      process.emitWarning(failure instanceof Error ? failure : String(failure));
    });
  }

  #feedSync(): void {
    for (let size = this.#nextChunk(); size > 0 && !this.#inputDone; size = this.#nextChunk()) {
      const { steps, failure } = this.#job.source.pullSync(size);
      if (steps.length > 0) this.#submit(steps);
      if (steps.length < size) this.#endInput(failure);
    }
  }

  async #feedAsync(): Promise<void> {
    try {
      for (let size = this.#nextChunk(); size > 0 && !this.#inputDone; size = this.#nextChunk()) {
        const steps: unknown[] = [];
        while (steps.length < size) {
          const step = await this.#job.source.next();
          if (this.#inputDone) return;
          if (step === undefined) break;
          steps.push(step.value);
        }
        if (steps.length > 0) this.#submit(steps);
        if (steps.length < size) this.#endInput(undefined);
      }
    } catch (error) {
      if (!this.#inputDone) this.#endInput({ error });
    } finally {
      this.#feeding = false;
    }
  }

  #endInput(failure: { readonly error: unknown } | undefined): void {
    this.#inputDone = true;
    this.#scheduler.lifecycle.leave(this);
    this.#reader.inputEnd(this.#pulled, failure);
  }

  /** Number of steps for the next task; 0 when enough are in flight. */
  #nextChunk(): number {
    const { chunkSize, source, buffer } = this.#job;
    const workers = this.#scheduler.options.maxWorkers;
    const { meanMicros } = FunctionRecord.of(this.#job.task);
    const size = chunkSize ?? (source.isSync ? this.#chunkFor(meanMicros, workers) : 1);
    const wanted =
      meanMicros === undefined ? 0 : Math.ceil(AHEAD_MICROS / Math.max(meanMicros, 0.1));
    const ahead = Math.max(
      workers * Math.min(Math.max(wanted, MIN_AHEAD), MAX_AHEAD),
      size * workers * 2,
    );
    // A list is in memory anyway, so its results may pile up; other inputs are pulled as they are read.
    const held =
      buffer === undefined && source.length !== undefined ? this.#unfinished : this.#untaken;
    const room = (buffer ?? ahead) - held;
    return Math.min(size, Math.max(0, room));
  }

  #chunkFor(meanMicros: number | undefined, workers: number): number {
    let size = 1;
    if (meanMicros !== undefined) {
      const fitting = CHUNK_MICROS / Math.max(meanMicros, 0.01);
      size = Math.min(fitting, Math.max(1, this.#lastChunk) * CHUNK_GROWTH);
    }
    const { length } = this.#job.source;
    // Towards the end chunks shrink, so that the workers finish together.
    if (length !== undefined) {
      const share = (length - this.#pulled) / (2 * workers);
      const least = LEAST_CHUNK_MICROS / Math.max(meanMicros ?? Infinity, 0.02);
      size = Math.min(size, Math.max(share, Math.min(least, this.#lastChunk)));
    }
    // What is pulled from elsewhere is not in memory yet: it may be large, or come slowly.
    else size = Math.min(size, MAX_AHEAD / 2);
    return Math.max(1, Math.floor(size));
  }

  #submit(steps: unknown[]): void {
    const index = this.#pulled;
    const count = steps.length;
    this.#pulled += count;
    this.#unfinished += count;
    this.#untaken += count;
    this.#lastChunk = count;
    const { task, spread } = this.#job;
    const single = count === 1;
    const one = spread ? (steps[0] as unknown[]) : steps;
    const chunkFlag = spread ? TaskFlag.tuples : TaskFlag.items;
    let entry: TaskEntry | undefined;
    const finish = (): void => {
      this.#unfinished -= count;
      if (entry !== undefined) this.#open.delete(entry);
    };
    const sink = {
      started: () => {},
      progress: (value: unknown) => tell(this.#scope, this.#options.source.onProgress, value),
      value: (value: unknown) => {
        finish();
        this.#reader.values(index, single ? [value] : (value as unknown[]));
        this.feed();
      },
      error: (error: unknown) => {
        finish();
        this.#fail(index, count, error);
        this.feed();
      },
    };
    try {
      if (spread) checkTuples(steps, index);
      const context = {
        destination: destinationOf(this.#scheduler.kind),
        isInline: this.#scheduler.kind === "inline",
        lent: this.#scheduler.lent,
        options: this.#options,
        tick: this.#scheduler.tick,
      };
      const args = single ? one : steps;
      entry = prepareTask(context, task, args, single ? 0 : chunkFlag, sink, this.#site);
      entry.items = count;
      entry.isFromMap = true;
      this.#open.add(entry);
      this.#scheduler.submit(entry);
    } catch (error) {
      sink.error(error instanceof ManycoreError ? placeAtCall(error, { site: this.#site }) : error);
    }
  }

  #fail(index: number, count: number, error: unknown): void {
    if (!(error instanceof ChunkFailure)) {
      this.#reader.failure(index, count, error);
      return;
    }
    const before = error.values.length;
    if (before > 0) this.#reader.values(index, error.values);
    this.#reader.failure(index + before, count - before, error.error);
  }
}

/** Refuses what is no list of arguments. @param first - the index of the first step. */
function checkTuples(steps: readonly unknown[], first: number): void {
  for (const [at, step] of steps.entries()) {
    if (Array.isArray(step)) continue;
    const hint = "write [item] for each, or use map() for functions of one argument";
    throw wrongType(`items[${first + at}]`, "an array of arguments", step, hint);
  }
}
