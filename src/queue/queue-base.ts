import {
  QueueEmptyError,
  QueueFullError,
  QueueShutdownError,
  SerializationError,
} from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { closeCell, parkSync } from "../parking/index.ts";
import { Arrival, openBody, SyncObject } from "../sync/index.ts";
import { timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import { feed, feedSync, isFarBehind, takeNap } from "./feeder.ts";
import { openQueue, type QueueSettings } from "./queue-cell.ts";
import { coreOf, ENDED, type QueueCore, type Taken } from "./queue-core.ts";
import { packItem, type Item } from "./queue-item.ts";
import { flushRequest, MAX_BUFFERED_BYTES, putRequest, takeRequest } from "./wait-requests.ts";
import { isTurnOver, nextTurn } from "./turns.ts";

const DONE = Promise.resolve();
/** Milliseconds for which a put without a limit waits for takers before it keeps twice as much. */
const GIVE_MS = 50;

/** A queue of any class and any items. */
type AnyQueue = QueueBase<never> | QueueBase<unknown>;

/** The queue as this thread sees it. @throws InvalidStateError after `close()`. */
export const openCore: (queue: AnyQueue) => QueueCore = openBody as never;

/** Putting and taking, common to all queues between threads and processes. */
export abstract class QueueBase<T> extends SyncObject {
  /** @internal */
  constructor(source: QueueSettings | Arrival) {
    const made = source instanceof Arrival ? undefined : openQueue(source);
    const arrival = made === undefined ? (source as Arrival) : new Arrival(made.handle, KIND.queue);
    super(arrival, (cell) => {
      if (made !== undefined) closeCell(made.cell);
      return coreOf(cell);
    });
  }

  /** True while there is no item, neither in shared memory nor kept by this thread. */
  get empty(): boolean {
    return openCore(this).size === 0;
  }

  /**
   * Puts an item at the end. It is copied, as `structuredClone` would: what happens to it later is not
   * seen by the taker.
   *
   * **Waiting**: with a limit of items, until it is in shared memory, where it survives the death of this
   * thread. Without one not at all: when shared memory is full this thread keeps the item until there is
   * room, and the program does not end before; beyond 64 MiB of such items it waits too.
   * **Cancellation**: safe; the item was not put. **Order**: that of the calls of this thread.
   *
   * @throws SerializationError with the path of what cannot travel; {@link QueueFullError} when
   *   the time was up; {@link QueueShutdownError}; `signal.reason`.
   */
  put(value: T, options?: WaitOptions): Promise<void> {
    try {
      const core = openCore(this);
      const item = this.#offer(core, value, options);
      if (item?.state === "waiting") return this.#waitForRoom(core, item, options);
      if (core.outbox.bytes > core.patience) return this.#giveTime(core);
      return isTurnOver() ? nextTurn() : DONE;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts an item as `put()` does; where it has to wait the thread sleeps. */
  putSync(value: T, options?: WaitOptions): void {
    const core = openCore(this);
    const item = this.#offer(core, value, options);
    if (item?.state === "waiting") {
      parkSync(putRequest(core, item), options);
      this.#checkPut(core, item);
    } else if (core.outbox.bytes > core.patience && timeoutOf(options) > 0) {
      const { taken } = core.ring;
      feedSync(core, { timeout: GIVE_MS });
      core.adjustPatience(taken);
    }
  }

  /**
   * Puts an item without waiting.
   * @throws QueueFullError when there is no room; as `put()`.
   */
  putNowait(value: T): void {
    this.putSync(value, { timeout: 0 });
  }

  /**
   * Takes the oldest item.
   *
   * **Waiting**: until there is one; it keeps the program open. **Cancellation**: safe; no item was
   * taken. **Order**: whoever comes first is served; an item goes to one taker.
   *
   * @throws QueueEmptyError when the time was up; {@link QueueShutdownError} when the queue was
   *   shut down and is empty; `signal.reason`; {@link SerializationError} when the item's class is not
   *   known here: it is lost then.
   */
  get(options?: WaitOptions): Promise<T> {
    try {
      const core = openCore(this);
      const timeout = timeoutOf(options);
      const taken = core.take();
      if (taken === undefined && timeout > 0) return this.#waitForItem(core, options);
      const value = this.#valueOf(core, taken, timeout);
      return isTurnOver() ? nextTurn().then(() => value) : Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes the oldest item as `get()` does; the thread sleeps, and its event loop stands still meanwhile. */
  getSync(options?: WaitOptions): T {
    const core = openCore(this);
    const timeout = timeoutOf(options);
    const taken = core.take() ?? (timeout > 0 ? parkSync(takeRequest(core), options) : undefined);
    return this.#valueOf(core, taken, timeout);
  }

  /**
   * Takes the oldest item without waiting.
   * @throws QueueEmptyError when there is none; as `get()`.
   */
  getNowait(): T {
    return this.getSync({ timeout: 0 });
  }

  /** Takes items until the queue is shut down and empty. Leaving the loop leaves the queue as it is. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.get();
      } catch (error) {
        if (error instanceof QueueShutdownError) return;
        throw error;
      }
      yield value;
    }
  }

  /**
   * Gives this handle up: it puts and takes no more. What this thread still keeps is stored nevertheless,
   * and waits that have begun go on. The queue ends with its last handle, with the items in it.
   */
  override close(): void {
    super.close();
  }

  /**
   * Called with an item that cannot travel, before `put` throws the error. For subclasses; does nothing.
   */
  protected onPutError(_error: SerializationError, _value: unknown): void {}

  /** Hands an item over as far as that is possible at once. @returns the item if it had to go through the outbox. */
  #offer(core: QueueCore, value: T, options: WaitOptions | undefined): Item | undefined {
    const timeout = timeoutOf(options);
    const { ring, outbox } = core;
    if (ring.flags !== 0) throw shutDown("takes");
    let item: Item | undefined;
    try {
      item = packItem(value, core.store);
    } catch (error) {
      if (error instanceof SerializationError) this.onPutError(error, value);
      throw error;
    }
    if (item === undefined) return undefined;
    outbox.push(item);
    core.flush();
    if (item.state === "stored") return item;
    item.keep();
    if (item.state === "waiting" && ring.maxSize === 0 && outbox.bytes <= MAX_BUFFERED_BYTES) {
      core.buffer(item);
      feed(core);
    }
    if (item.state !== "waiting" || timeout <= 0) this.#checkPut(core, item);
    return item;
  }

  /**
   * Lets those who take catch up, when they do: one who puts faster would otherwise only fill memory. When
   * nobody takes, it is soon given up: a program may put everything before it takes anything.
   */
  async #giveTime(core: QueueCore): Promise<void> {
    const { taken } = core.ring;
    await core.wait(flushRequest(core), { timeout: GIVE_MS });
    core.adjustPatience(taken);
    // Without room the next ones would have to be copied and kept again.
    if (core.outbox.isEmpty && isFarBehind(core) && !core.ring.isRoomy) await takeNap();
  }

  async #waitForRoom(core: QueueCore, item: Item, options: WaitOptions | undefined): Promise<void> {
    await core.wait(putRequest(core, item), options);
    this.#checkPut(core, item);
  }

  /** The end of a put. @throws why the item was not put. */
  #checkPut(core: QueueCore, item: Item): void {
    feed(core);
    if (item.state === "stored" || item.state === "buffered") return;
    if (item.state === "refused") throw shutDown("takes");
    core.withdraw(item, "withdrawn");
    if (item.error !== undefined) throw item.error;
    const { size, maxSize, capacity } = core.ring;
    throw new QueueFullError(
      maxSize > 0 && size >= maxSize
        ? `The queue is full: it has ${size} items, its limit.`
        : `The queue is full: the ${capacity} bytes of its memory are taken. A larger \`capacityBytes\` makes room.`,
    );
  }

  async #waitForItem(core: QueueCore, options: WaitOptions | undefined): Promise<T> {
    core.retain();
    try {
      let taken: Taken | undefined;
      if (core.items.cell.waits === 0) {
        // Often it comes before this turn of the event loop is over, and nobody has to be woken.
        await nextTurn();
        options?.signal?.throwIfAborted();
        taken = core.take();
      }
      taken ??= await core.wait(takeRequest(core), options);
      return this.#valueOf(core, taken, options?.timeout ?? 0);
    } finally {
      core.release();
    }
  }

  #valueOf(core: QueueCore, taken: Taken | undefined, timeout: number): T {
    if (taken === undefined) {
      throw new QueueEmptyError(
        timeout > 0 ? `The queue had no item within ${timeout} ms.` : "The queue is empty.",
      );
    }
    if (taken === ENDED) throw shutDown("gives");
    if (taken instanceof Error) throw taken;
    return core.valueOf(taken) as T;
  }
}

function shutDown(verb: "takes" | "gives"): QueueShutdownError {
  return new QueueShutdownError(`The queue was shut down and ${verb} no more items.`);
}
