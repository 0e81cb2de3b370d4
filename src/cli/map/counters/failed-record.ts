import type { ErrorReport, RunFacts } from "../work/record-line.ts";

/** A record that failed for good. */
export interface FailedRecord {
  readonly index: number;
  /** A path, or `file:line`. */
  readonly key: string;
  readonly error: ErrorReport;
  readonly facts: RunFacts;
  /** Number of attempts it could have had. */
  readonly mostAttempts: number;
}
