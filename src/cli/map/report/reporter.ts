import type { FailedRecord } from "../counters/failed-record.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { Summary } from "./summary.ts";

/** Shows a run to whoever watches it, on standard error. */
export interface Reporter {
  /** The run begins. */
  start(counters: RunCounters, unit: string): void;
  /** A record failed for good. */
  failure(failure: FailedRecord): void;
  /** Something the user should know now. */
  note(text: string): void;
  /** Draws nothing until {@link Reporter.resume}: results are written to the same terminal. */
  pause(): void;
  resume(): void;
  /** The run is over: cleans up what was drawn and shows the sums. */
  finish(summary: Summary): void;
  /** Cleans up without sums. */
  abort(): void;
}

/** A failed record as lines of text: where, which attempt, what, and the user's own frames. */
export function failureText({ index, key, error, facts, mostAttempts }: FailedRecord): string {
  const who = facts.pid === undefined ? "" : `, pid ${facts.pid}`;
  const head = `${key} (record ${index}, attempt ${facts.attempts}/${mostAttempts}${who})`;
  const frames = error.stack.split("\n").filter((line) => /^\s+at /.test(line));
  return [`${head}: ${error.name}: ${error.message}`, ...frames].join("\n");
}
