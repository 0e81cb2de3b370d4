import { BrokenExecutorError, InvalidStateError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";

/** Something that goes on making tasks after its call has returned: a map. */
export interface Feeder {
  /** It is told that no more tasks are taken. */
  refuse(error: Error): void;
}

/** The life cycle of an executor: open, shut down, terminated, or broken; with the reason why no tasks are taken. */
export class Lifecycle {
  readonly #name: string;
  /** Maps that have more to feed. */
  readonly #feeders: Set<Feeder> = new Set();
  #closing = false;
  #broken: BrokenExecutorError | undefined;
  #refusal: Error | undefined;
  #ended: Deferred<void> | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** In a word, for `console.log`. */
  get state(): "open" | "broken" | "shut down" {
    if (this.#broken !== undefined) return "broken";
    return this.#closing ? "shut down" : "open";
  }

  /** True once no more calls are taken. */
  get isClosing(): boolean {
    return this.#closing;
  }

  /** True while somebody waits for the last worker to end. */
  get isAwaited(): boolean {
    return this.#ended !== undefined;
  }

  /** The reason why workers cannot be started any more. */
  get broken(): BrokenExecutorError | undefined {
    return this.#broken;
  }

  /** The reason why tasks that still come, from maps that have begun, are not taken any more. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** @throws InvalidStateError after shutdown, BrokenExecutorError when workers cannot start. */
  assertOpen(): void {
    if (this.#broken !== undefined) {
      const { message, cause } = this.#broken;
      // One of its own, with the stack of this call.
      throw new BrokenExecutorError(message, { cause });
    }
    if (this.#closing) {
      throw new InvalidStateError(`Executor "${this.#name}" was shut down; make a new one.`);
    }
  }

  /** A map has more to feed; until it leaves it is told when that is in vain. */
  enter(feeder: Feeder): void {
    this.#feeders.add(feeder);
  }

  /** A map has fed all. */
  leave(feeder: Feeder): void {
    this.#feeders.delete(feeder);
  }

  /** No more calls; what was accepted is done. */
  close(): void {
    this.#closing = true;
  }

  /** From now on maps make no more tasks either. */
  refuse(error: Error): void {
    this.#refusal ??= error;
    for (const feeder of [...this.#feeders]) feeder.refuse(error);
  }

  /** Workers cannot be started. @returns the error for everything that waits; undefined when that was known. */
  break(what: string, cause: unknown): BrokenExecutorError | undefined {
    if (this.#broken !== undefined) return undefined;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    this.#broken = new BrokenExecutorError(
      `Executor "${this.#name}" cannot start workers. ${what}${why}`,
      { cause },
    );
    this.refuse(this.#broken);
    return this.#broken;
  }

  /** Settles when the last worker has ended. */
  whenEnded(): Promise<void> {
    this.#ended ??= deferred();
    return this.#ended.promise;
  }

  /** The last worker has ended. */
  end(): void {
    this.#ended?.resolve();
  }
}
