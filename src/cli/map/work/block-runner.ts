import { taskContext } from "../../../executor/index.ts";
import { resolveTask } from "../../../task/index.ts";
import { isThenable } from "../../../util/thenable.ts";
import { guarded } from "../../command-process.ts";
import type { BlockBody } from "../input/block.ts";
import { loadCsvParser } from "../input/csv-parser.ts";
import type { BlockResult, TracedCall, UnitFailure } from "./block-result.ts";
import { Checkpoint, monotonicMs } from "./checkpoint.ts";
import type { CheckpointPlace } from "./checkpoint.ts";
import { reportError, reportMalformed } from "./error-report.ts";
import { Fold } from "./fold.ts";
import { workerState } from "./hooks.ts";
import { joblogRow } from "./joblog-row.ts";
import { keyOf } from "./keys.ts";
import { valueToJson } from "./record-line.ts";
import type { ErrorReport, RunFacts } from "./record-line.ts";
import { recordsOf } from "./records-of.ts";
import type { ReadRecord } from "./records-of.ts";
import type { RunSpec } from "./run-spec.ts";
import { unitLines } from "./unit-lines.ts";
import { prepareWorker } from "./prepare-worker.ts";
import { performance } from "../../../util/platform.ts";

// What else runs in workers: the command names all of it by this one module.
export { mergePartials, writePartial } from "./fold.ts";
export { endWorker, startWorker } from "./hooks.ts";
export { inspectTarget } from "./inspect-target.ts";

/** Milliseconds that the clock of this thread lacks to that of all processes. */
const CLOCK_OFFSET_MS = monotonicMs() - performance.now();

/** Calls shorter than this are not told one by one in a trace: their block is. */
const TRACED_MS = 1;

/**
 * Runs the user's function on each record of a block, one after the other. Runs in a worker.
 *
 * A record that fails does not touch its neighbours: it is told in `failures`.
 */
export async function runBlock(
  spec: RunSpec,
  body: BlockBody,
  attempts: number,
  place: CheckpointPlace | undefined,
): Promise<BlockResult> {
  prepareWorker();
  const checkpoint =
    place === undefined ? undefined : new Checkpoint(place, taskContext().worker.id);
  // Until the first record begins, its time runs: a module may hang while it loads.
  checkpoint?.begin(monotonicMs());
  try {
    return await run(spec, body, attempts, checkpoint);
  } finally {
    checkpoint?.leave();
  }
}

async function run(
  spec: RunSpec,
  body: BlockBody,
  attempts: number,
  checkpoint: Checkpoint | undefined,
): Promise<BlockResult> {
  const { module, name } = spec;
  const call = (await resolveTask({ kind: "export", module, name })) as UserFunction;
  if (spec.shape.format === "csv") await loadCsvParser();
  const fold = spec.reduce === undefined ? undefined : await Fold.of(spec.reduce);
  return new BlockRunner(spec, body, call, fold, attempts, checkpoint).run();
}

type UserFunction = (record: unknown, state?: unknown) => unknown;

class BlockRunner {
  readonly #spec: RunSpec;
  readonly #body: BlockBody;
  readonly #call: UserFunction;
  readonly #fold: Fold | undefined;
  readonly #attempts: number;
  readonly #worker: number = taskContext().worker.id;
  readonly #begun: number = performance.now();
  readonly #parts: Uint8Array[] = [];
  readonly #failures: UnitFailure[] = [];
  readonly #calls: TracedCall[] = [];
  readonly #checkpoint: Checkpoint | undefined;
  /** Nothing more may be begun: there is no room to note it, or the block was stopped. */
  #isOver = false;
  #units = 0;
  #lines = "";
  #log = "";

  constructor(
    spec: RunSpec,
    body: BlockBody,
    call: UserFunction,
    fold: Fold | undefined,
    attempts: number,
    checkpoint: Checkpoint | undefined,
  ) {
    this.#checkpoint = checkpoint;
    this.#spec = spec;
    this.#body = body;
    this.#fold = fold;
    this.#attempts = attempts;
    const state = workerState();
    // A function with an optional second parameter must not get something unexpected there.
    this.#call = guarded(spec.hasState ? (record) => call(record, state) : call);
  }

  async run(): Promise<BlockResult> {
    const { isBatch, batch, shape } = this.#spec;
    let at = 0;
    let unit: ReadRecord[] = [];
    for (const record of recordsOf(shape, this.#body)) {
      if (isBatch) {
        unit.push(record);
        if (unit.length < batch) continue;
      }
      const begun = performance.now();
      if (!this.#begin(begun)) return this.#result();
      const done = this.#unit(at, record, isBatch ? unit : undefined, begun);
      // Awaiting a plain value would cost a turn of the microtask queue for each record.
      if (done !== undefined) await done;
      this.#end();
      unit = [];
      at += 1;
    }
    const [first] = unit;
    const begun = performance.now();
    if (first !== undefined && this.#begin(begun)) {
      await this.#unit(at, first, unit, begun);
      this.#end();
    }
    return this.#result();
  }

  #begin(begun: number): boolean {
    if (this.#isOver) return false;
    return this.#checkpoint?.begin(begun + CLOCK_OFFSET_MS) ?? true;
  }

  /** A record whose result found no room is the last one: the parent learns of it as of all before. */
  #end(): void {
    this.#units += 1;
    if (!this.#isOver && this.#checkpoint?.commit() === false) this.#isOver = true;
  }

  #notes(hasRoom: boolean | undefined): void {
    if (hasRoom === false) this.#isOver = true;
  }

  /** Runs the function for one record, or one batch of them. */
  #unit(
    at: number,
    record: ReadRecord,
    batch: readonly ReadRecord[] | undefined,
    begun: number,
  ): Promise<void> | undefined {
    const head = batch?.[0] ?? record;
    const malformed = (batch ?? [record]).find((one) => one.malformed !== undefined);
    if (malformed?.malformed !== undefined) {
      const error = reportMalformed(malformed.malformed);
      this.#fail(at, malformed, { error, begun, isFinal: true });
      return undefined;
    }
    // Not a method of this object: neither its `this` nor the name in stacks.
    const call = this.#call;
    try {
      const returned = call(batch?.map(({ value }) => value) ?? record.value);
      if (isThenable(returned)) return this.#await(at, head, batch, begun, returned);
      const folding = this.#keep(head, batch, begun, returned);
      return folding?.catch((error: unknown) => this.#caught(at, head, begun, error));
    } catch (error) {
      this.#caught(at, head, begun, error);
      return undefined;
    }
  }

  async #await(
    at: number,
    head: ReadRecord,
    batch: readonly ReadRecord[] | undefined,
    begun: number,
    returned: PromiseLike<unknown>,
  ): Promise<void> {
    try {
      await this.#keep(head, batch, begun, await returned);
    } catch (error) {
      this.#caught(at, head, begun, error);
    }
  }

  /** Writes the lines of a value, or folds it. @throws TypeError when JSON cannot hold it. */
  #keep(
    head: ReadRecord,
    batch: readonly ReadRecord[] | undefined,
    begun: number,
    value: unknown,
  ): Promise<void> | undefined {
    if (this.#fold !== undefined) {
      // Before it is folded, which may change it.
      const encoded = this.#fold.encoded(value);
      const keep = (): void => this.#notes(this.#checkpoint?.addBytes(encoded));
      const folding = this.#fold.add(value);
      if (folding instanceof Promise) {
        return folding.then(() => {
          keep();
          this.#note(head, begun, "", 0);
        });
      }
      keep();
      this.#note(head, begun, "", 0);
      return undefined;
    }
    const facts = this.#spec.isEnvelope ? this.#facts(begun) : undefined;
    const lines = unitLines(this.#spec, this.#body, head, batch, value, facts);
    // What stands in the notes need not be kept twice.
    if (this.#checkpoint?.addText(lines) !== true) this.#lines += lines;
    if (this.#lines !== "") this.#isOver = this.#checkpoint !== undefined;
    this.#note(head, begun, lines, 0);
    return undefined;
  }

  #facts(begun: number): RunFacts {
    const ms = performance.now() - begun;
    return { attempts: this.#attempts, ms, worker: this.#worker, pid: process.pid };
  }

  #caught(at: number, head: ReadRecord, begun: number, error: unknown): void {
    const report = reportError(error, this.#spec.hasFullStacks);
    this.#fail(at, head, { error: report, begun, isFinal: false });
  }

  #fail(
    at: number,
    record: ReadRecord,
    { error, begun, isFinal }: { error: ErrorReport; begun: number; isFinal: boolean },
  ): void {
    this.#cutPart();
    const key = keyOf(this.#spec, this.#body, record);
    const failure = { at, key, error, ms: performance.now() - begun, isFinal };
    this.#failures.push(failure);
    if (this.#checkpoint !== undefined) {
      const { textLength } = this.#checkpoint;
      this.#notes(this.#checkpoint.addEvent({ failure, textAt: textLength }));
    }
    this.#note(record, begun, "", 1);
  }

  /** Keeps what the job log and the trace want to know of one call. */
  #note(record: ReadRecord, begun: number, lines: string, exitCode: number): void {
    const { isLogged, isTraced } = this.#spec;
    if (!isLogged && !isTraced) return;
    const ms = performance.now() - begun;
    if (isTraced && ms >= TRACED_MS) {
      this.#calls.push([record.index, begun - this.#begun, ms, exitCode === 0]);
    }
    if (!isLogged) return;
    const { value } = record;
    const sent = typeof value === "string" ? Buffer.byteLength(value) : valueToJson(value).length;
    const row = joblogRow({
      seq: record.index + 1,
      started: (performance.timeOrigin + begun) / 1000,
      seconds: ms / 1000,
      sent,
      received: Buffer.byteLength(lines),
      exitCode,
      signal: 0,
      command: `${this.#spec.label} ${keyOf(this.#spec, this.#body, record)}`,
    });
    this.#log += row;
    this.#notes(this.#checkpoint?.addEvent({ log: row }));
  }

  /** Ends a part of the lines: a failure, or the end of the block, follows. */
  #cutPart(): void {
    const rest = Buffer.from(this.#lines);
    this.#lines = "";
    const noted = this.#fold === undefined ? this.#checkpoint?.takeText() : undefined;
    this.#parts.push(noted === undefined ? rest : Buffer.concat([noted, rest]));
  }

  #result(): BlockResult {
    this.#cutPart();
    const { user, system } = process.cpuUsage();
    return {
      parts: this.#parts,
      failures: this.#failures,
      log: this.#log,
      units: this.#units,
      partials: this.#fold === undefined ? [] : [this.#fold.encode()],
      calls: this.#calls,
      startedAt: performance.timeOrigin + this.#begun,
      ms: performance.now() - this.#begun,
      cpuUs: user + system,
      memory: process.memoryUsage.rss(),
      worker: this.#worker,
      pid: process.pid,
    };
  }
}
