import type { InputTotals } from "../input/block-source.ts";
import type { BlockResult } from "../work/block-runner.ts";
import { performance } from "../../../util/platform.ts";

/** What has been done so far, exact at every moment; the progress and the summary read it. */
export class RunCounters {
  /** Records that went well. */
  ok = 0;
  /** Records that failed for good. */
  failed = 0;
  /** Records taken from the input that have no outcome, after an interruption. */
  notStarted = 0;
  /** Attempts beyond the first. */
  retries = 0;
  /** Workers that died under a record. */
  crashes = 0;
  /** Bytes of input behind the records that are done. */
  bytes = 0;
  /** Records and bytes that an earlier run has done. */
  readonly before: { readonly ran: number; readonly bytes: number };
  readonly #started: number = performance.now();
  readonly #workerCpuUs = new Map<number, number>();
  readonly #totals: () => InputTotals;

  /** @param totals - asked whenever somebody wants to know; the input may learn its size late. */
  constructor(
    totals: () => InputTotals,
    before: { readonly ran: number; readonly bytes: number } = { ran: 0, bytes: 0 },
  ) {
    this.#totals = totals;
    this.before = before;
  }

  /** Records with an outcome. */
  get done(): number {
    return this.ok + this.failed;
  }

  /** What is known of the input as a whole. */
  get totals(): InputTotals {
    return this.#totals();
  }

  /** Milliseconds since the run began. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Keeps the newest figure of a worker process; threads are counted with their process. */
  noteCpu({ pid, cpuUs }: BlockResult): void {
    if (pid !== process.pid) this.#workerCpuUs.set(pid, cpuUs);
  }

  /** CPU time of this process since it began, in milliseconds. */
  get parentCpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }

  /** CPU time the worker processes had used when they answered last, in milliseconds. */
  get workerCpuMs(): number {
    let sum = 0;
    for (const cpuUs of this.#workerCpuUs.values()) sum += cpuUs;
    return sum / 1000;
  }

  /** Milliseconds until the end at the pace so far; `undefined` when the size or the pace is unknown. */
  get remainingMs(): number | undefined {
    const { records, bytes } = this.totals;
    const isByBytes = bytes !== undefined && bytes > 0;
    const total = isByBytes ? bytes - this.before.bytes : records;
    const done = isByBytes ? this.bytes : this.done;
    if (total === undefined || done === 0) return undefined;
    return Math.max(0, ((total - done) * this.elapsedMs) / done);
  }
}
