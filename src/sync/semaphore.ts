import { KIND } from "../memory/index.ts";
import type { Creation } from "../parking/index.ts";
import { outOfRange } from "../util/argument-error.ts";
import { integer } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { CountedPermits } from "./counted-permits.ts";
import { describeObject } from "./describe.ts";
import { SHARED_CHECKS } from "./option-checks.ts";
import { checkPermits, MAX_PERMITS } from "./permit-options.ts";
import { giveBack } from "./permit-body.ts";
import { permitsOf, SemaphoreBase } from "./semaphore-base.ts";
import { Arrival, shareable, type SharedOptions } from "./sync-object.ts";

/** Options of semaphores. */
export interface SemaphoreOptions extends SharedOptions {
  /** How many permits there can be at most: a release beyond it is an error; default: 2,147,483,647. */
  readonly max?: number;
}

/**
 * A number of permits that tasks, threads and processes take and give back.
 *
 * Permits belong to nobody: anyone may release, also more than were there at first, and the permits of one
 * who dies are lost. Where that must not be, take a {@link BoundedSemaphore}, which gets them back.
 * Whoever comes first is served; the waits of one thread are served in order.
 *
 * @example
 * const connections = new Semaphore(4, { name: "database" });
 * await connections.run(() => query());
 * @since 0.2.0
 */
export class Semaphore extends SemaphoreBase {
  /** @param value - the permits of a new one; ignored when the name is in use. Default: 1. */
  constructor(value?: number, options?: SemaphoreOptions);
  /** @internal */
  constructor(value: number | Arrival = 1, options: SemaphoreOptions = {}) {
    super(
      value instanceof Arrival ? value : creation(value, options),
      (cell) => new CountedPermits(cell),
    );
  }

  /**
   * Adds permits; as many that wait go on.
   * @param count - default: 1.
   * @throws RangeError when `count` is not a whole number of at least 1.
   * @throws InvalidStateError when there would be more than the maximum; nothing was added then.
   */
  release(count = 1): void {
    checkPermits(count, "count", 1);
    giveBack(permitsOf(this), count, () => describeObject(this));
  }

  static {
    shareable(Semaphore, KIND.semaphore, ({ free }: CountedPermits) => `value: ${free}`);
  }
}

const SEMAPHORE: OptionTable<SemaphoreOptions> = {
  of: "Semaphore",
  checks: { ...SHARED_CHECKS, max: integer(1, MAX_PERMITS) },
  bare: "max",
};

function creation(value: number, options: SemaphoreOptions): Creation {
  checkOptions(options, SEMAPHORE);
  const { name, max = MAX_PERMITS } = options;
  checkPermits(value, "value", 0);
  if (value > max) throw outOfRange("value", `at most \`max\` (${max})`, value);
  return { kind: KIND.semaphore, name, fill: (place) => CountedPermits.fill(place, value, max) };
}
