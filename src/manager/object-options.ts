import type { Task, TaskRef } from "../task/index.ts";

/** Options of a manager's queues. */
export interface ManagerQueueOptions {
  /** Limit of items. Default: none. */
  readonly maxSize?: number | undefined;
}

/** Options of a manager's priority queues. */
export interface ManagerPriorityQueueOptions<T> extends ManagerQueueOptions {
  /**
   * Negative when `a` is to come out before `b`; an exported function. Default: the order of numbers and
   * strings, or of lists of them item by item: `[priority, item]`.
   */
  readonly compare?: ((a: T, b: T) => number) | TaskRef<[T, T], number> | undefined;
}

/** Options of a manager's barriers. */
export interface ManagerBarrierOptions {
  /** Called in the server by the one that comes last, before they all go on; an exported function. */
  readonly action?: Task<[], unknown> | undefined;
  /** Milliseconds that a wait takes at the most unless it says otherwise. Default: no limit. */
  readonly timeout?: number | undefined;
}

/** Options of a manager's pools. */
export interface ManagerPoolOptions {
  readonly workers?: number | undefined;
  readonly kind?: "process" | "thread" | undefined;
}
