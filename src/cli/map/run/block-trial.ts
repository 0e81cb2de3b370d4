import type { BlockBody, RecordBlock } from "../input/block.ts";
import { sliceOf, unitsOf } from "../input/split.ts";
import type { Unit } from "../input/split.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import type { RetryDelay } from "../parse/timeout.ts";
import type { FailedRecord } from "../counters/failed-record.ts";
import type { BlockResult, UnitFailure } from "../work/block-result.ts";
import type { RunFacts } from "../work/record-line.ts";
import type { RunSpec } from "../work/run-spec.ts";
import type { BlockSize } from "./block-size.ts";
import type { Death, Ending, Outcome } from "./block-outcome.ts";
import { deathRow, failureLine, indexOf, keyOfUnit } from "./failure-lines.ts";
import { pause } from "./pacer.ts";
import type { Pacer } from "./pacer.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import { EMPTY_PIECE, joinPieces } from "./piece.ts";
import type { Piece } from "./piece.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { Slots } from "./slots.ts";
import type { RecordTimeLimit } from "./time-limit.ts";
import type { Workers } from "./workers.ts";

/** Parts of a run that the trial of a block needs. */
export interface TrialOptions {
  readonly spec: RunSpec;
  readonly retries: number;
  readonly retryDelay: RetryDelay;
  readonly timeLimit: RecordTimeLimit;
  readonly workers: Workers;
  readonly slots: Slots;
  readonly pacer: Pacer;
  readonly memory: MemoryGuard;
  readonly counters: RunCounters;
  readonly size: BlockSize;
  /** True when failed records go to a file of their own. */
  readonly hasErrorFile: boolean;
  /** Aborts when nothing more is to be begun. */
  readonly stopped: AbortSignal;
  /** Told of every block that came back. */
  readonly onResult: (body: BlockBody, result: BlockResult) => void;
  /** Told of every record that failed for good. */
  readonly onFailure: (failure: FailedRecord) => void;
  /** Told after every change of the counters. */
  readonly onCount: () => void;
}

/** Units that were run, as the worker has sent or noted them. */
type DoneUnits = Pick<BlockResult, "parts" | "failures" | "log" | "partials" | "worker"> & {
  readonly pid?: number;
};

/** A run of a unit: which attempt it is, from 1, and the worker that failed it last. */
interface Attempt {
  readonly number: number;
  readonly avoid: number | undefined;
}

const FIRST: Attempt = { number: 1, avoid: undefined };

/** An attempt at a unit of one record, or one batch, that failed. */
interface Failure extends UnitFailure {
  readonly worker: number | undefined;
  readonly pid: number | undefined;
}

/**
 * Brings a block to its end: runs it, runs again what failed, and when a worker died under it, takes what it
 * had done from its notes: the record that ran has failed, and those behind it run.
 *
 * Each record has exactly one outcome, and runs once for each attempt that is counted. What makes way for
 * others (`--memfree`) runs again without one; such runs are counted.
 */
export class BlockTrial {
  readonly #options: TrialOptions;
  readonly #block: RecordBlock;
  #ok = 0;
  #notRun = 0;
  readonly #failed: number[] = [];

  constructor(options: TrialOptions, block: RecordBlock) {
    this.#options = options;
    this.#block = block;
  }

  /**
   * Runs the block. The caller has taken a slot; it is released here.
   *
   * @returns everything that is to be written about it.
   * @throws when the run as a whole cannot go on, for example since no worker can be started.
   */
  async run(): Promise<FinishedBlock> {
    const { body, bytes, ranges } = this.#block;
    const piece = await this.#run({ body, bytes }, FIRST);
    const picked = body.picks?.map(({ index }) => index);
    const [ok, failed, notRun] = [this.#ok, this.#failed, this.#notRun];
    return { ...piece, ranges, picked, ok, failed, bytes, notRun };
  }

  /** Runs a unit, waiting for a slot first. */
  async #runAgain(unit: Unit, attempt: Attempt): Promise<Piece> {
    await this.#options.slots.take();
    return this.#run(unit, attempt);
  }

  /** Runs a unit in the slot that was taken for it, and settles its records: those that were run, the one that ended the run, and the rest. */
  async #run(unit: Unit, attempt: Attempt): Promise<Piece> {
    const { counters, spec } = this.#options;
    const { outcome, notes } = await this.#send(unit, attempt);
    if (outcome.kind === "died" && outcome.isCrash) counters.crashes += 1;
    if (outcome.kind !== "ran" && notes === undefined) return this.#unknown(unit, attempt, outcome);
    const done = outcome.kind === "ran" ? outcome.result : notes!;
    const count = Math.ceil(unit.body.count / spec.batch);
    const part = (from: number, to: number): Unit =>
      sliceOf(spec.shape, unit, spec.batch, [from, to]);
    const pieces: Promise<Piece>[] = [];
    if (done.units > 0) pieces.push(this.#collect(part(0, done.units), attempt, done));
    let next = done.units;
    if (next < count && outcome.kind === "died") {
      next += 1;
      pieces.push(this.#afterDeath(part(next - 1, next), attempt, outcome));
    }
    if (next < count) {
      const rest = part(next, count);
      pieces.push(
        outcome.kind === "cancelled"
          ? Promise.resolve(this.#leave(rest))
          : this.#runAgain(rest, attempt),
      );
      if (outcome.kind === "evicted" && notes?.isBegun === true) {
        counters.repeated += part(next, next + 1).body.count;
      }
    }
    return joinPieces(await Promise.all(pieces));
  }

  /** The worker could not note what it did: what it may have done is run again, one by one. */
  async #unknown(
    unit: Unit,
    attempt: Attempt,
    outcome: Exclude<Outcome, { readonly kind: "ran" }>,
  ): Promise<Piece> {
    const { spec, counters } = this.#options;
    if (outcome.kind === "cancelled") return this.#leave(unit);
    if (outcome.kind === "died" && unit.body.count <= spec.batch) {
      return this.#afterDeath(unit, attempt, outcome);
    }
    counters.repeated += unit.body.count;
    if (outcome.kind === "evicted") return this.#runAgain(unit, attempt);
    const units = unitsOf(spec.shape, unit.body, unit.bytes, spec.batch);
    return joinPieces(await Promise.all(units.map((one) => this.#runAgain(one, FIRST))));
  }

  async #send(unit: Unit, attempt: Attempt): Promise<Ending> {
    const { workers, spec, slots, counters, size, pacer, memory, timeLimit } = this.#options;
    const { body } = unit;
    try {
      await memory.pass();
      await pacer.turn();
      // What waited for its turn does not begin after the end.
      if (this.#options.stopped.aborted) {
        return { outcome: { kind: "cancelled" }, notes: undefined };
      }
      const ending = await workers.run(spec, body, { ...attempt, timeout: timeLimit.ms });
      if (ending.outcome.kind !== "ran") return ending;
      const { result } = ending.outcome;
      counters.noteCpu(result);
      const resultBytes = result.parts.reduce((sum, part) => sum + part.length, 0);
      const share = Math.min(1, (result.units * spec.batch) / body.count);
      const [records, bytes] = [Math.ceil(body.count * share), unit.bytes * share];
      if (records > 0) {
        size.observe({ records, bytes, ms: result.ms, resultBytes });
        timeLimit.observe(result.ms / records);
      }
      this.#options.onResult(body, result);
      return ending;
    } finally {
      slots.release();
    }
  }

  /** Puts the lines of a block together with those of its records that had to run again. */
  async #collect(unit: Unit, attempt: Attempt, done: DoneUnits): Promise<Piece> {
    const { counters, spec } = this.#options;
    const { parts, failures, log, partials, worker, pid } = done;
    const units =
      failures.length === 0 ? [] : unitsOf(spec.shape, unit.body, unit.bytes, spec.batch);
    const failing = failures.map(({ at }) => units[at] ?? unit);
    const failedCount = failing.reduce((sum, { body }) => sum + body.count, 0);
    const ok = unit.body.count - failedCount;
    this.#ok += ok;
    counters.ok += ok;
    counters.bytes += unit.bytes - failing.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#options.onCount();
    const redone = await Promise.all(
      failures.map((failure, at) =>
        this.#afterFailure(failing[at] ?? unit, attempt, { ...failure, worker, pid }),
      ),
    );
    const pieces: Piece[] = [{ ...EMPTY_PIECE, log, partials }];
    for (const [at, part] of parts.entries()) {
      pieces.push({ ...EMPTY_PIECE, parts: [part] });
      const again = redone[at];
      if (again !== undefined) pieces.push(again);
    }
    return joinPieces(pieces);
  }

  async #afterDeath(unit: Unit, attempt: Attempt, death: Death): Promise<Piece> {
    const { error, ms, pid } = death;
    const key = keyOfUnit(this.#options.spec, unit.body);
    const failure: Failure = { at: 0, key, error, ms, isFinal: false, worker: undefined, pid };
    const row = deathRow(this.#options.spec, unit, key, death);
    const rest = await this.#afterFailure(unit, attempt, failure);
    return { ...rest, log: row + rest.log };
  }

  async #afterFailure(unit: Unit, { number }: Attempt, failure: Failure): Promise<Piece> {
    const { retries, counters, retryDelay, stopped } = this.#options;
    if (number > retries || failure.isFinal) return this.#fail(unit, number, failure);
    counters.retries += 1;
    const delay = Math.min(retryDelay.mostMs, retryDelay.ms * 2 ** (number - 1));
    // Many that failed together must not come back together.
    await pause(delay * (0.5 + Math.random()), stopped);
    if (stopped.aborted) return this.#leave(unit);
    return this.#runAgain(unit, { number: number + 1, avoid: failure.worker });
  }

  /** Counts and tells a unit that failed for good. */
  #fail({ body, bytes }: Unit, attempts: number, failure: Failure): Piece {
    const { retries, counters, spec, onFailure, hasErrorFile } = this.#options;
    const { key, error, ms, worker, pid, isFinal } = failure;
    counters.failed += body.count;
    counters.bytes += bytes;
    for (let at = 0; at < body.count; at++) {
      this.#failed.push(body.picks?.[at]?.index ?? body.first + at);
    }
    const facts: RunFacts = { attempts, ms, worker, pid };
    const mostAttempts = isFinal ? attempts : retries + 1;
    onFailure({ index: indexOf(body), key, error, facts, mostAttempts });
    this.#options.onCount();
    const line = (hasInput: boolean): string =>
      failureLine(spec, body, { key, error, facts, hasInput });
    const isInOutput = spec.isEnvelope && spec.reduce === undefined;
    const tag = spec.isTagged ? `${key}\t` : "";
    return {
      ...EMPTY_PIECE,
      parts: isInOutput ? [Buffer.from(tag + line(spec.hasInput))] : [],
      errors: hasErrorFile ? line(true) : "",
    };
  }

  /** Counts a unit that does not run, since the run is being ended. */
  #leave({ body }: Unit): Piece {
    this.#notRun += body.count;
    this.#options.counters.notStarted += body.count;
    return EMPTY_PIECE;
  }
}
