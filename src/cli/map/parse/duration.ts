import { CliError } from "../../cli-error.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration such as `500ms`, `1.5s`, `2m` or `1h`.
 *
 * A bare number is refused: whether 30 means seconds or milliseconds is a guess that costs a night's run.
 *
 * @returns milliseconds, greater than 0.
 * @throws CliError for anything else, naming the option.
 */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const amount = Number(match?.[1]);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (match !== null && unit === undefined) {
    throw new CliError(`${option} needs a unit: write ${text}s or ${text}ms`);
  }
  if (unit === undefined || !(amount > 0)) {
    throw new CliError(`${option} expects a duration such as 500ms, 30s, 2m or 1h, got "${text}"`);
  }
  return amount * unit;
}
