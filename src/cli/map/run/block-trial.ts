import type { BlockBody, RecordBlock } from "../input/block.ts";
import { unitsOf } from "../input/split.ts";
import type { Unit } from "../input/split.ts";
import type { FinishedBlock } from "../output/finished-block.ts";
import type { RetryDelay } from "../parse/timeout.ts";
import type { FailedRecord } from "../report/reporter.ts";
import type { BlockResult, UnitFailure } from "../work/block-runner.ts";
import { joblogRow } from "../work/joblog-row.ts";
import { keyOf } from "../work/keys.ts";
import { failureEnvelope, valueToJson } from "../work/record-line.ts";
import type { ErrorReport, RunFacts } from "../work/record-line.ts";
import { recordsOf } from "../work/records-of.ts";
import type { RunSpec } from "../work/run-spec.ts";
import type { BlockSize } from "./block-size.ts";
import { outcomeOf } from "./outcome.ts";
import type { Death, Outcome } from "./outcome.ts";
import { pause } from "./pacer.ts";
import type { Pacer } from "./pacer.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import type { RunCounters } from "./run-counters.ts";
import type { Slots } from "./slots.ts";
import type { RecordTimeLimit } from "./time-limit.ts";
import type { Workers } from "./workers.ts";
import { Date, performance } from "../../../util/platform.ts";

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
}

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

const NOTHING: Piece = { parts: [], errors: "", log: "" };

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
   * Everything that is to be written about a block. The caller has taken a slot; it is released here.
   *
   * @throws when the run as a whole cannot go on, for example since no worker can be started.
   */
  async run(block: RecordBlock): Promise<FinishedBlock> {
    const { body, bytes, ranges } = block;
    const tally = new Tally();
    const { parts, errors, log } = await this.#whole({ body, bytes }, tally);
    const picked = body.picks?.map(({ index }) => index);
    const { ok, failed, notRun } = tally;
    return { parts, errors, log, ranges, picked, ok, failed, bytes, notRun };
  }

  async #whole(unit: Unit, tally: Tally): Promise<Piece> {
    const { batch } = this.#options.spec;
    const outcome = await this.#attempt(unit, 1, undefined);
    if (outcome.kind === "ran") return this.#collect(unit, 1, outcome.result, tally);
    if (outcome.kind === "cancelled") return this.#notRun(unit, tally);
    if (outcome.kind === "evicted") return this.#single(unit, 1, undefined, tally);
    if (outcome.isCrash) this.#options.counters.crashes += 1;
    if (unit.body.count <= batch) return this.#afterDeath(unit, 1, outcome, tally);
    const units = unitsOf(this.#options.spec.shape, unit.body, unit.bytes, batch);
    return woven(await Promise.all(units.map((one) => this.#single(one, 1, undefined, tally))));
  }

  /** Runs a unit, waiting for a slot first. */
  async #single(
    unit: Unit,
    attempt: number,
    avoid: number | undefined,
    tally: Tally,
  ): Promise<Piece> {
    const { counters, slots } = this.#options;
    for (;;) {
      await slots.take();
      const outcome = await this.#attempt(unit, attempt, avoid);
      if (outcome.kind === "evicted") continue;
      if (outcome.kind === "ran") return this.#collect(unit, attempt, outcome.result, tally);
      if (outcome.kind === "cancelled") return this.#notRun(unit, tally);
      if (outcome.isCrash) counters.crashes += 1;
      if (unit.body.count <= this.#options.spec.batch) {
        return this.#afterDeath(unit, attempt, outcome, tally);
      }
      const units = unitsOf(
        this.#options.spec.shape,
        unit.body,
        unit.bytes,
        this.#options.spec.batch,
      );
      return woven(await Promise.all(units.map((one) => this.#single(one, 1, avoid, tally))));
    }
  }

  async #attempt(unit: Unit, number: number, avoid: number | undefined): Promise<Outcome> {
    const { workers, spec, slots, counters, size, pacer, memory, timeLimit } = this.#options;
    const { body } = unit;
    let [begun, timeout] = [performance.now(), timeLimit.ms];
    try {
      await memory.pass();
      await pacer.turn();
      // What waited for its turn does not begin after the end.
      if (this.#options.stopped.aborted) return { kind: "cancelled" };
      [begun, timeout] = [performance.now(), timeLimit.ms];
      const result = await workers.run(spec, body, { number, avoid, timeout });
      if (result === undefined) return { kind: "evicted" };
      counters.noteCpu(result);
      const resultBytes = result.parts.reduce((sum, part) => sum + part.length, 0);
      size.observe({ records: body.count, bytes: unit.bytes, ms: result.ms, resultBytes });
      timeLimit.observe(result.ms / body.count);
      this.#options.onResult(body, result);
      return { kind: "ran", result };
    } catch (error) {
      return outcomeOf(error, performance.now() - begun, timeout);
    } finally {
      slots.release();
    }
  }

  /** Puts the lines of a block together with those of its records that had to run again. */
  async #collect(unit: Unit, attempt: number, result: BlockResult, tally: Tally): Promise<Piece> {
    const { counters, spec } = this.#options;
    const { parts, failures, log } = result;
    const units =
      failures.length === 0 ? [] : unitsOf(spec.shape, unit.body, unit.bytes, spec.batch);
    const failing = failures.map(({ at }) => units[at] ?? unit);
    const failedCount = failing.reduce((sum, { body }) => sum + body.count, 0);
    const ok = unit.body.count - failedCount;
    tally.ok += ok;
    counters.ok += ok;
    counters.bytes += unit.bytes - failing.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#options.onCount();
    const { worker, pid } = result;
    const redone = await Promise.all(
      failures.map((failure, at) =>
        this.#afterFailure(failing[at] ?? unit, attempt, { ...failure, worker, pid }, tally),
      ),
    );
    const pieces: Piece[] = [{ ...NOTHING, log }];
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
  };
}
