import { countText, spanText } from "../../text.ts";
import type { RunCounters } from "../counters/run-counters.ts";
import type { Flight } from "./workers.ts";
import { performance } from "../../../util/platform.ts";

/** Lines for people about what runs at this moment: the answer to SIGUSR1. */
export function runningText(flights: Iterable<Flight>, counters: RunCounters): string {
  const now = performance.now();
  const lines = [
    `${countText(counters.done)} done, ${countText(counters.failed)} failed; running:`,
  ];
  for (const { body, since, future } of flights) {
    if (!future.running) continue;
    const { first, count, source, line, items } = body;
    const last = first + count - 1;
    const records = count === 1 ? `record ${first}` : `records ${first}-${last}`;
    const where = items === undefined ? `${source}:${line}` : (items[0] ?? source);
    lines.push(`  ${where} (${records}) for ${spanText(now - since)}`);
  }
  if (lines.length === 1) lines.push("  nothing");
  return lines.join("\n");
}
