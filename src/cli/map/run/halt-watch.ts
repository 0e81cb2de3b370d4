import type { HaltRule } from "../parse/halt.ts";
import type { RunCounters } from "../counters/run-counters.ts";

/** A percentage of one or two records says nothing; GNU parallel waits for three as well. */
const LEAST_FOR_PERCENT = 3;

/** Tells when the rule of `--halt` is met. */
export class HaltWatch {
  readonly #rule: HaltRule | undefined;
  readonly #counters: RunCounters;
  readonly #onHalt: (rule: HaltRule) => void;
  #hasHalted = false;

  constructor(rule: HaltRule | undefined, counters: RunCounters, onHalt: (rule: HaltRule) => void) {
    this.#rule = rule;
    this.#counters = counters;
    this.#onHalt = onHalt;
  }

  get hasHalted(): boolean {
    return this.#hasHalted;
  }

  /** Looks at the counters, after something has changed. */
  look(): void {
    const rule = this.#rule;
    if (rule === undefined || this.#hasHalted) return;
    const { ok, failed, done } = this.#counters;
    const count = { fail: failed, success: ok, done }[rule.what];
    const isMet = rule.isPercent
      ? count >= LEAST_FOR_PERCENT && count * 100 >= rule.amount * done
      : count >= rule.amount;
    if (!isMet) return;
    this.#hasHalted = true;
    this.#onHalt(rule);
  }
}
