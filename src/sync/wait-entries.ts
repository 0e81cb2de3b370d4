import { wrongType } from "../util/argument-error.ts";
import { InvalidStateError } from "../errors/index.ts";
import type { Context, WaitRequest } from "../parking/index.ts";
import { EndingWatch, isEnding } from "./endings.ts";
import { targetOf } from "./waitable.ts";

/** One of the objects of a wait for several. */
export interface Entry {
  /** Where it stands in the caller's list. */
  readonly index: number;
  request(): WaitRequest<{}>;
  /** Notes that the wait took it. */
  taken(): void;
  giveBack(): void;
  isAbandoned(): boolean;
}

/** Who asks, and how. */
export interface EntryOptions {
  readonly caller: string;
  /** For each object the context that is to hold it; undefined: the whole thread. */
  readonly contexts?: readonly Context[];
  /** Ends what is watched in the event loop; without it that cannot be waited for. */
  readonly signal?: AbortSignal;
}

/** Checks a list of objects to wait for. */
export function entriesOf(objects: readonly unknown[], options: EntryOptions): Entry[] {
  if (!Array.isArray(objects) || objects.length === 0) {
    throw wrongType("objects", "an array of at least one object to wait for", objects);
  }
  return objects.map((object: unknown, index) => entryOf(object, index, options));
}

function entryOf(
  object: unknown,
  index: number,
  { caller, contexts, signal }: EntryOptions,
): Entry {
  const target = targetOf(object);
  if (target !== undefined) {
    return {
      index,
      request: () => target.request(contexts?.[index]),
      taken: () => target.taken?.(),
      giveBack: target.giveBack,
      isAbandoned: () => target.isAbandoned?.() === true,
    };
  }
  if (!isEnding(object)) {
    throw wrongType(
      `objects[${index}]`,
      "a lock, semaphore, event, timer, process, thread or promise",
      object,
    );
  }
  if (signal === undefined) {
    throw new InvalidStateError(
      `${caller} blocks the event loop, in which number ${index} would end: use ${caller.replace("Sync", "")} for processes, threads and promises.`,
    );
  }
  const { request } = new EndingWatch(object, signal);
  const nothing = (): void => {};
  return {
    index,
    request: () => request,
    taken: nothing,
    giveBack: nothing,
    isAbandoned: () => false,
  };
}
