import type { RunCounters } from "../counters/run-counters.ts";
import { bytesText, countedText, countText, rateText, spanText } from "../../text.ts";
import { performance } from "../../../util/platform.ts";

/** The sums of a run. Times are milliseconds. */
export interface Summary {
  readonly unit: string;
  readonly done: number;
  readonly ok: number;
  readonly failed: number;
  readonly notStarted: number;
  readonly retries: number;
  readonly crashes: number;
  /** Records that were begun again although they had not failed. */
  readonly repeated: number;
  readonly bytes: number;
  /** Records that earlier runs have done, and those of them that failed. */
  readonly ranBefore: number;
  readonly failedBefore: number;
  readonly wallMs: number;
  readonly parentCpuMs: number;
  readonly workerCpuMs: number;
  /** CPU time of parent and workers for each unit of wall time: what running in parallel gained. */
  readonly speedUp: number;
  readonly workers: string;
}

/** Sums up. @param workers - what ran it, such as `2 process workers`. */
export function summarize(
  counters: RunCounters,
  unit: string,
  workers: string,
  failedBefore: number,
): Summary {
  const { done, ok, failed, notStarted, retries, crashes, repeated, bytes } = counters;
  const { parentCpuMs, workerCpuMs } = counters;
  // CPU time counts from the start of this process, so wall time has to as well.
  const wallMs = performance.now();
  const speedUp = (parentCpuMs + workerCpuMs) / wallMs;
  const ranBefore = counters.before.ran;
  const counts = { unit, done, ok, failed, notStarted, retries, crashes, repeated, bytes };
  return { ...counts, ranBefore, failedBefore, wallMs, parentCpuMs, workerCpuMs, speedUp, workers };
}

/** The sums in the form that was asked for. */
export function shownSummary(
  summary: Summary,
  { isJsonSummary, failedIn }: { isJsonSummary: boolean; failedIn: string | undefined },
): string {
  return isJsonSummary ? JSON.stringify(summary) : summaryText(summary, failedIn);
}

/** The sums as lines for people. @param failedIn - where the failed records can be read, if anywhere. */
function summaryText(summary: Summary, failedIn: string | undefined): string {
  const { unit, done, ok, failed, bytes, wallMs, parentCpuMs, workerCpuMs } = summary;
  const seconds = wallMs / 1000;
  const where = failed > 0 && failedIn !== undefined ? ` (in ${failedIn}, "ok":false)` : "";
  const size = bytes > 0 ? `, ${bytesText(bytes)}` : "";
  const lines = [
    `${countedText(done, unit)}${size}: ${countText(ok)} ok, ${countText(failed)} failed${where}`,
  ];
  const extras = [
    summary.retries > 0 ? `${countText(summary.retries)} attempts repeated` : "",
    summary.crashes > 0 ? `${countedText(summary.crashes, "worker")} died` : "",
    summary.repeated > 0 ? `${countedText(summary.repeated, unit)} begun twice to make room` : "",
    summary.ranBefore > 0 ? `${countText(summary.ranBefore)} done before` : "",
    summary.failedBefore > 0
      ? `${countText(summary.failedBefore)} failed before (--retry-failed runs them again)`
      : "",
    summary.notStarted > 0 ? `${countText(summary.notStarted)} read but not started` : "",
  ].filter((text) => text !== "");
  if (extras.length > 0) lines.push(extras.join(", "));
  lines.push(
    `wall time ${spanText(wallMs)} with ${summary.workers}: ` +
      `${rateText(done / seconds)} ${unit}s/s, ${bytesText(bytes / seconds)}/s`,
    `CPU time ${spanText(parentCpuMs + workerCpuMs)} ` +
      `(parent ${spanText(parentCpuMs)}, workers ${spanText(workerCpuMs)}), ` +
      `speed-up ${summary.speedUp.toFixed(2)}x (CPU time / wall time)`,
  );
  return lines.join("\n");
}
