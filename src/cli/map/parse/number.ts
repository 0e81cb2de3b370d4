import { CliError } from "../../cli-error.ts";

/**
 * Reads a whole number.
 *
 * @param example - shown in the message.
 * @throws CliError naming the option.
 */
export function parseWhole(text: string, option: string, least: number, example: string): number {
  const value = /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new CliError(
    `${option} expects a whole number from ${least} such as ${example}, got "${text}"`,
  );
}

/** Reads a share such as `1%`, `0.5%` or `0.01`. @returns more than 0, at most 1. */
export function parseShare(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const share = Number(match?.[1]) / (match?.[2] === "%" ? 100 : 1);
  if (match !== null && share > 0 && share <= 1) return share;
  throw new CliError(`${option} expects a share such as 1% or 0.01, got "${text}"`);
}

/** Reads a pace such as `5/s`, `100/m` or `3`, which is per second. @returns milliseconds for each. */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text.trim());
  const count = Number(match?.[1]);
  const per = { s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? 1000;
  if (match !== null && count > 0) return per / count;
  throw new CliError(`--rate expects a pace such as 5/s or 100/m, got "${text}"`);
}
