import { EXIT_CODE } from "./exit-code.ts";

/** The signals that ask the command to end. */
export type StopSignal = "SIGINT" | "SIGTERM";

const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/**
 * Ends a run in two steps: the first signal lets what runs come to its end, the second does not.
 *
 * Listens from the construction until {@link Interruption.dispose}.
 */
export class Interruption {
  #signal: StopSignal | undefined;
  readonly #onFirst: (signal: StopSignal) => void;
  readonly #onSecond: () => void;

  /**
   * @param onFirst - called at the first signal.
   * @param onSecond - called at the second, before the process exits.
   */
  constructor(onFirst: (signal: StopSignal) => void, onSecond: () => void) {
    this.#onFirst = onFirst;
    this.#onSecond = onSecond;
    for (const signal of SIGNALS) process.on(signal, this.#handle);
  }

  /** The exit code to end with; `undefined` when no signal came. */
  get exitCode(): number | undefined {
    return this.#signal === undefined ? undefined : EXIT_CODE[this.#signal];
  }

  /** Stops listening. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#handle);
  }

  readonly #handle = (signal: NodeJS.Signals): void => {
    if (this.#signal !== undefined) {
      this.#onSecond();
      process.exit(EXIT_CODE[this.#signal]);
    }
    this.#signal = signal === "SIGTERM" ? "SIGTERM" : "SIGINT";
    this.#onFirst(this.#signal);
  };
}
