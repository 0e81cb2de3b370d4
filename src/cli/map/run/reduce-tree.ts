import { CliError } from "../../cli-error.ts";
import { EXIT_CODE } from "../../exit-code.ts";
import { valueToJson } from "../work/record-line.ts";
import type { ReduceSpec } from "../work/run-spec.ts";
import type { Workers } from "./workers.ts";

/** Partial results that are folded together at a time. */
const FAN_IN = 64;

/** Folds the results of blocks, and then those results, until one is left. */
export class ReduceTree {
  readonly #spec: ReduceSpec;
  readonly #workers: Workers;
  #partials: string[] = [];
  readonly #merging = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(spec: ReduceSpec, workers: Workers) {
    this.#spec = spec;
    this.#workers = workers;
  }

  /** Adds what a block was folded to. */
  add(partial: string): void {
    this.#partials.push(partial);
    if (this.#partials.length >= FAN_IN) this.#merge();
  }

  /**
   * The lines of the result: one value, or one line for each group, sorted.
   *
   * @throws CliError when the user's function fails.
   */
  async lines(): Promise<string> {
    for (;;) {
      await Promise.all(this.#merging);
      if (this.#failure !== undefined) throw this.#explain(this.#failure.error);
      if (this.#partials.length <= 1) break;
      this.#merge();
    }
    const pairs = JSON.parse(this.#partials[0] ?? "[]") as [unknown, unknown][];
    if (this.#spec.groupBy === undefined) {
      return pairs.map(([, value]) => `${valueToJson(value)}\n`).join("");
    }
    const rows = pairs.map(([key, value]) => ({ key, value }));
    rows.sort((a, b) => (String(a.key) < String(b.key) ? -1 : 1));
    return rows.map((row) => `${valueToJson(row)}\n`).join("");
  }

  #merge(): void {
    const partials = this.#partials.splice(0, FAN_IN);
    const merging = this.#workers.merge(this.#spec, partials).then(
      (merged) => this.add(merged),
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#merging.add(merging);
    void merging.then(() => this.#merging.delete(merging));
  }

  #explain(error: unknown): CliError {
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const message = `The --reduce function failed on values of several records: ${detail}`;
    return new CliError(message, EXIT_CODE.someFailed, { cause: error });
  }
}
