import { KIND } from "../memory/index.ts";
import { describeOwner } from "./describe.ts";
import { Mutex, type LockOptions } from "./mutex.ts";
import { ReentrantOwnership } from "./reentrant-ownership.ts";
import { shareable, type Arrival } from "./sync-object.ts";

/**
 * A lock that its holder may take again: it is free when it was released as often as it was taken.
 *
 * Who counts as the holder depends on how it was taken:
 * - with `acquire`, `hold` or `run`: the task, that is the code after it and all that code calls or starts,
 *   synchronously or not. Other tasks of the same thread wait. A task that a function takes it in goes on after
 *   that function only if nothing was awaited before; to be safe, use `run`.
 * - with `acquireSync`, `tryAcquire` or `holdSync`: the thread for further synchronous calls, and for
 *   asynchronous ones the code that is in no other task than the one that took it. Two tasks that hold no
 *   lock look the same here, so do not keep it across an `await`: take it with `run` for that.
 *
 * Everything else is as with {@link Lock}: abandonment, fairness, deadlocks.
 *
 * @example
 * const lock = new RLock();
 * const add = (n: number) => lock.run(() => write(n));
 * await lock.run(async () => {
 *   await add(1); // would wait for ever with a Lock
 * });
 * @since 0.2.0
 */
export class RLock extends Mutex {
  constructor(options?: LockOptions);
  /** @internal */
  constructor(options: LockOptions | Arrival = {}) {
    super(KIND.rlock, options, (cell) => new ReentrantOwnership(cell));
  }

  static {
    shareable(RLock, KIND.rlock, (ownership: ReentrantOwnership) => {
      const { depth } = ownership;
      return `${describeOwner(ownership)}${depth > 1 ? `, ${depth} times` : ""}`;
    });
  }
}
