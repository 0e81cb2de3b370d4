import type { FailedRecord } from "../counters/failed-record.ts";
import type { Reporter } from "./reporter.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { Summary } from "./summary.ts";
import { clearInterval, setInterval } from "../../../util/platform.ts";

const LINE_EVERY_MS = 1000;

/** One JSON object per line, each with an `event`: for programs that watch a run. */
export class JsonReporter implements Reporter {
  #timer: NodeJS.Timeout | undefined;

  start(counters: RunCounters, unit: string): void {
    const show = (): void => this.#progress(counters, unit);
    this.#timer = setInterval(show, LINE_EVERY_MS).unref();
    show();
  }

  failure({ index, key, error, facts, mostAttempts }: FailedRecord): void {
    const { attempts, ms, worker, pid } = facts;
    this.#line("failed", { index, key, error, attempts, mostAttempts, ms, worker, pid });
  }

  note(text: string): void {
    this.#line("note", { text });
  }

  pause(): void {
    // Nothing is drawn that could be in the way.
  }

  resume(): void {
    // As above.
  }

  finish(summary: Summary): void {
    this.abort();
    this.#line("summary", { ...summary });
  }

  abort(): void {
    clearInterval(this.#timer);
  }

  #progress(counters: RunCounters, unit: string): void {
    const { done, ok, failed, bytes, totals, elapsedMs, remainingMs } = counters;
    this.#line("progress", {
      unit,
      done,
      ok,
      failed,
      bytes,
      recordsBefore: counters.before.records,
      bytesBefore: counters.before.bytes,
      totalRecords: totals.records ?? null,
      totalBytes: totals.bytes ?? null,
      fraction: counters.fraction ?? null,
      elapsedMs: Math.round(elapsedMs),
      remainingMs: remainingMs === undefined ? null : Math.round(remainingMs),
    });
  }

  #line(event: string, fields: Readonly<Record<string, unknown>>): void {
    process.stderr.write(`${JSON.stringify({ event, ...fields })}\n`);
  }
}
