import type { RunCounters } from "../counters/run-counters.ts";
import { bytesText, clockText, countedText, countText, rateText } from "../../text.ts";

/** The parts of a progress line, the most important first. */
export function progressParts(counters: RunCounters, unit: string): string[] {
  const { done, bytes, failed, totals, elapsedMs, remainingMs, before } = counters;
  const seconds = Math.max(elapsedMs, 1) / 1000;
  // What an earlier run has done is done; how fast this one is, it says nothing about.
  const all = before.records + done;
  const count =
    totals.records === undefined
      ? countedText(all, unit)
      : `${countText(all)}/${countedText(totals.records, unit)}`;
  const parts = [count, `${countText(failed)} failed`];
  parts.push(remainingMs === undefined ? "ETA ?" : `ETA ${clockText(remainingMs)}`);
  if (bytes > 0) {
    const ofBytes = totals.bytes === undefined ? "" : ` of ${bytesText(totals.bytes)}`;
    parts.push(`${bytesText(before.bytes + bytes)}${ofBytes}`);
  }
  parts.push(`${rateText(done / seconds)} ${unit}s/s`);
  if (bytes > 0) parts.push(`${bytesText(bytes / seconds)}/s`);
  return parts;
}

/** The progress as one line of text. */
export function progressText(counters: RunCounters, unit: string): string {
  return progressParts(counters, unit).join(", ");
}
