import { progressText } from "./progress-text.ts";
import { TextReporter } from "./text-reporter.ts";
import type { ReporterOptions } from "./text-reporter.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import { clearInterval, setInterval } from "../../../util/platform.ts";

/** Seldom enough for the log of a night's run, often enough to see that it lives. */
const LINE_EVERY_MS = 10_000;

/** Lines of text: for logs and pipes, and for `--progress none`. */
export class PlainReporter extends TextReporter {
  readonly #showsProgress: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReporterOptions, showsProgress: boolean) {
    super(options);
    this.#showsProgress = showsProgress;
  }

  start(counters: RunCounters, unit: string): void {
    if (!this.#showsProgress) return;
    const show = (): void => this.note(progressText(counters, unit));
    this.#timer = setInterval(show, LINE_EVERY_MS).unref();
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

  abort(): void {
    clearInterval(this.#timer);
  }
}
