import type { WriteStream } from "node:tty";
import { progressParts } from "./progress-text.ts";
import { TextReporter } from "./text-reporter.ts";
import type { ReporterOptions } from "./text-reporter.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import { clearInterval, setInterval } from "../../../util/platform.ts";

/** Ten times a second looks alive; more only costs. */
const REDRAW_EVERY_MS = 100;
const BAR_CELLS = 20;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = "\r\u001b[K";

/** A line at the bottom of a terminal that is drawn over and over, and gone when the run is. */
export class BarReporter extends TextReporter {
  readonly #terminal: Pick<WriteStream, "write" | "columns">;
  readonly #hasColor: boolean;
  #timer: NodeJS.Timeout | undefined;
  #isDrawn = false;
  #isPaused = false;

  constructor(
    options: ReporterOptions,
    terminal: Pick<WriteStream, "write" | "columns">,
    hasColor: boolean,
  ) {
    super(options);
    this.#terminal = terminal;
    this.#hasColor = hasColor;
  }

  start(counters: RunCounters, unit: string): void {
    const draw = (): void => this.#draw(counters, unit);
    this.#timer = setInterval(draw, REDRAW_EVERY_MS).unref();
    draw();
  }

  note(text: string): void {
    this.#clear();
    this.#terminal.write(`${text}\n`);
  }

  pause(): void {
    this.#isPaused = true;
    this.#clear();
  }

  resume(): void {
    this.#isPaused = false;
  }

  abort(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #clear(): void {
    if (this.#isDrawn) this.#terminal.write(CLEAR_LINE);
    this.#isDrawn = false;
  }

  #draw(counters: RunCounters, unit: string): void {
    if (this.#isPaused) return;
    // Asked at each drawing: the window may have changed. One column stays free, or terminals wrap.
    const room = (this.#terminal.columns || DEFAULT_COLUMNS) - 1;
    const parts = progressParts(counters, unit);
    const fraction = counters.fraction;
    const percent =
      fraction === undefined ? "" : `${String(Math.floor(fraction * 100)).padStart(3)}% `;
    let line = percent;
    for (const [at, part] of parts.entries()) {
      const next = at === 0 ? part : `  ${part}`;
      if (line.length + next.length > room) break;
      line += next;
    }
    const hasBar = fraction !== undefined && line.length + BAR_CELLS + 3 <= room;
    const bar = hasBar ? `${this.#bar(fraction)} ` : "";
    this.#terminal.write(CLEAR_LINE + bar + line.slice(0, room));
    this.#isDrawn = true;
  }

  #bar(fraction: number): string {
    const full = Math.round(fraction * BAR_CELLS);
    const cells = "#".repeat(full);
    const painted = this.#hasColor && full > 0 ? `\u001b[32m${cells}\u001b[39m` : cells;
    return `[${painted}${".".repeat(BAR_CELLS - full)}]`;
  }
}
