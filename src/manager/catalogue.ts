import type { PoolOptions } from "../pool/index.ts";
import * as methods from "./built-in-methods.ts";
import { ManagedArray, ManagedNamespace } from "./objects/cells.ts";
import { ManagedDict, ManagedList, ManagedSet, naturally } from "./objects/containers.ts";
import type { ManagedIterator } from "./objects/iterator.ts";
import { ManagedLock, ManagedRLock } from "./objects/locks.ts";
import { ManagedPool } from "./objects/pool.ts";
import { type Compare, ManagedQueue, type QueueOrder } from "./objects/queue.ts";
import {
  ManagedBarrier,
  ManagedCondition,
  ManagedEvent,
  ManagedSemaphore,
} from "./objects/signals.ts";
import type { ServerContext } from "./server-context.ts";

/** A kind of object the server has of itself. */
export interface Kind {
  readonly make: (this: void, context: ServerContext, ...args: never[]) => object | Promise<object>;
  /** Methods that clients may call; their first argument is the call. */
  readonly methods: ReadonlySet<string>;
}

type MethodsOf<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never;
}[keyof T] &
  string;

function kind<T extends object>(
  make: (this: void, context: ServerContext, ...args: never[]) => T | Promise<T>,
  callable: readonly MethodsOf<T>[],
): Kind {
  return { make, methods: new Set(callable) };
}

/** Options of queues, as they arrive. */
interface QueueSettings {
  readonly maxSize?: number;
  readonly compare?: unknown;
}

function queue(order: QueueOrder, callable: readonly MethodsOf<ManagedQueue>[]): Kind {
  return kind(async (context, { maxSize = Infinity, compare }: QueueSettings = {}) => {
    const own = compare === undefined ? undefined : await context.load(compare);
    return new ManagedQueue(order, maxSize, (own as Compare | undefined) ?? naturally);
  }, callable);
}

/** Everything a server can make without being told more. */
export const CATALOGUE: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    dict: kind((_, entries?: unknown) => new ManagedDict(entries), methods.DICT),
    list: kind((_, items?: unknown) => new ManagedList(items), methods.LIST),
    set: kind((_, items?: unknown) => new ManagedSet(items), methods.SET),
    namespace: kind((_, values?: unknown) => new ManagedNamespace(values), methods.NAMESPACE),
    queue: queue("fifo", methods.QUEUE),
    lifoQueue: queue("lifo", methods.QUEUE),
    priorityQueue: queue("priority", methods.QUEUE),
    joinableQueue: queue("fifo", methods.JOINABLE_QUEUE),
    lock: kind(() => new ManagedLock(), methods.LOCK),
    rlock: kind(() => new ManagedRLock(), methods.LOCK),
    semaphore: kind((_, value: number) => new ManagedSemaphore(value, false), methods.SEMAPHORE),
    boundedSemaphore: kind(
      (_, value: number) => new ManagedSemaphore(value, true),
      methods.SEMAPHORE,
    ),
    event: kind(() => new ManagedEvent(), methods.EVENT),
    condition: kind((context, lock?: unknown) => {
      if (lock === undefined) return new ManagedCondition();
      const object = context.behind(lock);
      if (object instanceof ManagedLock || object instanceof ManagedRLock) {
        return new ManagedCondition(object);
      }
      throw new TypeError("Expected `lock` to be a lock or rlock of the same manager");
    }, methods.CONDITION),
    barrier: kind(
      async (context, parties: number, { action, timeout = Infinity }: BarrierSettings = {}) => {
        const run = action === undefined ? undefined : await context.load(action);
        return new ManagedBarrier(parties, run as (() => unknown) | undefined, timeout);
      },
      methods.BARRIER,
    ),
    value: kind(
      (_, type: unknown, initial: unknown) => new ManagedArray(type, [initial]),
      methods.NUMBERS,
    ),
    array: kind(
      (_, type: unknown, content: unknown) => new ManagedArray(type, content),
      methods.NUMBERS,
    ),
    pool: kind(
      (context, options: PoolOptions<never[]> = {}) => ManagedPool.make(options, context.find),
      methods.POOL,
    ),
    sharedMemoryTracker: kind((context) => context.tracker, methods.SHARED_MEMORY_TRACKER),
    iterator: kind((): ManagedIterator => {
      throw new TypeError("Iterators are made by the methods that return them.");
    }, methods.ITERATOR),
  }),
);

interface BarrierSettings {
  readonly action?: unknown;
  readonly timeout?: number;
}
