import { endCommand } from "../../command-process.ts";
import { EXIT_CODE } from "../../exit-code.ts";

/** The signals that ask the command to end. */
export type StopSignal = "SIGINT" | "SIGTERM";

const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/** Reactions to the signals. */
export interface SignalHandlers {
  /** The first that asks to end. */
  onFirst(signal: StopSignal): void;
  /** The second; the process exits behind it. */
  onSecond(): void;
  /** SIGUSR1: somebody wants to know what runs. */
  onAsk(): void;
}

/**
 * Ends a run in two steps: the first signal lets what runs come to its end, the second does not.
 *
 * Listens from the construction until {@link Interruption.dispose}.
 */
export class Interruption {
  #signal: StopSignal | undefined;
  readonly #handlers: SignalHandlers;

  constructor(handlers: SignalHandlers) {
    this.#handlers = handlers;
    for (const signal of SIGNALS) process.on(signal, this.#handle);
    process.on("SIGUSR1", this.#ask);
  }

  /** Stops listening. */
  dispose(): void {
    for (const signal of SIGNALS) process.off(signal, this.#handle);
    process.off("SIGUSR1", this.#ask);
  }

  readonly #handle = (signal: NodeJS.Signals): void => {
    if (this.#signal !== undefined) {
      this.#handlers.onSecond();
      endCommand(EXIT_CODE[this.#signal]);
    }
    this.#signal = signal === "SIGTERM" ? "SIGTERM" : "SIGINT";
    this.#handlers.onFirst(this.#signal);
  };

  readonly #ask = (): void => this.#handlers.onAsk();
}
