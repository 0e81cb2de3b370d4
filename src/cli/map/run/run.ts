import { EXIT_CODE } from "../../exit-code.ts";
import type { BlockSource } from "../input/block-source.ts";
import type { RunPlan } from "../files/run-plan.ts";
import type { MapOptions } from "../options.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import { isReaderGone } from "../output/output.ts";
import { RunFiles } from "../files/run-files.ts";
import type { RunOutputs } from "../files/run-outputs.ts";
import type { Reporter } from "../report/reporter.ts";
import { summarize } from "../report/summary.ts";
import { TraceFile } from "../report/trace-file.ts";
import type { RunSpec } from "../work/run-spec.ts";
import { BlockSize, countedChunk } from "./block-size.ts";
import { BlockTrial } from "./block-trial.ts";
import type { TrialOptions } from "./block-trial.ts";
import { HaltWatch } from "./halt-watch.ts";
import { Interruption } from "./interruption.ts";
import { MemoryGuard } from "./memory-guard.ts";
import { Pacer } from "./pacer.ts";
import { Pipeline } from "./pipeline.ts";
import { ReduceTree } from "./reduce-tree.ts";
import { RunControl } from "./run-control.ts";
import { RunCounters } from "../counters/run-counters.ts";
import { runningText } from "./running-text.ts";
import { Slots } from "./slots.ts";
import { RecordTimeLimit } from "./time-limit.ts";
import { BLOCKS_PER_WORKER } from "./workers.ts";
import type { Workers } from "./workers.ts";

/** Parts of a run. */
export interface RunParts {
  readonly spec: RunSpec;
  readonly source: BlockSource;
  readonly workers: Workers;
  readonly outputs: RunOutputs;
  readonly plan: RunPlan;
  readonly reporter: Reporter;
  readonly jobs: number;
  /** True when results go to a terminal. */
  readonly isShown: boolean;
}

/** One run, from the first record to the sums. */
export class Run {
  readonly #options: MapOptions;
  readonly #parts: RunParts;
  readonly #counters: RunCounters;
  readonly #reporter: Reporter;
  readonly #control: RunControl;
  readonly #memory: MemoryGuard;
  readonly #files: RunFiles;
  readonly #trace: TraceFile | undefined;
  readonly #reduce: ReduceTree | undefined;
  readonly #pipeline: Pipeline;

  constructor(options: MapOptions, parts: RunParts) {
    this.#options = options;
    this.#parts = parts;
    const { source, plan, workers, spec } = parts;
    this.#counters = new RunCounters(() => source.totals(), plan.before);
    this.#reporter = parts.reporter;
    this.#control = new RunControl({
      drain: () => this.#drain(),
      kill: () => this.#kill(),
      note: (text) => this.#reporter.note(text),
    });
    this.#memory = new MemoryGuard(options.memfree, () => this.#evict());
    this.#reduce =
      spec.reduce &&
      new ReduceTree(spec.reduce, spec, workers, (text) => {
        this.#reporter.note(text);
      });
    this.#files = new RunFiles(this.#shownOutputs(), (partial) => this.#reduce?.add(partial));
    const { trace } = parts.outputs;
    this.#trace = trace === undefined ? undefined : new TraceFile(trace, this.#counters);
    this.#pipeline = this.#makePipeline();
  }

  /** @returns the exit code. @throws CliError when the input, the workers or the output fail. */
  async run(): Promise<number> {
    const { workers } = this.#parts;
    const interruption = new Interruption({
      onFirst: (signal) => this.#control.interrupt(signal),
      onSecond: () => this.#reporter.abort(),
      onAsk: () => this.#reporter.note(runningText(workers.flights, this.#counters)),
    });
    if (this.#options.verbose) this.#reporter.note(this.#workersText());
    if (this.#parts.plan.note !== undefined) this.#reporter.note(this.#parts.plan.note);
    this.#start();
    try {
      await this.#runToEnd();
    } catch (error) {
      this.#reporter.abort();
      if (!isReaderGone(error)) throw error;
      // Whoever reads has seen enough (`| head`): that is no failure, and nobody wants sums.
      workers.abandon();
      return this.#control.exitCode ?? EXIT_CODE.ok;
    } finally {
      this.#control.dispose();
      this.#memory.stop();
      interruption.dispose();
    }
    return this.#finish();
  }

  #start(): void {
    const { maxTime, killAfter } = this.#options;
    if (maxTime !== undefined) this.#control.endAfter(maxTime, killAfter);
    this.#reporter.start(this.#counters, this.#parts.source.unit);
  }

  async #runToEnd(): Promise<void> {
    const { workers } = this.#parts;
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#pipeline.run();
    } catch (error) {
      failure = { error };
    }
    const isOver = failure === undefined && this.#control.exitCode === undefined;
    const ends: (() => Promise<void> | undefined)[] = [
      async () => this.#writeReduced(failure === undefined ? this.#reduce : undefined),
      // What is written stays, and is told to the journal, whatever the run has failed with.
      () => this.#files.close(isOver),
      () => this.#trace?.close(),
    ];
    for (const end of ends) {
      try {
        await end();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) throw failure.error;
    if (this.#isKilled) workers.abandon();
    else await workers.close();
  }

  #isKilled = false;

  /** The result of a reduction is written when there is one, that is at the end. */
  async #writeReduced(tree: ReduceTree | undefined): Promise<void> {
    if (tree !== undefined && !this.#isKilled) await this.#files.writeLines(await tree.lines());
  }

  #finish(): number {
    const { before } = this.#parts.plan;
    // Failed records of before either ran again or count as before.
    const failedBefore = this.#options.retryFailed ? 0 : (before?.failed.size ?? 0);
    const { unit } = this.#parts.source;
    this.#reporter.finish(summarize(this.#counters, unit, this.#workersText(), failedBefore));
    const { exitCode } = this.#control;
    if (exitCode !== undefined) {
      if (this.#files.isJournalled) this.#reporter.note("Go on with the same line and --resume.");
      return exitCode;
    }
    return this.#counters.failed + failedBefore > 0 ? EXIT_CODE.someFailed : EXIT_CODE.ok;
  }

  #makePipeline(): Pipeline {
    const { source, workers, jobs, spec } = this.#parts;
    const { retries, retryDelay, ordered, paceMs, errors, window, halt } = this.#options;
    // A record that waits inside a worker would not start when its turn is.
    const slots = new Slots(paceMs > 0 ? jobs : jobs * BLOCKS_PER_WORKER);
    const size = this.#blockSize();
    const watch = new HaltWatch(halt, this.#counters, (rule) => this.#control.halt(rule));
    const trial: TrialOptions = {
      spec,
      retries,
      retryDelay,
      timeLimit: new RecordTimeLimit(this.#options.timeout),
      workers,
      slots,
      pacer: new Pacer(paceMs, this.#control.stopped),
      memory: this.#memory,
      counters: this.#counters,
      size,
      hasErrorFile: errors !== undefined,
      stopped: this.#control.stopped,
      onResult: (body, result) => {
        this.#trace?.block(body, result);
      },
      onFailure: (failure) => {
        this.#reporter.failure(failure);
        this.#trace?.failure(failure);
      },
      onCount: () => watch.look(),
    };
    return new Pipeline({
      source,
      size,
      slots,
      run: (block) => new BlockTrial(trial, block).run(),
      sink: this.#files,
      isOrdered: ordered,
      leavesGaps: this.#files.isJournalled,
      window: window ?? Infinity,
      onDropped: (block) => this.#unwritten(block),
    });
  }

  #blockSize(): BlockSize {
    const { batch = 1, chunk, paceMs, timeout } = this.#options;
    const { source, jobs, plan } = this.#parts;
    const isPaced = paceMs > 0 ? batch : undefined;
    return new BlockSize({
      fixed: chunk ?? countedChunk(this.#options) ?? isPaced,
      multiple: batch,
      // With a multiple of the median, blocks are as quick as records are.
      timeout: timeout === undefined ? undefined : "ms" in timeout ? timeout.ms : 1000,
      jobs,
      totals: () => source.totals(),
      bytesBefore: plan.before?.bytes,
    });
  }

  /** Lets what runs come to its end, and begins nothing more. */
  #drain(): void {
    this.#memory.stop();
    this.#pipeline.stop();
    this.#parts.workers.cancelWaiting();
  }

  #kill(): void {
    this.#isKilled = true;
    // What was under way comes back as cancelled, and the run to its end.
    this.#parts.workers.abandon();
  }

  #evict(): void {
    const flight = this.#parts.workers.evictYoungest();
    if (flight === undefined) return;
    const { first, source } = flight.body;
    this.#reporter.note(`Memory is short: record ${first} of ${source} makes way and runs later.`);
  }

  /** A block that has run in part is not written, so it does not count. */
  #unwritten({ ok, failed }: FinishedBlock): void {
    this.#counters.ok -= ok;
    this.#counters.failed -= failed.length;
    this.#counters.notStarted += ok + failed.length;
  }

  /** The outputs; the bar makes way for results that go to the same terminal. */
  #shownOutputs(): RunOutputs {
    const { outputs, isShown } = this.#parts;
    const { output } = outputs;
    if (!isShown) return outputs;
    const shown = {
      offset: 0,
      sync: () => output.sync(),
      close: () => output.close(),
      write: async (bytes: Uint8Array): Promise<void> => {
        this.#reporter.pause();
        await output.write(bytes);
        this.#reporter.resume();
      },
    };
    return { ...outputs, output: shown };
  }

  #workersText(): string {
    const { backend } = this.#options;
    const { jobs } = this.#parts;
    if (backend === "inline") return "no workers (inline)";
    return `${jobs} ${backend} worker${jobs === 1 ? "" : "s"}`;
  }
}
