import { setTimer } from "../../../util/timer.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import type { HaltRule } from "../parse/halt.ts";
import { clearTimeout } from "../../../util/platform.ts";

/** Why a run ends before its input does. */
export type EndReason = "SIGINT" | "SIGTERM" | "halt" | "max-time";

/** Ways to end a run early. */
export interface RunBrakes {
  /** Begins nothing more; what runs comes to its end. */
  drain(): void;
  /** Ends what runs. */
  kill(): void;
  /** Tells the user. */
  note(text: string): void;
}

const EXIT_CODES: Readonly<Record<EndReason, number>> = {
  SIGINT: EXIT_CODE.SIGINT,
  SIGTERM: EXIT_CODE.SIGTERM,
  halt: EXIT_CODE.halted,
  "max-time": EXIT_CODE.maxTime,
};

/** Ends a run early: gently, and if that takes too long, less so. The first reason counts. */
export class RunControl {
  readonly #stop = new AbortController();
  readonly #brakes: RunBrakes;
  #reason: EndReason | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(brakes: RunBrakes) {
    this.#brakes = brakes;
  }

  /** Aborts when nothing more is to be begun. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** The exit code to end with; `undefined` when the run was not ended early. */
  get exitCode(): number | undefined {
    return this.#reason === undefined ? undefined : EXIT_CODES[this.#reason];
  }

  /** The first signal. */
  interrupt(signal: "SIGINT" | "SIGTERM"): void {
    this.#begin(signal, `${signal}: what runs is finished, nothing more is read. Again to kill.`);
  }

  /** The rule of `--halt` is met. */
  halt({ when, what, amount, isPercent }: HaltRule): void {
    const rule = `${what}=${amount}${isPercent ? "%" : ""}`;
    const rest = when === "now" ? "what runs is ended" : "what runs is finished";
    if (this.#begin("halt", `--halt ${when},${rule}: ${rest}, nothing more is read.`)) {
      if (when === "now") this.#brakes.kill();
    }
  }

  /** Ends the run some time from now. */
  endAfter(maxTimeMs: number, killAfterMs: number): void {
    this.#timer = setTimer(() => {
      if (!this.#begin("max-time", "--max-time is over: what runs is finished, or ended soon.")) {
        return;
      }
      this.#timer = setTimer(() => this.#brakes.kill(), killAfterMs)?.unref();
    }, maxTimeMs)?.unref();
  }

  /** The run is over. */
  dispose(): void {
    clearTimeout(this.#timer);
  }

  #begin(reason: EndReason, text: string): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    this.#brakes.note(text);
    this.#stop.abort();
    this.#brakes.drain();
    return true;
  }
}
