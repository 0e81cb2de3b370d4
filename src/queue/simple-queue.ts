import { KIND } from "../memory/index.ts";
import { checkSharedName } from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { Arrival, shareable, type SharedOptions } from "../sync/index.ts";
import type { QueueCore } from "./queue-core.ts";
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
    super(options instanceof Arrival ? options : { flavour: "SimpleQueue", name: nameIn(options) });
  }

  static {
    shareable(SimpleQueue, KIND.queue, (core: QueueCore) => core.describe());
  }
}

const SIMPLE_QUEUE: OptionTable<SharedOptions> = {
  of: "SimpleQueue",
  checks: { name: checkSharedName },
};

function nameIn(options: SharedOptions): string | undefined {
  checkOptions(options, SIMPLE_QUEUE);
  return options.name;
}
