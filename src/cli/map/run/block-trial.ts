import type { BlockBody, RecordBlock } from "../input/block.ts";
import { sliceOf, unitsOf } from "../input/split.ts";
import type { Unit } from "../input/split.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import type { RetryDelay } from "../parse/timeout.ts";
import type { FailedRecord } from "../counters/failed-record.ts";
import type { BlockResult, UnitFailure } from "../work/block-result.ts";
import { joblogRow } from "../work/joblog-row.ts";
import { keyOf } from "../work/keys.ts";
import { failureEnvelope, valueToJson } from "../work/record-line.ts";
import type { ErrorReport, RunFacts } from "../work/record-line.ts";
import { recordsOf } from "../work/records-of.ts";
import type { RunSpec } from "../work/run-spec.ts";
import type { BlockSize } from "./block-size.ts";
import type { Death, Ending, Outcome } from "./block-outcome.ts";
import { pause } from "./pacer.ts";
import type { Pacer } from "./pacer.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { Slots } from "./slots.ts";
import type { RecordTimeLimit } from "./time-limit.ts";
import type { Workers } from "./workers.ts";
import { Date } from "../../../util/platform.ts";

/** What running a block needs from the run it belongs to. */
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
  /** Whether failed records go to a file of their own. */
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

/** What is written about a part of a block, in order. */
interface Piece {
  readonly parts: readonly Uint8Array[];
  readonly errors: string;
  readonly log: string;
  /** What values were folded to. */
  readonly partials: readonly Uint8Array[];
}

/** Units that were run, as the worker has sent or noted them. */
type DoneUnits = Pick<BlockResult, "parts" | "failures" | "log" | "partials" | "worker"> & {
  readonly pid?: number;
};

/** What becomes of one block as a whole. */
class Tally {
  ok = 0;
  notRun = 0;
  readonly failed: number[] = [];
}

/** How a unit of one record, or one batch, fared in an attempt. */
interface Failure extends UnitFailure {
  readonly worker: number | undefined;
  readonly pid: number | undefined;
}

const NOTHING: Piece = { parts: [], errors: "", log: "", partials: [] };

/**
 * Brings blocks to their end: runs them, runs again what failed, and when a worker died under one, takes
 * what it had done from its notes: the record that ran has failed, and those behind it run.
 *
 * Each record has exactly one outcome, and runs once for each attempt that is counted. What makes way for
 * others (`--memfree`) runs again without one; such runs are counted.
 */
export class BlockTrial {
  readonly #options: TrialOptions;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /**
   * Everything that is to be written about a block. The caller has taken a slot; it is released here.
   *
   * @throws when the run as a whole cannot go on, for example since no worker can be started.
   */
  async run(block: RecordBlock): Promise<FinishedBlock> {
    const { body, bytes, ranges } = block;
    const tally = new Tally();
    const { parts, errors, log, partials } = await this.#whole({ body, bytes }, tally);
    const picked = body.picks?.map(({ index }) => index);
    const { ok, failed, notRun } = tally;
    return { parts, errors, log, partials, ranges, picked, ok, failed, bytes, notRun };
  }

  async #whole(unit: Unit, tally: Tally): Promise<Piece> {
    const ending = await this.#attempt(unit, 1, undefined);
    return this.#settle(unit, 1, undefined, ending, tally);
  }

  /** Runs a unit, waiting for a slot first. */
  async #single(
    unit: Unit,
    attempt: number,
    avoid: number | undefined,
    tally: Tally,
  ): Promise<Piece> {
    await this.#options.slots.take();
    const ending = await this.#attempt(unit, attempt, avoid);
    return this.#settle(unit, attempt, avoid, ending, tally);
  }

  /** What becomes of the records of a block: those that were run, the one that ended the run, and the rest. */
  async #settle(
    unit: Unit,
    attempt: number,
    avoid: number | undefined,
    { outcome, notes }: Ending,
    tally: Tally,
  ): Promise<Piece> {
    if (outcome.kind === "died" && outcome.isCrash) this.#options.counters.crashes += 1;
    const size = this.#options.spec.batch;
    const count = Math.ceil(unit.body.count / size);
    if (outcome.kind !== "ran" && notes === undefined) {
      return this.#unknown(unit, attempt, avoid, outcome, tally);
    }
    const done = outcome.kind === "ran" ? outcome.result : notes!;
    const part = (from: number, to: number): Unit =>
      sliceOf(this.#options.spec.shape, unit, size, [from, to]);
    const pieces: Promise<Piece>[] = [];
    if (done.units > 0) {
      pieces.push(this.#collect(part(0, done.units), attempt, done, tally));
    }
    let next = done.units;
    if (next < count && outcome.kind === "died") {
      next += 1;
      pieces.push(this.#afterDeath(part(next - 1, next), attempt, outcome, tally));
    }
    if (next < count) {
      const rest = part(next, count);
      if (outcome.kind === "cancelled") pieces.push(Promise.resolve(this.#notRun(rest, tally)));
      else pieces.push(this.#single(rest, attempt, avoid, tally));
      if (outcome.kind === "evicted" && notes?.isBegun === true) {
        this.#options.counters.repeated += part(next, next + 1).body.count;
      }
    }
    return woven(await Promise.all(pieces));
  }

  /** The worker could not note what it did: what it may have done is run again, one by one. */
  async #unknown(
    unit: Unit,
    attempt: number,
    avoid: number | undefined,
    outcome: Exclude<Outcome, { readonly kind: "ran" }>,
    tally: Tally,
  ): Promise<Piece> {
    const { spec, counters } = this.#options;
    if (outcome.kind === "cancelled") return this.#notRun(unit, tally);
    if (outcome.kind === "died" && unit.body.count <= spec.batch) {
      return this.#afterDeath(unit, attempt, outcome, tally);
    }
    counters.repeated += unit.body.count;
    if (outcome.kind === "evicted") return this.#single(unit, attempt, avoid, tally);
    const units = unitsOf(spec.shape, unit.body, unit.bytes, spec.batch);
    return woven(await Promise.all(units.map((one) => this.#single(one, 1, avoid, tally))));
  }

  async #attempt(unit: Unit, number: number, avoid: number | undefined): Promise<Ending> {
    const { workers, spec, slots, counters, size, pacer, memory, timeLimit } = this.#options;
    const { body } = unit;
    try {
      await memory.pass();
      await pacer.turn();
      // What waited for its turn does not begin after the end.
      if (this.#options.stopped.aborted)
        return { outcome: { kind: "cancelled" }, notes: undefined };
      const ending = await workers.run(spec, body, { number, avoid, timeout: timeLimit.ms });
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
  async #collect(unit: Unit, attempt: number, done: DoneUnits, tally: Tally): Promise<Piece> {
    const { counters, spec } = this.#options;
    const { parts, failures, log, partials, worker, pid } = done;
    const units =
      failures.length === 0 ? [] : unitsOf(spec.shape, unit.body, unit.bytes, spec.batch);
    const failing = failures.map(({ at }) => units[at] ?? unit);
    const failedCount = failing.reduce((sum, { body }) => sum + body.count, 0);
    const ok = unit.body.count - failedCount;
    tally.ok += ok;
    counters.ok += ok;
    counters.bytes += unit.bytes - failing.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#options.onCount();
    const redone = await Promise.all(
      failures.map((failure, at) =>
        this.#afterFailure(failing[at] ?? unit, attempt, { ...failure, worker, pid }, tally),
      ),
    );
    const pieces: Piece[] = [{ ...NOTHING, log, partials }];
    for (const [at, part] of parts.entries()) {
      pieces.push({ ...NOTHING, parts: [part] });
      const again = redone[at];
      if (again !== undefined) pieces.push(again);
    }
    return woven(pieces);
  }

  async #afterDeath(unit: Unit, attempt: number, death: Death, tally: Tally): Promise<Piece> {
    const { error, ms, pid, exitCode, signal } = death;
    const key = this.#keyOf(unit.body);
    const failure: Failure = { at: 0, key, error, ms, isFinal: false, worker: undefined, pid };
    const log = this.#options.spec.isLogged
      ? joblogRow({
          seq: unit.body.first + 1,
          started: (Date.now() - ms) / 1000,
          seconds: ms / 1000,
          sent: Math.round(unit.bytes),
          received: 0,
          exitCode,
          signal,
          command: `${this.#options.spec.label} ${key}`,
        })
      : "";
    const rest = await this.#afterFailure(unit, attempt, failure, tally);
    return { ...rest, log: log + rest.log };
  }

  async #afterFailure(unit: Unit, attempt: number, failure: Failure, tally: Tally): Promise<Piece> {
    const { retries, counters, retryDelay, stopped } = this.#options;
    if (attempt <= retries && !failure.isFinal) {
      counters.retries += 1;
      const delay = Math.min(retryDelay.mostMs, retryDelay.ms * 2 ** (attempt - 1));
      // Many that failed together must not come back together.
      await pause(delay * (0.5 + Math.random()), stopped);
      if (stopped.aborted) return this.#notRun(unit, tally);
      return this.#single(unit, attempt + 1, failure.worker, tally);
    }
    return this.#failed(unit, attempt, failure, tally);
  }

  /** A record that failed for good. */
  #failed(unit: Unit, attempts: number, failure: Failure, tally: Tally): Piece {
    const { retries, counters, spec, onFailure, hasErrorFile } = this.#options;
    const { body } = unit;
    const { key, error, ms, worker, pid, isFinal } = failure;
    counters.failed += body.count;
    counters.bytes += unit.bytes;
    for (let at = 0; at < body.count; at++) {
      tally.failed.push(body.picks?.[at]?.index ?? body.first + at);
    }
    const facts: RunFacts = { attempts, ms, worker, pid };
    const mostAttempts = isFinal ? attempts : retries + 1;
    const index = body.picks?.[0]?.index ?? body.first;
    onFailure({ index, key, error, facts, mostAttempts });
    this.#options.onCount();
    const line = (hasInput: boolean): string => this.#envelope(body, key, error, facts, hasInput);
    const isInOutput = spec.isEnvelope && spec.reduce === undefined;
    const tag = spec.isTagged ? `${key}\t` : "";
    return {
      parts: isInOutput ? [Buffer.from(tag + line(spec.hasInput))] : [],
      errors: hasErrorFile ? line(true) : "",
      log: "",
      partials: [],
    };
  }

  #envelope(
    body: BlockBody,
    key: string,
    error: ErrorReport,
    facts: RunFacts,
    hasInput: boolean,
  ): string {
    const { shape, isBatch } = this.#options.spec;
    const index = body.picks?.[0]?.index ?? body.first;
    let input: string | undefined;
    if (hasInput) {
      const values = Array.from(recordsOf(shape, body), ({ value, malformed }) =>
        malformed === undefined ? value : textOf(body),
      );
      input = valueToJson(isBatch ? values : values[0]);
    }
    return failureEnvelope({ index, key, count: body.count, input }, error, facts);
  }

  #keyOf(body: BlockBody): string {
    const [record] = recordsOf(this.#options.spec.shape, body);
    return record === undefined ? body.source : keyOf(this.#options.spec, body, record);
  }

  #notRun(unit: Unit, tally: Tally): Piece {
    tally.notRun += unit.body.count;
    this.#options.counters.notStarted += unit.body.count;
    return NOTHING;
  }
}

/** A record that cannot be read is told as it stands in the file. */
function textOf({ text }: BlockBody): string {
  if (text === undefined) return "";
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return bytes.toString("utf8").replace(/\r?\n$/, "");
}

function woven(pieces: readonly Piece[]): Piece {
  return {
    parts: pieces.flatMap(({ parts }) => parts),
    errors: pieces.map(({ errors }) => errors).join(""),
    log: pieces.map(({ log }) => log).join(""),
    partials: pieces.flatMap(({ partials }) => partials),
  };
}
