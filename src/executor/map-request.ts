import type { Ownership } from "./unclosed.ts";
import { TimeoutError } from "../errors/index.ts";
import { checkTask, type Task } from "../task/index.ts";
import { setTimer } from "../util/timer.ts";
import type { MapJob } from "./map-feeder.ts";
import { StepSource } from "./map-source.ts";
import { checkBufferSize, checkChunkSize } from "./options.ts";
import type { CompiledOptions } from "./task-entry.ts";
import type { AnyIterable } from "./types.ts";

/** A `map` as its caller put it. */
export interface MapRequest {
  readonly task: Task<never, unknown>;
  readonly iterables: readonly AnyIterable<unknown>[];
  /** Each item of the single iterable is a list of arguments. */
  readonly spread?: boolean;
  /** After a failure the iterator goes on with the next item instead of ending. */
  readonly resumable?: boolean;
  /** Generators' items are yielded one by one instead of as a stream each. */
  readonly flatten?: boolean;
  readonly chunkSize?: number | undefined;
  readonly buffer?: number | undefined;
  readonly ordered?: boolean | undefined;
  readonly origin: (...args: never[]) => unknown;
  /** Held until the map is over, so that its executor does not count as dropped. */
  readonly ownership?: Ownership | undefined;
}

/** Checks a request and fills in what the options of its executor say. */
export function jobOf(options: CompiledOptions, request: MapRequest): MapJob {
  const { source } = options;
  checkTask(request.task, "task");
  if (request.chunkSize !== undefined) checkChunkSize(request.chunkSize, "chunkSize");
  if (request.buffer !== undefined) checkBufferSize(request.buffer, "buffer");
  // A timeout or a retry is meant for an item, not for a chunk of them.
  const perItem = source.timeout !== undefined || options.retries > 0;
  return {
    task: request.task,
    source: new StepSource(request.iterables, request.spread === undefined ? undefined : "items"),
    spread: request.spread ?? request.iterables.length > 1,
    chunkSize: request.chunkSize ?? source.chunkSize ?? (perItem ? 1 : undefined),
    buffer: request.buffer ?? source.buffer,
    origin: request.origin,
    ownership: request.ownership,
  };
}

/** Calls back when the time of a whole map is up. */
export function onDeadline(
  { source: { mapTimeout } }: CompiledOptions,
  expire: (error: TimeoutError) => void,
): NodeJS.Timeout | undefined {
  if (mapTimeout === undefined) return undefined;
  return setTimer(() => {
    expire(new TimeoutError(`The map was not done within ${mapTimeout} ms of its start.`));
  }, mapTimeout);
}
