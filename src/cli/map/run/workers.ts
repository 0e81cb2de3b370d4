import { submitAgain } from "../../../executor/bound-executor.ts";
import {
  type Executor,
  InlineExecutor,
  type ThreadExecutorOptions,
  ThreadPoolExecutor,
} from "../../../executor/index.ts";
import type { Future } from "../../../executor/index.ts";
import { processPool } from "../../../executor/process-executor.ts";
import { tasks } from "../../../task/index.ts";
import { entryUrl } from "../../../util/entry-url.ts";
import type { BlockBody } from "../input/block.ts";
import type { Backend } from "../options.ts";
import { WorkerCrashedError } from "../../../errors/index.ts";
import type { BlockResult } from "../work/block-result.ts";
import type { TargetFinding } from "../work/inspect-target.ts";
import type { FunctionName, HookSpec, ReduceSpec, RunSpec } from "../work/run-spec.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { OpenCheckpoint } from "./checkpoints.ts";
import { lateDeath, outcomeOf } from "./block-outcome.ts";
import type { Ending } from "./block-outcome.ts";
import { watchRecord } from "./record-watch.ts";

/** Blocks under way for each worker: one that runs, and one so that it need not wait for the next. */
export const BLOCKS_PER_WORKER = 2;
import { performance } from "../../../util/platform.ts";

/** Options of the workers of a run. */
export interface WorkersOptions {
  readonly backend: Backend;
  readonly jobs: number;
  readonly hooks: HookSpec | undefined;
  /** Milliseconds between the abort of a call and the end of its worker. */
  readonly killAfter: number;
  /** Blocks after which a worker is replaced. */
  readonly maxBlocks: number | undefined;
  readonly maxMemory: number | undefined;
  /** True when values are folded, so that what is noted of a block are values. */
  readonly isFolding: boolean;
}

/** A block that a worker has, or will get. */
export interface Flight {
  readonly body: BlockBody;
  readonly since: number;
  readonly future: Future<BlockResult>;
  readonly checkpoint: OpenCheckpoint | undefined;
  /** Why it was given up: to make room, or since its record ran too long. */
  givenUp: "evicted" | "late" | undefined;
}

/** One attempt at a block. */
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
  readonly #executor: Executor;
  readonly #refs = tasks<typeof import("../work/block-runner.ts")>(
    entryUrl("cli/map/work/block-runner"),
  );
  readonly #flights = new Set<Flight>();
  readonly #checkpoints: Checkpoints;
  #timed: { readonly timeout: number; readonly executor: Executor } | undefined;

  constructor(options: WorkersOptions) {
    const { backend, jobs, hooks, killAfter, maxBlocks, maxMemory } = options;
    const common = {
      grace: killAfter,
      maxTasksPerWorker: maxBlocks,
      maxMemoryPerWorker: maxMemory,
      ...(hooks && {
        initializer: this.#refs.startWorker as never,
        initializerArgs: [hooks] as unknown[],
        finalizer: this.#refs.endWorker as never,
      }),
    };
    const isFile = backend === "process";
    this.#checkpoints = new Checkpoints(isFile, jobs * BLOCKS_PER_WORKER, options.isFolding);
    this.#executor = makeExecutor(backend, jobs, common, this.#checkpoints.fd);
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
  merge(
    spec: ReduceSpec,
    main: FunctionName,
    partials: readonly Uint8Array[],
  ): Promise<Uint8Array> {
    return this.#executor.submit(this.#refs.mergePartials, spec, main, partials).result();
  }

  /** The lines of what everything was folded to. */
  write(spec: ReduceSpec, main: FunctionName, partial: Uint8Array): Promise<Uint8Array> {
    return this.#executor.submit(this.#refs.writePartial, spec, main, partial).result();
  }

  /**
   * Runs a block in some worker, to its end or to that of the worker. A block whose worker dies, whose
   * record runs too long, or that is taken back, ends with the notes of what was done.
   *
   * @throws when the run as a whole cannot go on.
   */
  async run(spec: RunSpec, body: BlockBody, attempt: Attempt): Promise<Ending> {
    const checkpoint = this.#checkpoints.take(() => this.#alive());
    const { timeout } = attempt;
    // Only where nothing is noted the block as a whole has the time of a record.
    const executor = this.#withTimeout(checkpoint === undefined ? timeout : undefined);
    const again = { attempt: attempt.number, avoid: attempt.avoid };
    const { runBlock } = this.#refs;
    const place = checkpoint?.place;
    const future = submitAgain(executor, again, runBlock, spec, body, attempt.number, place);
    const since = performance.now();
    const flight: Flight = { body, since, future, checkpoint, givenUp: undefined };
    this.#flights.add(flight);
    const watch = timeout === undefined ? undefined : watchRecord(flight, timeout);
    let isOver = false;
    try {
      const result = await future;
      isOver = true;
      return { outcome: { kind: "ran", result }, notes: undefined };
    } catch (error) {
      const notes = checkpoint?.stop();
      isOver = error instanceof WorkerCrashedError;
      if (flight.givenUp === "evicted") return { outcome: { kind: "evicted" }, notes };
      if (flight.givenUp === "late") return { outcome: lateDeath(timeout ?? 0), notes };
      return { outcome: outcomeOf(error, performance.now() - since, timeout), notes };
    } finally {
      watch?.stop();
      this.#flights.delete(flight);
      if (checkpoint !== undefined) this.#checkpoints.give(checkpoint, isOver);
    }
  }

  #alive(): ReadonlySet<number> {
    const { workers } = this.#executor.stats();
    return new Set(workers.filter(({ state }) => state !== "dead").map(({ id }) => id));
  }

  /** Takes back the blocks that no worker has begun with. */
  cancelWaiting(): void {
    for (const { future } of this.#flights) {
      if (!future.running) future.cancel();
    }
  }

  /** Takes back the block that was begun last, by ending its worker. */
  evictYoungest(): Flight | undefined {
    const running = [...this.#flights].filter(({ future, givenUp }) => {
      return future.running && givenUp === undefined;
    });
    // The last one goes on: a run that starts over and over gets nowhere.
    const youngest = running.length > 1 ? running.at(-1) : undefined;
    if (youngest === undefined) return undefined;
    youngest.givenUp = "evicted";
    youngest.checkpoint?.stop();
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

  #withTimeout(timeout: number | undefined): Executor {
    if (timeout === undefined) return this.#executor;
    if (this.#timed?.timeout !== timeout) {
      this.#timed = { timeout, executor: this.#executor.with({ timeout }) };
    }
    return this.#timed.executor;
  }
}

type CommonOptions = ThreadExecutorOptions;

function makeExecutor(
  backend: Backend,
  maxWorkers: number,
  common: CommonOptions,
  sharedFd: number | undefined,
): Executor {
  switch (backend) {
    case "process":
      // Whatever a function or a program that it starts prints: standard output is for results alone.
      return processPool({ ...common, maxWorkers }, { stdio: ["ignore", 2, 2], sharedFd });
    case "thread":
      return new ThreadPoolExecutor({ ...common, maxWorkers });
    case "inline":
      return new InlineExecutor(common);
  }
}
