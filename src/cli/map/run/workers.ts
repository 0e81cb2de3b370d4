import type { BoundExecutor } from "../../../executor/bound-executor.ts";
import { InlineExecutor, ThreadPoolExecutor } from "../../../executor/index.ts";
import type { Future } from "../../../executor/index.ts";
import { processPool } from "../../../executor/process-executor.ts";
import { tasks } from "../../../task/index.ts";
import { entryUrl } from "../../../util/entry-url.ts";
import type { BlockBody } from "../input/block.ts";
import type { Backend } from "../options.ts";
import type { BlockResult } from "../work/block-runner.ts";
import type { TargetFinding } from "../work/inspect-target.ts";
import type { FunctionName, HookSpec, ReduceSpec, RunSpec } from "../work/run-spec.ts";
import { performance } from "../../../util/platform.ts";

/** What the workers of a run are made of. */
export interface WorkersOptions {
  readonly backend: Backend;
  readonly jobs: number;
  readonly hooks: HookSpec | undefined;
  /** Milliseconds between the abort of a call and the end of its worker. */
  readonly killAfter: number;
  /** Blocks after which a worker is replaced. */
  readonly maxBlocks: number | undefined;
  readonly maxMemory: number | undefined;
}

/** A block that a worker has, or will get. */
export interface Flight {
  readonly body: BlockBody;
  readonly since: number;
  readonly future: Future<BlockResult>;
  /** Taken back to make room; it is to be run again. */
  isEvicted: boolean;
}

/** How a block is to be run. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** The worker that failed it last. */
  readonly avoid: number | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

/** The workers of one run of the command: an executor, and the functions it is asked to run. */
export class Workers {
  readonly #executor: BoundExecutor;
  readonly #refs = tasks<typeof import("../work/block-runner.ts")>(
    entryUrl("cli/map/work/block-runner"),
  );
  readonly #flights = new Set<Flight>();
  #timed: { readonly timeout: number; readonly executor: BoundExecutor } | undefined;

  constructor(options: WorkersOptions) {
    const { backend, jobs, hooks, killAfter, maxBlocks, maxMemory } = options;
    const common = {
      grace: killAfter,
      maxTasksPerWorker: maxBlocks,
      maxMemoryPerWorker: maxMemory,
      ...(hooks && {
        initializer: this.#refs.startWorker as never,
        initializerArgs: [hooks] as never[],
        finalizer: this.#refs.endWorker as never,
      }),
    };
    this.#executor = makeExecutor(backend, jobs, common);
  }

  /** Blocks that are under way, the oldest first. */
  get flights(): Iterable<Flight> {
    return this.#flights;
  }

  /**
   * Looks whether a worker can find the function.
   *
   * @param count - how many workers are to look; the first answer counts, the others have started meanwhile.
   */
  inspect(name: FunctionName, count: number): Promise<TargetFinding> {
    const looks = Array.from({ length: count }, () =>
      this.#executor.submit(this.#refs.inspectTarget, name).result(),
    );
    return Promise.race(looks);
  }

  /** Folds what was folded in several blocks. */
  merge(spec: ReduceSpec, partials: readonly string[]): Promise<string> {
    return this.#executor.submit(this.#refs.mergePartials, spec, partials).result();
  }

  /**
   * Runs a block in some worker.
   *
   * @returns `undefined` when it was taken back to make room for others.
   * @throws TimeoutError or WorkerCrashedError when the block ended its worker, CancelledError after
   * {@link Workers.cancelWaiting} or {@link Workers.abandon}.
   */
  async run(spec: RunSpec, body: BlockBody, attempt: Attempt): Promise<BlockResult | undefined> {
    const executor = this.#withTimeout(attempt.timeout);
    const again = { attempt: attempt.number, avoid: attempt.avoid };
    const future = executor.submitAgain(again, this.#refs.runBlock, spec, body, attempt.number);
    const flight: Flight = { body, since: performance.now(), future, isEvicted: false };
    this.#flights.add(flight);
    try {
      return await future;
    } catch (error) {
      if (flight.isEvicted) return undefined;
      throw error;
    } finally {
      this.#flights.delete(flight);
    }
  }

  /** Takes back the blocks that no worker has begun with. */
  cancelWaiting(): void {
    for (const { future } of this.#flights) {
      if (!future.running) future.cancel();
    }
  }

  /** Takes back the block that was begun last, by ending its worker. */
  evictYoungest(): Flight | undefined {
    const running = [...this.#flights].filter(({ future, isEvicted }) => {
      return future.running && !isEvicted;
    });
    // The last one goes on: a run that starts over and over gets nowhere.
    const youngest = running.length > 1 ? running.at(-1) : undefined;
    if (youngest === undefined) return undefined;
    youngest.isEvicted = true;
    youngest.future.cancel();
    return youngest;
  }

  /** Ends the workers after what they run. */
  close(): Promise<void> {
    return this.#executor.shutdown({ wait: true });
  }

  /** Ends the workers without waiting for anything. */
  abandon(): void {
    // Nobody waits for how the workers end; the exit of this process ends what is left of them.
    this.#executor.terminate({ grace: 0 }).catch(() => undefined);
  }

  #withTimeout(timeout: number | undefined): BoundExecutor {
    if (timeout === undefined) return this.#executor;
    if (this.#timed?.timeout !== timeout) {
      this.#timed = { timeout, executor: this.#executor.with({ timeout }) as BoundExecutor };
    }
    return this.#timed.executor;
  }
}

type CommonOptions = NonNullable<ConstructorParameters<typeof ThreadPoolExecutor>[0]>;

function makeExecutor(backend: Backend, maxWorkers: number, common: CommonOptions): BoundExecutor {
  switch (backend) {
    case "process":
      // Whatever a function or a program that it starts prints: standard output is for results alone.
      return processPool({ ...common, maxWorkers }, { stdio: ["ignore", 2, 2] });
    case "thread":
      return new ThreadPoolExecutor({ ...common, maxWorkers });
    case "inline":
      return new InlineExecutor(common);
  }
}
