import type { PoolOptions } from "../pool/index.ts";
import { ManagedArray, ManagedNamespace } from "./objects/cells.ts";
import { ManagedDict, ManagedList, ManagedSet, naturally } from "./objects/containers.ts";
import { ManagedLock, ManagedRLock } from "./objects/locks.ts";
import { type FindTask, ManagedPool } from "./objects/pool.ts";
import { type Compare, ManagedQueue, type QueueOrder } from "./objects/queue.ts";
import {
  ManagedBarrier,
  ManagedCondition,
  ManagedEvent,
  ManagedSemaphore,
} from "./objects/signals.ts";

/** What the makers of objects may need of their server. */
export interface ServerContext {
  /** A function that a client named. */
  readonly find: FindTask;
  /** The function itself. */
  load(named: unknown): Promise<Function>;
  /** The object behind a proxy that arrived. */
  behind(proxy: unknown): object | undefined;
}

/** A kind of object the server has of itself. */
export interface Kind {
  readonly make: (this: void, context: ServerContext, ...args: never[]) => object | Promise<object>;
  /** What clients may call; its first argument is the call. */
  readonly methods: ReadonlySet<string>;
}

function kind(make: Kind["make"], methods: string): Kind {
  return { make, methods: new Set(methods.split(" ")) };
}

const QUEUE = "put get size empty full shutdown";
const NUMBERS = "at set add compareExchange length slice fill";

/** Options of queues, as they arrive. */
interface QueueSettings {
  readonly maxSize?: number;
  readonly compare?: unknown;
}

async function queue(
  context: ServerContext,
  order: QueueOrder,
  { maxSize = Infinity, compare }: QueueSettings = {},
): Promise<ManagedQueue> {
  const own = compare === undefined ? undefined : await context.load(compare);
  return new ManagedQueue(order, maxSize, (own as Compare | undefined) ?? naturally);
}

/** Everything a server can make without being told more. */
export const CATALOGUE: ReadonlyMap<string, Kind> = new Map(
  Object.entries({
    dict: kind(
      (_, entries?: unknown) => new ManagedDict(entries),
      "get set has delete pop popItem setDefault update increment clear size keys values items copy iterate",
    ),
    list: kind(
      (_, items?: unknown) => new ManagedList(items),
      "at set push extend pop shift unshift insert remove splice slice indexOf includes count reverse sort clear length copy item",
    ),
    set: kind(
      (_, items?: unknown) => new ManagedSet(items),
      "add delete has pop update clear size copy union intersection difference symmetricDifference isSubsetOf isSupersetOf isDisjointFrom iterate",
    ),
    namespace: kind(
      (_, values?: unknown) => new ManagedNamespace(values),
      "get set has delete copy text",
    ),
    queue: kind((context, options?: QueueSettings) => queue(context, "fifo", options), QUEUE),
    lifoQueue: kind((context, options?: QueueSettings) => queue(context, "lifo", options), QUEUE),
    priorityQueue: kind(
      (context, options?: QueueSettings) => queue(context, "priority", options),
      QUEUE,
    ),
    joinableQueue: kind(
      (context, options?: QueueSettings) => queue(context, "fifo", options),
      `${QUEUE} taskDone join`,
    ),
    lock: kind(() => new ManagedLock(), "acquire release locked"),
    rlock: kind(() => new ManagedRLock(), "acquire release locked"),
    semaphore: kind(
      (_, value: number) => new ManagedSemaphore(value, false),
      "acquire release value",
    ),
    boundedSemaphore: kind(
      (_, value: number) => new ManagedSemaphore(value, true),
      "acquire release value",
    ),
    event: kind(() => new ManagedEvent(), "set clear isSet wait"),
    condition: kind((context, lock?: unknown) => {
      if (lock === undefined) return new ManagedCondition();
      const object = context.behind(lock);
      if (object instanceof ManagedLock || object instanceof ManagedRLock) {
        return new ManagedCondition(object);
      }
      throw new TypeError("Expected `lock` to be a lock or rlock of the same manager");
    }, "acquire release wait notify notifyAll"),
    barrier: kind(
      async (context, parties: number, { action, timeout = Infinity }: BarrierSettings = {}) => {
        const run = action === undefined ? undefined : await context.load(action);
        return new ManagedBarrier(parties, run as (() => unknown) | undefined, timeout);
      },
      "wait abort reset parties waiting broken",
    ),
    value: kind((_, type: unknown, initial: unknown) => new ManagedArray(type, [initial]), NUMBERS),
    array: kind((_, type: unknown, content: unknown) => new ManagedArray(type, content), NUMBERS),
    pool: kind(
      (context, options: PoolOptions<never[]> = {}) => ManagedPool.make(options, context.find),
      "apply map starmap imap imapUnordered close join terminate",
    ),
    iterator: kind(() => {
      throw new TypeError("Iterators are made by the methods that return them.");
    }, "next return"),
  }),
);

interface BarrierSettings {
  readonly action?: unknown;
  readonly timeout?: number;
}
