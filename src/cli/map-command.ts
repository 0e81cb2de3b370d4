import { BlockSize } from "./block-size.ts";
import type { BlockSource } from "./block-source.ts";
import { BlockTrial } from "./block-trial.ts";
import { chooseReporter } from "./choose-reporter.ts";
import { CliError } from "./cli-error.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { openInputs } from "./inputs.ts";
import { Interruption } from "./interruption.ts";
import type { MapOptions } from "./map-options.ts";
import { isReaderGone, openOutput } from "./output.ts";
import type { Output } from "./output.ts";
import { Pipeline } from "./pipeline.ts";
import type { Reporter } from "./reporter.ts";
import { RunCounters } from "./run-counters.ts";
import { Slots } from "./slots.ts";
import { summarize } from "./summary.ts";
import { checkFinding, parseTarget } from "./target.ts";
import type { Target } from "./target.ts";
import { Workers } from "./workers.ts";

/** Blocks under way for each worker: one that runs, and one so that it need not wait for the next. */
const BLOCKS_PER_WORKER = 2;

/**
 * Runs `manycore map`.
 *
 * @returns the exit code.
 * @throws CliError for wrong use, an input that cannot be read, an output that cannot be written.
 */
export async function runMap(options: MapOptions): Promise<number> {
  const target = parseTarget(options.target, process.cwd());
  const source = await openInputs(options.inputs, options.format, options.output);
  const jobs = options.backend === "inline" ? 1 : options.jobs;
  const workers = new Workers({ backend: options.backend, jobs, timeout: options.timeout });
  try {
    await inspectTarget(workers, target);
    const output = openOutput(options.output, options.overwrite);
    const exitCode = await new MapRun(options, { target, source, workers, output, jobs }).run();
    return exitCode;
  } catch (error) {
    workers.abandon();
    throw error;
  } finally {
    source.close();
  }
}

/** Fails before the first record is read, and before the output is created, when the function is not there. */
async function inspectTarget(workers: Workers, target: Target): Promise<void> {
  let finding;
  try {
    finding = await workers.inspect(target.module, target.name);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`Cannot load ${target.label} in a worker: ${detail}`, undefined, {
      cause: error,
    });
  }
  checkFinding(finding, target);
}

interface RunParts {
  readonly target: Target;
  readonly source: BlockSource;
  readonly workers: Workers;
  readonly output: Output;
  readonly jobs: number;
}

/** One run, from the first record to the sums. */
class MapRun {
  readonly #options: MapOptions;
  readonly #parts: RunParts;
  readonly #counters: RunCounters;
  readonly #reporter: Reporter;
  readonly #unit: string;

  constructor(options: MapOptions, parts: RunParts) {
    this.#options = options;
    this.#parts = parts;
    this.#counters = new RunCounters(() => parts.source.totals());
    this.#reporter = chooseReporter(options);
    this.#unit = parts.source.unit;
  }

  async run(): Promise<number> {
    const { workers, output } = this.#parts;
    const pipeline = this.#pipeline();
    const interruption = new Interruption(
      (signal) => {
        this.#reporter.note(
          `${signal}: what runs is finished, nothing more is read. Again to kill.`,
        );
        pipeline.stop();
        workers.cancelWaiting();
      },
      () => this.#reporter.abort(),
    );
    if (this.#options.verbose) this.#reporter.note(this.#workersText());
    this.#reporter.start(this.#counters, this.#unit);
    try {
      await pipeline.run();
      await output.close();
      await workers.close();
    } catch (error) {
      this.#reporter.abort();
      if (!isReaderGone(error)) throw this.#explain(error);
      // Whoever reads has seen enough (`| head`): that is no failure, and nobody wants sums.
      workers.abandon();
      return interruption.exitCode ?? EXIT_CODE.ok;
    } finally {
      interruption.dispose();
    }
    this.#reporter.finish(summarize(this.#counters, this.#unit, this.#workersText()));
    const ownCode = this.#counters.failed > 0 ? EXIT_CODE.someFailed : EXIT_CODE.ok;
    return interruption.exitCode ?? ownCode;
  }

  #pipeline(): Pipeline {
    const { target, source, workers, jobs } = this.#parts;
    const { envelope, verbose, retries, timeout, ordered } = this.#options;
    const slots = new Slots(jobs * BLOCKS_PER_WORKER);
    // A timeout counts for each record by itself, so records must not share a task.
    const size = new BlockSize(timeout !== undefined);
    const trial = new BlockTrial({
      spec: {
        module: target.module,
        name: target.name,
        isEnvelope: envelope,
        hasFullStacks: verbose,
      },
      retries,
      timeout,
      workers,
      slots,
      counters: this.#counters,
      size,
      onFailure: (failure) => this.#reporter.failure(failure),
    });
    return new Pipeline({ source, size, slots, trial, output: this.#output(), isOrdered: ordered });
  }

  /** The output; the bar makes way for results that go to the same terminal. */
  #output(): Output {
    const { output } = this.#parts;
    if (this.#options.output !== undefined || !process.stdout.isTTY) return output;
    return {
      write: async (bytes) => {
        this.#reporter.pause();
        await output.write(bytes);
        this.#reporter.resume();
      },
      close: () => output.close(),
    };
  }

  #workersText(): string {
    const { backend } = this.#options;
    const { jobs } = this.#parts;
    if (backend === "inline") return "no workers (inline)";
    return `${jobs} ${backend} worker${jobs === 1 ? "" : "s"}`;
  }

  /** A write that fails is the user's disk, not our fault. */
  #explain(error: unknown): unknown {
    const isSystem = error instanceof Error && "syscall" in error && error.syscall === "write";
    if (!isSystem) return error;
    const where = this.#options.output ?? "standard output";
    const message = `Cannot write ${where}: ${error.message}; the lines before it are whole`;
    return new CliError(message, EXIT_CODE.usage, { cause: error });
  }
}
