import type { FailedRecord } from "../counters/failed-record.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import { FailureGroups } from "./failure-groups.ts";
import { failureText } from "./reporter.ts";
import type { Reporter } from "./reporter.ts";
import { shownSummary } from "./summary.ts";
import type { Summary } from "./summary.ts";

/** Choices of a reporter besides its form. */
export interface ReporterOptions {
  /** True when failed records are told: not when the output tells them. */
  readonly showsFailures: boolean;
  /** True when each of them is told, and not one for its like. */
  readonly showsAll: boolean;
  readonly showsSummary: boolean;
  /** The summary as one line of JSON. */
  readonly isJsonSummary: boolean;
  /** The place where failed records can be read, for the summary. */
  readonly failedIn: string | undefined;
}

/** A reporter that tells failures and sums as text; how it shows progress, its kinds know. */
export abstract class TextReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #failures = new FailureGroups();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  abstract start(counters: RunCounters, unit: string): void;

  failure(failure: FailedRecord): void {
    if (!this.#options.showsFailures) return;
    const text = this.#options.showsAll ? failureText(failure) : this.#failures.add(failure);
    if (text !== undefined) this.note(text);
  }

  abstract note(text: string): void;
  abstract pause(): void;
  abstract resume(): void;

  finish(summary: Summary): void {
    this.abort();
    const failures = this.#failures.text();
    if (failures !== "") this.note(failures);
    if (this.#options.showsSummary) this.note(shownSummary(summary, this.#options));
  }

  abstract abort(): void;
}
