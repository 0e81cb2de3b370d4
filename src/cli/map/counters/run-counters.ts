import type { InputTotals } from "../input/block-source.ts";
import type { BlockResult } from "../work/block-result.ts";
import { performance } from "../../../util/platform.ts";

/** The work of an earlier run: all of it, and as far as it belongs to the input of this one. */
export interface DoneBefore {
  readonly ran: number;
  readonly records: number;
  readonly bytes: number;
}

/** Counts of what is done, exact at every moment; the progress and the summary read them. */
export class RunCounters {
  /** Records that went well. */
  ok = 0;
  /** Records that failed for good. */
  failed = 0;
  /** Records taken from the input that have no outcome, after an interruption. */
  notStarted = 0;
  /** Attempts beyond the first. */
  retries = 0;
  /** Records that were run again, or may have been, through no failure of theirs. */
  repeated = 0;
  /** Workers that died under a record. */
  crashes = 0;
  /** Bytes of input behind the records that are done. */
  bytes = 0;
  /** The work of an earlier run. */
  readonly before: DoneBefore;
  readonly #started: number = performance.now();
  readonly #workerCpuUs = new Map<number, number>();
  readonly #totals: () => InputTotals;

  /** @param totals - asked whenever somebody wants to know; the input may learn its size late. */
  constructor(totals: () => InputTotals, before: DoneBefore = { ran: 0, records: 0, bytes: 0 }) {
    this.#totals = totals;
    this.before = before;
  }

  /** Records with an outcome. */
  get done(): number {
    return this.ok + this.failed;
  }

  /** Sizes of the input as a whole. */
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
    const { total, before, done } = this.#measure();
    if (total === undefined || done === 0) return undefined;
    return Math.max(0, ((total - before - done) * this.elapsedMs) / done);
  }

  /** The share of the input that is done, from 0 to 1; `undefined` when its size is unknown. */
  get fraction(): number | undefined {
    const { total, before, done } = this.#measure();
    return total === undefined || total === 0 ? undefined : Math.min(1, (before + done) / total);
  }

  /** Bytes tell more of what is left than records, where it is known how many are done. */
  #measure(): {
    readonly total: number | undefined;
    readonly before: number;
    readonly done: number;
  } {
    const { records, bytes } = this.totals;
    const { before } = this;
    const hasBytes = before.records === 0 || before.bytes > 0;
    if (bytes !== undefined && bytes > 0 && hasBytes) {
      return { total: bytes, before: before.bytes, done: this.bytes };
    }
    return { total: records, before: before.records, done: this.done };
  }
}
