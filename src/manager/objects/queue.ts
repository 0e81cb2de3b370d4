import {
  InvalidStateError,
  QueueEmptyError,
  QueueFullError,
  QueueShutdownError,
} from "../../errors/index.ts";
import type { Call } from "../call.ts";
import { BroadcastWait, NOT_YET, WaitLine } from "../wait-line.ts";

/** In which order a queue gives its items. */
export type QueueOrder = "fifo" | "lifo" | "priority";

/** Of two items, a negative number when the first one is to come out first. */
export type Compare = (a: unknown, b: unknown) => number;

/** Items in the order of a queue. */
interface Store {
  readonly size: number;
  add(item: unknown): void;
  take(): unknown;
  clear(): void;
}

/** A queue, with the bookkeeping of `taskDone()` and `join()`. */
export class ManagedQueue {
  readonly #maxSize: number;
  readonly #items: Store;
  readonly #putters = new WaitLine();
  readonly #getters = new WaitLine();
  readonly #joiners = new BroadcastWait<boolean>();
  #unfinished = 0;
  #isShutDown = false;

  constructor(order: QueueOrder, maxSize: number, compare: Compare) {
    this.#maxSize = maxSize;
    if (order === "priority") this.#items = new Heap(compare);
    else this.#items = order === "lifo" ? new Stack() : new Row();
  }

  put(call: Call, item: unknown): void | Promise<void> {
    return this.#putters.wait<void>(
      call,
      () => {
        this.#checkOpen();
        if (this.#items.size >= this.#maxSize) return NOT_YET;
        this.#items.add(item);
        this.#unfinished++;
        this.#getters.poke();
        this.#putters.poke();
      },
      () => {
        throw new QueueFullError(full(call, this.#maxSize));
      },
    );
  }

  get(call: Call): unknown {
    return this.#getters.wait<unknown>(
      call,
      () => {
        if (this.#items.size === 0) {
          this.#checkOpen();
          return NOT_YET;
        }
        const item = this.#items.take();
        this.#putters.poke();
        this.#getters.poke();
        return item;
      },
      () => {
        throw new QueueEmptyError(
          call.timeout <= 0
            ? "The queue is empty."
            : `The queue stayed empty for ${call.timeout} ms.`,
        );
      },
    );
  }

  size(): number {
    return this.#items.size;
  }

  empty(): boolean {
    return this.#items.size === 0;
  }

  full(): boolean {
    return this.#items.size >= this.#maxSize;
  }

  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new InvalidStateError("taskDone() was called more often than there were items.");
    }
    this.#finish(1);
  }

  join(call: Call): boolean | Promise<boolean> {
    return this.#unfinished === 0 || this.#joiners.wait(call, () => false);
  }

  shutdown(_call: Call, immediate: unknown = false): void {
    this.#isShutDown = true;
    if (immediate === true) {
      this.#finish(Math.min(this.#unfinished, this.#items.size));
      this.#items.clear();
    }
    this.#getters.poke();
    this.#putters.poke();
  }

  #finish(count: number): void {
    this.#unfinished -= count;
    if (this.#unfinished === 0) this.#joiners.resolveAll(true);
  }

  #checkOpen(): void {
    if (this.#isShutDown) throw new QueueShutdownError("The queue was shut down.");
  }
}

function full(call: Call, maxSize: number): string {
  const items = `all its ${maxSize} places taken`;
  return call.timeout <= 0
    ? `The queue has ${items}.`
    : `The queue had ${items} for ${call.timeout} ms.`;
}

/** First in, first out: taken from the front of an array, which is cut now and then. */
class Row implements Store {
  #items: unknown[] = [];
  #from = 0;

  get size(): number {
    return this.#items.length - this.#from;
  }

  add(item: unknown): void {
    this.#items.push(item);
  }

  take(): unknown {
    const item = this.#items[this.#from];
    this.#items[this.#from++] = undefined;
    if (this.#from > 1024 && this.#from * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#from);
      this.#from = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#from = 0;
  }
}

class Stack implements Store {
  #items: unknown[] = [];

  get size(): number {
    return this.#items.length;
  }

  add(item: unknown): void {
    this.#items.push(item);
  }

  take(): unknown {
    return this.#items.pop();
  }

  clear(): void {
    this.#items = [];
  }
}

/** Smallest first; of equals the one that came first. */
class Heap implements Store {
  #items: { readonly value: unknown; readonly age: number }[] = [];
  #age = 0;
  readonly #compare: Compare;

  constructor(compare: Compare) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  add(value: unknown): void {
    const items = this.#items;
    const item = { value, age: this.#age++ };
    // Its place is found before anything moves: the comparison may be a user's, and fail.
    const path: number[] = [];
    for (let at = items.length; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(item, items[parent]!)) break;
      path.push(parent);
      at = parent;
    }
    let at = items.length;
    for (const parent of path) {
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  take(): unknown {
    const items = this.#items;
    const first = items[0]!;
    const last = items.at(-1)!;
    const count = items.length - 1;
    const path: number[] = [];
    for (let at = 0; ;) {
      let child = at * 2 + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#isBefore(items[child + 1]!, items[child]!)) child++;
      if (!this.#isBefore(items[child]!, last)) break;
      path.push(child);
      at = child;
    }
    items.pop();
    if (count === 0) return first.value;
    let at = 0;
    for (const child of path) {
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first.value;
  }

  clear(): void {
    this.#items = [];
  }

  #isBefore(
    a: { readonly value: unknown; readonly age: number },
    b: { readonly value: unknown; readonly age: number },
  ): boolean {
    const order = this.#compare(a.value, b.value);
    return order === 0 ? a.age < b.age : order < 0;
  }
}
