import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import { bytesText } from "../../text.ts";
import type { FunctionName, ReduceSpec } from "../work/run-spec.ts";
import type { Workers } from "./workers.ts";

/** Partial results that are folded together at a time. */
const FAN_IN = 64;
/** More than this in one partial result are groups that will fill the memory. */
const MANY_BYTES = 64 * 1024 * 1024;

/**
 * Folds the results of blocks, and then those results, until one is left. Neighbours are folded with each
 * other, the earlier one first: the function need not be commutative.
 */
export class ReduceTree {
  readonly #spec: ReduceSpec;
  readonly #main: FunctionName;
  readonly #workers: Workers;
  readonly #warn: (text: string) => void;
  /** Of each level what is not folded further yet. */
  readonly #levels: Promise<Uint8Array>[][] = [];
  #hasWarned = false;

  /** @param warn - told once when groups take much memory. */
  constructor(
    spec: ReduceSpec,
    main: FunctionName,
    workers: Workers,
    warn: (text: string) => void,
  ) {
    this.#spec = spec;
    this.#main = main;
    this.#workers = workers;
    this.#warn = warn;
  }

  /** Adds what a block was folded to; blocks come in the order in which they are to be folded. */
  add(partial: Uint8Array): void {
    this.#push(0, Promise.resolve(partial));
  }

  /**
   * The lines of the result: one value, or one line for each group, sorted.
   *
   * @throws CliError when the user's function fails.
   */
  async lines(): Promise<Uint8Array> {
    try {
      let rest: Promise<Uint8Array> | undefined;
      for (const level of this.#levels) {
        const items = rest === undefined ? level : [...level, rest];
        if (items.length > 0) rest = items.length === 1 ? items[0] : this.#merge(items);
      }
      if (rest === undefined) return new Uint8Array();
      return await this.#workers.write(this.#spec, this.#main, await rest);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new CliError(message, EXIT_CODE.someFailed, { cause: error });
    }
  }

  #push(level: number, partial: Promise<Uint8Array>): void {
    const items = (this.#levels[level] ??= []);
    items.push(partial);
    if (items.length === FAN_IN) this.#push(level + 1, this.#merge(items.splice(0)));
  }

  #merge(partials: readonly Promise<Uint8Array>[]): Promise<Uint8Array> {
    const merged = this.#mergeAll(partials);
    // It is told by `lines`, which waits for it.
    merged.catch(() => undefined);
    return merged;
  }

  async #mergeAll(partials: readonly Promise<Uint8Array>[]): Promise<Uint8Array> {
    const merged = await this.#workers.merge(this.#spec, this.#main, await Promise.all(partials));
    if (merged.length > MANY_BYTES && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#warn(
        `The groups of --group-by take ${bytesText(merged.length)} so far, and all are kept in memory.`,
      );
    }
    return merged;
  }
}
