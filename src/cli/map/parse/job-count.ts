import { CliError } from "../../cli-error.ts";

/**
 * Reads the number of workers: `8`, `50%` of the cores, `+1` or `-1` beside them, or `auto` for all.
 *
 * @param cores - how many cores this process may use.
 * @returns at least 1.
 * @throws CliError when it is none of these.
 */
export function parseJobCount(text: string, cores: number): number {
  const value = text.trim();
  if (value === "auto") return cores;
  const match = /^([+-]?)(\d+)(%?)$/.exec(value);
  const amount = Number(match?.[2]);
  const [, sign, , percent] = match ?? [];
  const isPercent = percent === "%";
  if (match === null || (isPercent && sign !== "") || (sign === "" && amount === 0)) {
    throw new CliError(`--jobs expects a number such as 4, 50%, +1, -1 or auto, got "${text}"`);
  }
  if (isPercent) return Math.max(1, Math.round((cores * amount) / 100));
  if (sign === "") return amount;
  return Math.max(1, sign === "+" ? cores + amount : cores - amount);
}
