import { performance } from "node:perf_hooks";
import type { BlockResult, RecordFailure, RunSpec } from "./block-runner.ts";
import type { BlockSize } from "./block-size.ts";
import { outcomeOf } from "./outcome.ts";
import type { Death, Outcome } from "./outcome.ts";
import type { FailedRecord } from "./reporter.ts";
import { recordKey, splitBlock } from "./record-block.ts";
import type { RecordBlock } from "./record-block.ts";
import { failureEnvelope } from "./record-line.ts";
import type { RunFacts } from "./record-line.ts";
import type { RunCounters } from "./run-counters.ts";
import type { Slots } from "./slots.ts";
import type { Workers } from "./workers.ts";

/** What running a block needs from the run it belongs to. */
export interface TrialOptions {
  readonly spec: RunSpec;
  readonly retries: number;
  /** Milliseconds a record may take, for messages. */
  readonly timeout: number | undefined;
  readonly workers: Workers;
  readonly slots: Slots;
  readonly counters: RunCounters;
  readonly size: BlockSize;
  /** Told of every record that failed for good. */
  readonly onFailure: (failure: FailedRecord) => void;
}

/**
 * Brings blocks to their end: runs them, runs again what failed, and takes a block apart whose worker
 * died, so that the one record at fault does not fail its neighbours.
 *
 * Such neighbours may run twice: as everywhere where a worker can die, side effects happen at least
 * once. Each record has exactly one outcome.
 */
export class BlockTrial {
  readonly #options: TrialOptions;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /**
   * The finished output of a block, in order. The caller has taken a slot; it is released here.
   *
   * @throws when the run as a whole cannot go on, for example since no worker can be started.
   */
  async run(block: RecordBlock): Promise<Uint8Array[]> {
    const { counters } = this.#options;
    const outcome = await this.#attempt(block, 1);
    if (outcome.kind === "cancelled") {
      counters.notStarted += block.count;
      return [];
    }
    if (outcome.kind === "died") {
      if (block.count === 1) return this.#afterDeath(block, 1, outcome);
      const singles = splitBlock(block).map((single) => this.#single(single, 1));
      return (await Promise.all(singles)).flat();
    }
    return this.#collect(block, 1, outcome.result);
  }

  /** Runs a block of one record, waiting for a slot first. */
  async #single(block: RecordBlock, attempt: number): Promise<Uint8Array[]> {
    const { counters, slots } = this.#options;
    await slots.take();
    const outcome = await this.#attempt(block, attempt);
    if (outcome.kind === "cancelled") {
      counters.notStarted += 1;
      return [];
    }
    if (outcome.kind === "died") return this.#afterDeath(block, attempt, outcome);
    return this.#collect(block, attempt, outcome.result);
  }

  async #attempt(block: RecordBlock, attempt: number): Promise<Outcome> {
    const { workers, spec, timeout, slots, counters, size } = this.#options;
    const begun = performance.now();
    try {
      const result = await workers.run(spec, block, attempt);
      counters.noteCpu(result);
      const resultBytes = result.parts.reduce((sum, part) => sum + part.length, 0);
      size.observe(block.count, result.ms, resultBytes);
      return { kind: "ran", result };
    } catch (error) {
      return outcomeOf(error, performance.now() - begun, timeout);
    } finally {
      slots.release();
    }
  }

  /** Puts the lines of a block together with those of its records that had to run again. */
  async #collect(block: RecordBlock, attempt: number, result: BlockResult): Promise<Uint8Array[]> {
    const { counters } = this.#options;
    const { parts, failures } = result;
    if (failures.length === 0) {
      counters.ok += block.count;
      counters.bytes += block.bytes;
      return [...parts];
    }
    const singles = splitBlock(block);
    const failedBytes = failures.reduce((sum, { at }) => sum + (singles[at]?.bytes ?? 0), 0);
    counters.ok += block.count - failures.length;
    counters.bytes += block.bytes - failedBytes;
    const facts = { worker: result.worker, pid: result.pid };
    const redone = await Promise.all(
      failures.map((failure) => {
        const single = singles[failure.at] ?? block;
        return this.#afterFailure(single, attempt, failure, facts);
      }),
    );
    const woven: Uint8Array[] = [];
    for (const [at, part] of parts.entries()) woven.push(part, ...(redone[at] ?? []));
    return woven;
  }

  #afterDeath(block: RecordBlock, attempt: number, death: Death): Promise<Uint8Array[]> {
    if (death.isCrash) this.#options.counters.crashes += 1;
    const key = recordKey(block.format, block.source, block.firstLine, block.items?.[0] ?? "");
    const failure = { at: 0, key, error: death.error, ms: death.ms, isFinal: false };
    return this.#afterFailure(block, attempt, failure, { worker: undefined, pid: death.pid });
  }

  async #afterFailure(
    single: RecordBlock,
    attempt: number,
    failure: RecordFailure,
    { worker, pid }: Pick<RunFacts, "worker" | "pid">,
  ): Promise<Uint8Array[]> {
    const { retries, counters, spec, onFailure } = this.#options;
    if (attempt <= retries && !failure.isFinal) {
      counters.retries += 1;
      return this.#single(single, attempt + 1);
    }
    counters.failed += 1;
    counters.bytes += single.bytes;
    const { key, error, ms } = failure;
    const facts: RunFacts = { attempts: attempt, ms, worker, pid };
    const mostAttempts = failure.isFinal ? attempt : retries + 1;
    onFailure({ index: single.first, key, error, facts, mostAttempts });
    if (!spec.isEnvelope) return [];
    return [Buffer.from(failureEnvelope(single.first, key, error, facts))];
  }
}
