import type { RunCounters } from "../run/run-counters.ts";
import { bytesText, clockText, countedText, countText, rateText } from "../../text.ts";

/** The parts of a progress line, the most important first. */
export function progressParts(counters: RunCounters, unit: string): string[] {
  const { done, bytes, failed, totals, elapsedMs, remainingMs } = counters;
  const seconds = Math.max(elapsedMs, 1) / 1000;
  const count =
    totals.records === undefined
      ? countedText(done, unit)
      : `${countText(done)}/${countedText(totals.records, unit)}`;
  const parts = [count, `${countText(failed)} failed`];
  parts.push(remainingMs === undefined ? "ETA ?" : `ETA ${clockText(remainingMs)}`);
  if (bytes > 0) {
    const ofBytes = totals.bytes === undefined ? "" : ` of ${bytesText(totals.bytes)}`;
    parts.push(`${bytesText(bytes)}${ofBytes}`);
  }
  parts.push(`${rateText(done / seconds)} ${unit}s/s`);
  if (bytes > 0) parts.push(`${bytesText(bytes / seconds)}/s`);
  return parts;
}

/** The progress as one line of text. */
export function progressText(counters: RunCounters, unit: string): string {
  return progressParts(counters, unit).join(", ");
}

/** How much of the input is done, from 0 to 1; `undefined` when its size is unknown. */
export function fractionDone(counters: RunCounters): number | undefined {
  const { bytes, records } = counters.totals;
  if (bytes !== undefined && bytes > 0) {
    return Math.min(1, (counters.before.bytes + counters.bytes) / bytes);
  }
  return records === undefined || records === 0 ? undefined : counters.done / records;
}
