import type { JOINABLE_QUEUE, NUMBERS, POOL, QUEUE, NameIn } from "../built-in-methods.ts";
import { QueueShutdownError } from "../../errors/index.ts";
import type { ElementOf, ElementType } from "../../shared/index.ts";
import { checkTask, identify, type Task } from "../../task/index.ts";
import { array, boolean, iterable, numeric } from "../../util/checks.ts";
import { checkOptions } from "../../util/option-table.ts";
import { checkPosition, checkRange } from "./positions.ts";
import { CHUNKS } from "../option-tables.ts";
import { checkWait, type WaitOptions } from "../../util/wait-options.ts";
import { callBuiltIn, type CallBuiltIn, ObjectProxy, proxiesOf } from "../object-proxy.ts";
import { spread } from "./containers.ts";
import type { IteratorProxy } from "./iterator-proxy.ts";

const callJoinableQueue: CallBuiltIn<NameIn<typeof JOINABLE_QUEUE>> = callBuiltIn;
const callNumbers: CallBuiltIn<NameIn<typeof NUMBERS>> = callBuiltIn;
const callPool: CallBuiltIn<NameIn<typeof POOL>> = callBuiltIn;
const callQueue: CallBuiltIn<NameIn<typeof QUEUE>> = callBuiltIn;

/**
 * A queue in the server of a manager: first in, first out, or as its maker said.
 * @since 0.2.0
 */
export class QueueProxy<T = unknown> extends ObjectProxy implements AsyncIterable<T> {
  static {
    proxiesOf(QueueProxy, "queue", "lifoQueue", "priorityQueue");
  }

  /**
   * Puts an item.
   *
   * **Waiting**: while the queue is full; first come, first served.
   * **Cancellation**: safe, as far as the server had not taken the item yet; then this resolves.
   *
   * @throws QueueFullError after `timeout`.
   * @throws QueueShutdownError when it was shut down.
   */
  put(item: T, options?: WaitOptions): Promise<void> {
    return callQueue(this, "put", [item], options);
  }

  /**
   * Takes an item.
   *
   * **Waiting**: while the queue is empty; first come, first served. One that dies while it waits takes none.
   * **Cancellation**: safe: when the server had given the item already, this resolves.
   *
   * @throws QueueEmptyError after `timeout`.
   * @throws QueueShutdownError when it was shut down and is empty.
   */
  get(options?: WaitOptions): Promise<T> {
    return callQueue(this, "get", [], options);
  }

  putNowait(item: T): Promise<void> {
    return this.put(item, { timeout: 0 });
  }

  getNowait(): Promise<T> {
    return this.get({ timeout: 0 });
  }

  size(): Promise<number> {
    return callQueue(this, "size");
  }

  empty(): Promise<boolean> {
    return callQueue(this, "empty");
  }

  full(): Promise<boolean> {
    return callQueue(this, "full");
  }

  /** Lets nothing more in; `immediate` also drops what is there. Who waits gets a {@link QueueShutdownError}. */
  async shutdown(immediate = false): Promise<void> {
    boolean(immediate, "immediate");
    await callQueue(this, "shutdown", [immediate]);
  }

  /** Takes items until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof QueueShutdownError) return;
        throw error;
      }
      yield item;
    }
  }
}

/**
 * A queue in the server of a manager that knows which items are done with.
 * @since 0.2.0
 */
export class JoinableQueueProxy<T = unknown> extends QueueProxy<T> {
  static {
    proxiesOf(JoinableQueueProxy, "joinableQueue");
  }

  /** Says that an item that was taken is done with. @throws InvalidStateError when all were. */
  taskDone(): Promise<void> {
    return callJoinableQueue(this, "taskDone");
  }

  /** Waits until all items that were put are done with. @returns false when `timeout` passed. */
  join(options?: WaitOptions): Promise<boolean> {
    return callJoinableQueue(this, "join", [], options);
  }
}

/**
 * One number in the server of a manager. Single calls are one step each; `get` and `set` are two.
 * @since 0.2.0
 */
export class ValueProxy<N extends number | bigint = number> extends ObjectProxy {
  static {
    proxiesOf(ValueProxy, "value");
  }

  get(): Promise<N> {
    return callNumbers(this, "at", [0]);
  }

  async set(value: N): Promise<void> {
    numeric(value, "value");
    return callNumbers(this, "set", [0, value]);
  }

  /** @returns the sum. */
  async add(value: N): Promise<N> {
    numeric(value, "value");
    return callNumbers(this, "add", [0, value]);
  }

  /** Sets it if it is `expected`. @returns what it was. */
  async compareExchange(expected: N, value: N): Promise<N> {
    numeric(expected, "expected");
    numeric(value, "value");
    return callNumbers(this, "compareExchange", [0, expected, value]);
  }
}

/**
 * An array of numbers of one type in the server of a manager, of fixed length.
 * @since 0.2.0
 */
export class ArrayProxy<N extends number | bigint = number>
  extends ObjectProxy
  implements AsyncIterable<N>
{
  static {
    proxiesOf(ArrayProxy, "array");
  }

  /** The number at an index; a negative one counts from the end. */
  async at(index: number): Promise<N | undefined> {
    checkPosition(index, "index");
    return callNumbers(this, "at", [index]);
  }

  /** @throws RangeError behind the end. */
  async set(index: number, value: N): Promise<void> {
    checkPosition(index, "index");
    numeric(value, "value");
    return callNumbers(this, "set", [index, value]);
  }

  /** Adds in one step. @returns the sum. */
  async add(index: number, value: N): Promise<N> {
    checkPosition(index, "index");
    numeric(value, "value");
    return callNumbers(this, "add", [index, value]);
  }

  length(): Promise<number> {
    return callNumbers(this, "length");
  }

  /** A part, or all of it, as a typed array. */
  async slice(start?: number, end?: number): Promise<ArrayLike<N> & Iterable<N>> {
    checkRange(start, end);
    return callNumbers(this, "slice", [start, end]);
  }

  async fill(value: N, start?: number, end?: number): Promise<void> {
    numeric(value, "value");
    checkRange(start, end);
    return callNumbers(this, "fill", [value, start, end]);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<N, void, undefined> {
    const length = await this.length();
    for (let i = 0; i < length; i++) yield (await this.at(i)) as N;
  }
}

/** The proxy of a value of a type. */
export type ValueOfType<T extends ElementType> = ValueProxy<ElementOf<T>>;
/** The proxy of an array of a type. */
export type ArrayOfType<T extends ElementType> = ArrayProxy<ElementOf<T>>;

/** Option of maps: the number of items that go to a worker at a time. */
interface Chunks {
  readonly chunkSize?: number;
}

/**
 * A pool of workers that belong to the server of a manager: its clients share them.
 * @since 0.2.0
 */
export class PoolProxy extends ObjectProxy {
  static {
    proxiesOf(PoolProxy, "pool");
  }

  /** Runs a function once. **Cancellation**: as that of a Future. */
  async apply<A extends unknown[], R>(
    fn: Task<A, R>,
    args: readonly [...NoInfer<A>],
    options?: WaitOptions,
  ): Promise<R> {
    checkTask(fn, "fn");
    array(args, "args");
    checkWait(options);
    return await callPool(this, "apply", [await identify(fn), args], options);
  }

  async map<T, R>(fn: Task<[T], R>, items: Iterable<T>, options?: Chunks): Promise<R[]> {
    checkMap(fn, items, options);
    return await callPool(this, "map", [await identify(fn), spread(items), options]);
  }

  async starmap<A extends unknown[], R>(
    fn: Task<A, R>,
    items: Iterable<readonly [...A]>,
    options?: Chunks,
  ): Promise<R[]> {
    checkMap(fn, items, options);
    return await callPool(this, "starmap", [await identify(fn), spread(items), options]);
  }

  /** Results in order, as they are asked for. */
  async imap<T, R>(
    fn: Task<[T], R>,
    items: Iterable<T>,
    options?: Chunks,
  ): Promise<IteratorProxy<R>> {
    checkMap(fn, items, options);
    const args = [await identify(fn), spread(items), options];
    return await callPool(this, "imap", args);
  }

  /** Results as they come. */
  async imapUnordered<T, R>(
    fn: Task<[T], R>,
    items: Iterable<T>,
    options?: Chunks,
  ): Promise<IteratorProxy<R>> {
    checkMap(fn, items, options);
    const args = [await identify(fn), spread(items), options];
    return await callPool(this, "imapUnordered", args);
  }

  /** Takes no more tasks. */
  close(): Promise<void> {
    return callPool(this, "close");
  }

  /** Waits for the tasks after `close()`. */
  join(options?: WaitOptions): Promise<void> {
    return callPool(this, "join", [], options);
  }

  /** Ends the workers. */
  terminate(): Promise<void> {
    return callPool(this, "terminate");
  }
}

function checkMap(fn: unknown, items: unknown, options: Chunks | undefined): void {
  checkTask(fn, "fn");
  iterable(items, "items");
  checkOptions(options, CHUNKS);
}
