import { limitOf } from "../queue/queue-cell.ts";
import { checkElement, constructorOf } from "../shared/element-types.ts";
import type { ElementType } from "../shared/index.ts";
import { identify } from "../task/index.ts";
import { integer, iterable, object } from "../util/checks.ts";
import { checkOptions } from "../util/option-table.ts";
import type {
  ManagerBarrierOptions,
  ManagerPoolOptions,
  ManagerPriorityQueueOptions,
  ManagerQueueOptions,
} from "./object-options.ts";
import { BARRIER, POOL, PRIORITY_QUEUE, QUEUE } from "./option-tables.ts";
import { checkEntries, spread } from "./proxies/containers.ts";
import { checkLock } from "./proxies/sync.ts";

type Arguments = readonly unknown[];

const count = integer(0);
const checkParties = integer(1);

/** The checked arguments with which a manager has each kind of object made. */
export const argumentsFor = {
  dict(entries?: unknown): Arguments {
    if (entries === undefined) return [];
    checkEntries(entries);
    return [spread(entries)];
  },

  items(items?: unknown): Arguments {
    if (items === undefined) return [];
    iterable(items, "items");
    return [spread(items)];
  },

  namespace(values?: object): Arguments {
    if (values === undefined) return [];
    object(values, "values");
    return [{ ...values }];
  },

  queue(options: ManagerQueueOptions | undefined): Arguments {
    checkOptions(options, QUEUE);
    return [{ maxSize: limitOf(options?.maxSize) || undefined }];
  },

  async priorityQueue<T>(options: ManagerPriorityQueueOptions<T>): Promise<Arguments> {
    checkOptions(options, PRIORITY_QUEUE);
    const { compare, maxSize } = options;
    const named = compare === undefined ? undefined : await identify(compare);
    return [{ maxSize: limitOf(maxSize) || undefined, compare: named }];
  },

  semaphore(value: number): Arguments {
    count(value, "value");
    return [value];
  },

  condition(lock: unknown): Arguments {
    checkLock(lock);
    return lock === undefined ? [] : [lock];
  },

  async barrier(parties: number, options: ManagerBarrierOptions): Promise<Arguments> {
    checkParties(parties, "parties");
    checkOptions(options, BARRIER);
    const { action, timeout } = options;
    const named = action === undefined ? undefined : await identify(action);
    return [parties, { action: named, timeout }];
  },

  value(type: ElementType, initial: unknown): Arguments {
    constructorOf(type);
    if (initial === undefined) return [type, type.startsWith("big") ? 0n : 0];
    checkElement(type, initial, "initial");
    return [type, initial];
  },

  array(type: ElementType, content: unknown): Arguments {
    constructorOf(type);
    if (typeof content === "number") count(content, "content");
    else iterable(content, "content");
    return [type, spread(content)];
  },

  pool(options: ManagerPoolOptions): Arguments {
    checkOptions(options, POOL);
    const { workers, kind } = options;
    return [{ workers, kind }];
  },
};
