import { inspectAs } from "../util/inspectable.ts";
import { deferred, type Deferred } from "../util/deferred.ts";

/** Items the reader is ahead of its consumer: enough to hide the way, little enough to stay flat. */
const WINDOW_ITEMS = 16;

type Step = IteratorResult<unknown, undefined>;

/** Messages of a {@link StreamReader} to the side that has the source. */
export interface StreamLine {
  /** There is room for that many more items. */
  pull(count: number): void;
  /** No more items are wanted. */
  stop(): void;
}

/**
 * The reading end of a stream whose source is on the other side.
 *
 * Written out rather than as an async generator: the source has to hear of `return()` also when nothing
 * was read yet, and at once when a `next()` still waits.
 */
export class StreamReader implements AsyncIterableIterator<unknown, undefined> {
  static {
    inspectAs(StreamReader, (reader) => {
      return `<Stream ${reader.#ended ? "ended" : "open"}, ${reader.#items.length} items here: use "for await">`;
    });
  }

  readonly #line: StreamLine;
  readonly #items: unknown[] = [];
  readonly #waiting: Deferred<Step>[] = [];
  /** Items asked for and not yet here. */
  #owed = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(line: StreamLine) {
    this.#line = line;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const call = deferred<Step>();
    this.#waiting.push(call);
    this.#serve();
    this.#grant();
    return call.promise;
  }

  return(): Promise<Step> {
    this.#items.length = 0;
    this.#failure = undefined;
    if (!this.#ended) {
      this.#ended = true;
      this.#line.stop();
    }
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** An item has come. */
  push(item: unknown): void {
    if (this.#ended) return;
    this.#owed--;
    this.#items.push(item);
    this.#serve();
  }

  /** No more items come; with a failure, its error is thrown once behind the last one. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      if (this.#items.length > 0) {
        this.#waiting.shift()?.resolve({ done: false, value: this.#items.shift() });
      } else if (!this.#ended) {
        return;
      } else if (this.#failure !== undefined) {
        this.#waiting.shift()?.reject(this.#failure.error);
        this.#failure = undefined;
      } else {
        this.#waiting.shift()?.resolve({ done: true, value: undefined });
      }
    }
  }

  #grant(): void {
    const count = WINDOW_ITEMS - this.#items.length - this.#owed;
    if (this.#ended || count < WINDOW_ITEMS / 2) return;
    this.#owed += count;
    this.#line.pull(count);
  }
}
