import { boundWait } from "../util/bound-wait.ts";
import { endAnew } from "./stream-end.ts";
import { TimeoutError } from "../errors/index.ts";
import { timeoutOf, type WaitOptions } from "../util/wait-options.ts";

/** Places at the front that were emptied before the list is compacted. */
const COMPACT_LENGTH = 1024;

const ENDED: unique symbol = Symbol("ended");

interface Waiter<M> {
  readonly resolve: (message: M) => void;
  readonly end: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Messages that have arrived and were not taken, and the waits for one, first come, first served. */
export class Inbox<M extends object> {
  /** Size of all that waits to be taken. */
  size = 0;
  readonly #what: string;
  readonly #sizeOf: (message: M) => number;
  #messages: (M | undefined)[] = [];
  #next = 0;
  readonly #waiters: Set<Waiter<M>> = new Set();
  readonly #watchers: Set<() => void> = new Set();
  #end: Error | undefined;

  /** @param what - for messages: what it was that did not arrive. */
  constructor(what: string, sizeOf: (message: M) => number) {
    this.#what = what;
    this.#sizeOf = sizeOf;
  }

  /** True when a receive would not wait: there is a message, or there will be none. */
  get isReady(): boolean {
    return this.#end !== undefined || this.hasMessage;
  }

  get hasMessage(): boolean {
    return this.#next < this.#messages.length;
  }

  /** True while a receive or a poll waits. */
  get isAwaited(): boolean {
    return this.#waiters.size > 0 || this.#watchers.size > 0;
  }

  push(message: M): void {
    if (this.#end !== undefined) return;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.resolve(message);
      return;
    }
    this.#messages.push(message);
    this.size += this.#sizeOf(message);
    this.#notify();
  }

  /** No more messages: who waits now or comes when all are taken gets `reason`. */
  end(reason: Error): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    for (const waiter of this.#waiters) waiter.end();
    this.#waiters.clear();
    this.#notify();
  }

  /** Drops the messages that are there. */
  clear(): void {
    this.#messages = [];
    this.#next = 0;
    this.size = 0;
  }

  /** The oldest message; undefined when there is none. @throws the reason of the end when there will be none. */
  take(): M | undefined {
    if (this.#next >= this.#messages.length) {
      if (this.#end !== undefined) throw endAnew(this.#end);
      return undefined;
    }
    const message = this.#messages[this.#next] as M;
    this.#messages[this.#next++] = undefined;
    if (this.#next >= COMPACT_LENGTH && this.#next * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#next);
      this.#next = 0;
    }
    this.size -= this.#sizeOf(message);
    return message;
  }

  /** Waits for a message; the caller has found none. */
  wait(options: WaitOptions | undefined): Promise<M> {
    return this.#arrival(timeoutOf(options), options?.signal);
  }

  async #arrival(timeout: number, signal: AbortSignal | undefined): Promise<M> {
    const message = await new Promise<M | typeof ENDED | undefined>((resolve, reject) => {
      // In the same step as the end of the wait: no message may be given to one that has ended.
      const leave = (settle: () => void): void => {
        this.#waiters.delete(waiter);
        unbind();
        settle();
      };
      const waiter: Waiter<M> = {
        resolve: (arrived) => leave(() => resolve(arrived)),
        reject: (reason) => leave(() => reject(reason)),
        end: () => leave(() => resolve(ENDED)),
      };
      this.#waiters.add(waiter);
      const onTimeout = (): void => leave(() => resolve(undefined));
      const unbind = boundWait(timeout, signal, onTimeout, waiter.reject);
    });
    if (message !== undefined && message !== ENDED) return message;
    if (message === ENDED) throw endAnew(this.#end as Error);
    // Here and not in the timer: an error that is made now has the stack of whoever awaits this.
    throw new TimeoutError(`No ${this.#what} arrived within ${timeout} ms.`);
  }

  /** Calls back once there is a message or the end. @returns how to give it up. */
  watch(callback: () => void): () => void {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
