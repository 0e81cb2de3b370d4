import { CliError } from "../../cli-error.ts";

const UNITS = "KMGT";

/**
 * Reads a size such as `500`, `64K`, `1.5M`, `2GiB`: bytes, the units in steps of 1024.
 *
 * @throws CliError for anything else, naming the option.
 */
export function parseSize(text: string, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:i?B)?|B)?$/i.exec(text.trim());
  const power = UNITS.indexOf(match?.[2]?.toUpperCase() ?? "") + 1;
  const bytes = Math.floor(Number(match?.[1]) * 1024 ** (match?.[2] === undefined ? 0 : power));
  if (match === null || !(bytes >= 1)) {
    throw new CliError(`${option} expects a size such as 64K, 1M or 2G, got "${text}"`);
  }
  return bytes;
}
