import { inspectAs } from "../util/inspectable.ts";
import { type AsyncScope, runIn } from "../util/async-scope.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { queueMicrotask } from "../util/platform.ts";

/** Reports kept for a reader that comes late; older ones are dropped. */
const KEPT_REPORTS = 256;

/**
 * Calls a listener in a microtask, in the context of the call it was given with: what it throws is an uncaught
 * exception, and nobody else's trouble.
 */
export function tell(
  scope: AsyncScope | undefined,
  listener: ((value: unknown) => void) | undefined,
  value: unknown,
): void {
  if (listener !== undefined) {
    queueMicrotask(() => runIn(scope, () => listener(value)));
  }
}

/** The progress reports of one task: any number of readers, each from where the log begins. */
export class ProgressLog implements AsyncIterable<unknown> {
  static {
    inspectAs(ProgressLog, (log) => {
      const end = log.#ended ? ", ended" : "";
      return `<Progress ${log.#dropped + log.#kept.length} reports${end}: use "for await">`;
    });
  }

  #kept: unknown[] = [];
  #dropped = 0;
  #ended: boolean;
  #news: Deferred<void> | undefined;

  constructor(ended: boolean) {
    this.#ended = ended;
  }

  push(value: unknown): void {
    this.#kept.push(value);
    if (this.#kept.length > KEPT_REPORTS) {
      this.#kept.shift();
      this.#dropped++;
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    let next = this.#dropped;
    for (;;) {
      next = Math.max(next, this.#dropped);
      if (next - this.#dropped < this.#kept.length) {
        yield this.#kept[next++ - this.#dropped];
      } else if (this.#ended) {
        return;
      } else {
        this.#news ??= deferred();
        await this.#news.promise;
      }
    }
  }

  #wake(): void {
    this.#news?.resolve();
    this.#news = undefined;
  }
}
