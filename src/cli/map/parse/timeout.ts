import { CliError } from "../../cli-error.ts";
import { parseDuration } from "./duration.ts";

/** The limit for one run of a record. */
export type TimeLimit = { readonly ms: number } | { readonly timesMedian: number };

/** Reads a duration, or `3x`: so many times what half of the records took. */
export function parseTimeout(text: string): TimeLimit {
  const match = /^(\d+(?:\.\d+)?)x$/.exec(text.trim());
  if (match === null) return { ms: parseDuration(text, "--timeout") };
  const times = Number(match[1]);
  if (times <= 1) throw new CliError(`--timeout ${text} would end half of the records; write 3x`);
  return { timesMedian: times };
}

/** The wait before another attempt. */
export interface RetryDelay {
  readonly ms: number;
  /** Each further attempt waits twice as long, at most this. */
  readonly mostMs: number;
}

/** Reads `1s`, or `1s..30s` for delays that double from the one to the other. */
export function parseRetryDelay(text: string): RetryDelay {
  const [from = "", to, more] = text.split("..");
  const ms = from === "0" ? 0 : parseDuration(from, "--retry-delay");
  const mostMs = to === undefined ? ms : parseDuration(to, "--retry-delay");
  if (more === undefined && mostMs >= ms) return { ms, mostMs };
  throw new CliError(`--retry-delay expects a duration or a range such as 1s..30s, got "${text}"`);
}
