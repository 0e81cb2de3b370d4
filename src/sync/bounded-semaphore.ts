import { CELL, KIND } from "../memory/index.ts";
import type { Creation } from "../parking/index.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { describeObject } from "./describe.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { checkPermits } from "./permit-options.ts";
import { Permits } from "./permits.ts";
import { giveBack } from "./permit-body.ts";
import { permitsOf, SemaphoreBase } from "./semaphore-base.ts";
import { Arrival, releasable, shareable, type SharedOptions } from "./sync-object.ts";

/** Each permit is a word of shared memory, and is looked at one by one. */
const MAX_BOUNDED = 65_536;

/**
 * A semaphore that knows who has its permits: there are never more than at first, and those of a thread
 * or process that dies come back by themselves.
 *
 * Permits belong to threads. Anyone may release, as in Python: a thread gives back one of its own, and if it
 * has none, somebody else's. Whoever comes first is served.
 *
 * @example
 * const licences = new BoundedSemaphore(2, { name: "compiler" });
 * using licence = await licences.hold({ timeout: 10_000 });
 * @since 0.2.0
 */
export class BoundedSemaphore extends SemaphoreBase {
  /** @param value - the permits of a new one, up to 65,536; ignored when the name is in use. Default: 1. */
  constructor(value?: number, options?: SharedOptions);
  /** @internal */
  constructor(value: number | Arrival = 1, options: SharedOptions = {}) {
    super(value instanceof Arrival ? value : creation(value, options), (cell) => new Permits(cell));
  }

  /** How many permits there are, free or taken. */
  get max(): number {
    return (permitsOf(this) as Permits).count;
  }

  /**
   * Gives permits back; as many that wait go on.
   * @param count - default: 1.
   * @throws RangeError when `count` is not a whole number of at least 1.
   * @throws InvalidStateError when fewer are taken; nothing was given back then.
   */
  release(count = 1): void {
    checkPermits(count, "count", 1);
    giveBack(releasable(this, count) as Permits, count, () => describeObject(this));
  }

  static {
    shareable(
      BoundedSemaphore,
      KIND.boundedSemaphore,
      ({ free, count }: Permits) => `value: ${free} of ${count}`,
    );
  }
}

const BOUNDED_SEMAPHORE: OptionTable<SharedOptions> = {
  of: "BoundedSemaphore",
  checks: SHARED_CHECKS,
};

function creation(value: number, options: SharedOptions): Creation {
  checkOptions(options, BOUNDED_SEMAPHORE);
  const { name } = options;
  checkPermits(value, "value", 0, MAX_BOUNDED);
  return {
    kind: KIND.boundedSemaphore,
    name,
    fill: ({ ints, base }) => {
      ints[base + CELL.aux] = value;
    },
  };
}
