import { KIND } from "../memory/index.ts";
import { Arrival, shareable, type SharedOptions } from "../sync/index.ts";
import { QueueBase } from "./queue-base.ts";

/**
 * A queue with `put`, `get` and `empty` and nothing else: without a limit, without a shutdown. It is as
 * fast and as safe as {@link Queue}.
 *
 * @since 0.2.0
 */
export class SimpleQueue<T = unknown> extends QueueBase<T> {
  constructor(options?: SharedOptions);
  /** @internal */
  constructor(options: SharedOptions | Arrival | undefined);
  constructor(options: SharedOptions | Arrival = {}) {
    super(options instanceof Arrival ? options : { flavour: "SimpleQueue", name: options.name });
  }

  static {
    shareable(
      SimpleQueue,
      KIND.queue,
      (arrival) => new SimpleQueue(arrival as SharedOptions),
      (queue) => queue.text(),
    );
  }
}
