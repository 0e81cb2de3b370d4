import { InlineExecutor, ProcessPoolExecutor, ThreadPoolExecutor } from "../executor/index.ts";
import type { Executor, Future } from "../executor/index.ts";
import { entryUrl } from "../util/entry-url.ts";
import { tasks } from "../task/index.ts";
import type { BlockResult, RunSpec, TargetFinding } from "./block-runner.ts";
import type { Backend } from "./map-options.ts";
import type { RecordBlock } from "./record-block.ts";

/** What the workers of a run are made of. */
export interface WorkersOptions {
  readonly backend: Backend;
  readonly jobs: number;
  /** Milliseconds for one block, counted from its start. */
  readonly timeout: number | undefined;
}

/** The workers of one run of the command: an executor, and the one function it is asked to run. */
export class Workers {
  readonly #executor: Executor;
  readonly #timed: Executor;
  readonly #refs = tasks<typeof import("./block-runner.ts")>(entryUrl("cli/block-runner"));
  readonly #waiting = new Set<Future<BlockResult>>();

  constructor({ backend, jobs, timeout }: WorkersOptions) {
    this.#executor = makeExecutor(backend, jobs);
    this.#timed = timeout === undefined ? this.#executor : this.#executor.with({ timeout });
  }

  /** Looks whether a worker can find the function. */
  inspect(module: string, name: string): Promise<TargetFinding> {
    return this.#executor.submit(this.#refs.inspectTarget, module, name).result();
  }

  /**
   * Runs a block in some worker.
   *
   * @throws TimeoutError or WorkerCrashedError when the block ended its worker, CancelledError after
   * {@link Workers.cancelWaiting} or {@link Workers.abandon}.
   */
  async run(spec: RunSpec, block: RecordBlock, attempt: number): Promise<BlockResult> {
    const future = this.#timed.submit(this.#refs.runBlock, spec, block, attempt);
    this.#waiting.add(future);
    try {
      return await future;
    } finally {
      this.#waiting.delete(future);
    }
  }

  /** Takes back the blocks that no worker has begun with. */
  cancelWaiting(): void {
    for (const future of this.#waiting) {
      if (!future.running) future.cancel();
    }
  }

  /** Ends the workers after what they run. */
  close(): Promise<void> {
    return this.#executor.shutdown({ wait: true });
  }

  /** Ends the workers without waiting for anything. */
  abandon(): void {
    // Nobody waits for how the workers end; the exit of this process ends what is left of them.
    this.#executor.terminate().catch(() => undefined);
  }
}

function makeExecutor(backend: Backend, maxWorkers: number): Executor {
  switch (backend) {
    case "process":
      return new ProcessPoolExecutor({ maxWorkers });
    case "thread":
      return new ThreadPoolExecutor({ maxWorkers });
    case "inline":
      return new InlineExecutor();
  }
}
