import { progressText } from "./progress-text.ts";
import { FailureGroups } from "./failure-groups.ts";
import { failureText } from "./reporter.ts";
import type { FailedRecord } from "../counters/failed-record.ts";
import type { Reporter } from "./reporter.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import { shownSummary } from "./summary.ts";
import type { Summary } from "./summary.ts";
import { clearInterval, setInterval } from "../../../util/platform.ts";

/** Seldom enough for the log of a night's run, often enough to see that it lives. */
const LINE_EVERY_MS = 10_000;

/** What a reporter shows besides failures and notes. */
export interface ReporterOptions {
  /** Whether failed records are told; not when the output tells them. */
  readonly showsFailures: boolean;
  /** Whether each of them is told, and not one for its like. */
  readonly showsAll: boolean;
  readonly showsSummary: boolean;
  /** The summary as one line of JSON. */
  readonly isJsonSummary: boolean;
  /** Where failed records can be read, for the summary. */
  readonly failedIn: string | undefined;
}

/** Lines of text: for logs and pipes, and for `--progress none`. */
export class PlainReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #showsProgress: boolean;
  readonly #failures = new FailureGroups();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReporterOptions, showsProgress: boolean) {
    this.#options = options;
    this.#showsProgress = showsProgress;
  }

  start(counters: RunCounters, unit: string): void {
    if (!this.#showsProgress) return;
    const show = (): void => this.note(progressText(counters, unit));
    this.#timer = setInterval(show, LINE_EVERY_MS).unref();
  }

  failure(failure: FailedRecord): void {
    if (!this.#options.showsFailures) return;
    const text = this.#options.showsAll ? failureText(failure) : this.#failures.add(failure);
    if (text !== undefined) this.note(text);
  }

  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  pause(): void {
    // Nothing is drawn that could be in the way.
  }

  resume(): void {
    // As above.
  }

  finish(summary: Summary): void {
    this.abort();
    const failures = this.#failures.text();
    if (failures !== "") this.note(failures);
    if (this.#options.showsSummary) this.note(shownSummary(summary, this.#options));
  }

  abort(): void {
    clearInterval(this.#timer);
  }
}
