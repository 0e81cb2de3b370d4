import { deferred } from "../util/deferred.ts";
import { clearTimeout } from "../util/platform.ts";
import { MapFeeder, type MapReader } from "./map-feeder.ts";
import { jobOf, type MapRequest, onDeadline } from "./map-request.ts";
import type { Scheduler } from "./scheduler.ts";
import type { CompiledOptions } from "./task-entry.ts";

/** Up to this length the engine keeps the elements of an array in one block. */
const MAX_BLOCK = 1 << 24;

/** Runs a map to its end. @returns all values in order; fails with the first error and cancels the rest. */
export function mapToArray(
  scheduler: Scheduler,
  options: CompiledOptions,
  request: MapRequest,
): Promise<unknown[]> {
  const { promise, resolve, reject } = deferred<unknown[]>();
  const results: unknown[] = [];
  let missing = Infinity;
  let done = 0;
  const finish = (): void => {
    if (done < missing) return;
    clearTimeout(timer);
    results.length = done;
    resolve(results);
  };
  const fail = (error: unknown): void => {
    clearTimeout(timer);
    reject(error);
    run.stop();
  };
  const timer = onDeadline(options, fail);
  const reader: MapReader = {
    values(index, values) {
      makeRoom(results, Math.max(index, expected));
      for (let i = 0; i < values.length; i++) results[index + i] = values[i];
      done += values.length;
      run.taken(values.length);
      finish();
    },
    failure: (_index, _count, error) => fail(error),
    inputEnd(count, failure) {
      missing = count;
      if (failure !== undefined) fail(failure.error);
      else finish();
    },
  };
  const job = jobOf(options, request);
  const expected = job.source.length ?? 0;
  const run = new MapFeeder(scheduler, options, job, reader);
  run.feed();
  return promise;
}

/** Writing far behind the end of an array would turn it into a dictionary, ten times slower. */
function makeRoom(results: unknown[], length: number): void {
  if (length > results.length && length <= MAX_BLOCK) results.length = length;
}
