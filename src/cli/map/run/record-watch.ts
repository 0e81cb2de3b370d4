import { TimeoutError } from "../../../errors/index.ts";
import { clearTimeout, setTimeout } from "../../../util/platform.ts";
import { monotonicMs } from "../work/checkpoint.ts";
import type { Flight } from "./workers.ts";

/**
 * Gives up a block when the record that runs has taken longer than it may; what it did before counts.
 *
 * @param timeout - milliseconds for one record.
 */
export function watchRecord(flight: Flight, timeout: number): { stop(): void } {
  const { checkpoint, future } = flight;
  if (checkpoint === undefined) return { stop: () => undefined };
  let timer = setTimeout(look, timeout);
  function look(): void {
    if (flight.givenUp !== undefined) return;
    const { units, startedAt } = checkpoint!.look();
    // Nothing runs: it waits for a worker, or is between two records.
    const left = startedAt === 0 ? timeout : timeout - (monotonicMs() - startedAt);
    if (left > 0) {
      timer = setTimeout(look, Math.max(1, Math.ceil(left)));
      return;
    }
    // It may come to its end at this very moment: then the one behind it is not to blame.
    flight.givenUp = checkpoint!.stop().units === units ? "late" : "evicted";
    future.cancel(new TimeoutError(`The record took longer than ${timeout} ms.`));
  }
  return { stop: () => clearTimeout(timer) };
}
