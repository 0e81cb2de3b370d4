import { KIND } from "../memory/index.ts";
import { describeOwner } from "./describe.ts";
import { Mutex, type LockOptions } from "./mutex.ts";
import { Ownership } from "./ownership.ts";
import { shareable, type Arrival } from "./sync-object.ts";

/**
 * A lock that one task of one thread of one process holds at a time.
 *
 * When its holder dies, in any way, the next one gets it, and learns of it by {@link Lock.abandoned}. Whoever
 * comes first is served, but a wait of a few milliseconds is served before all newcomers. It is
 * not re-entrant: see {@link RLock}. A lock that is waited for keeps the program open, one that is
 * held does not.
 *
 * @example
 * const lock = new Lock({ name: "report" });
 * await lock.run(async () => {
 *   // one at a time, among all programs of this user
 * });
 * @since 0.2.0
 */
export class Lock extends Mutex {
  constructor(options?: LockOptions);
  /** @internal */
  constructor(options: LockOptions | Arrival = {}) {
    super(KIND.lock, options, (cell) => new Ownership(cell));
  }

  static {
    shareable(Lock, KIND.lock, describeOwner);
  }
}
