import type { Item } from "./queue-item.ts";

/** Bytes that an item costs besides its content, about. */
const ITEM_OVERHEAD = 128;
/** Places at the front that were emptied before the list is compacted. */
const COMPACT_LENGTH = 1024;

/** The items of one thread that are not in the ring yet, in the order in which they were put. */
export class Outbox {
  #items: Item[] = [];
  #first = 0;
  #length = 0;
  /** Memory they take, about. */
  bytes = 0;
  /** Number of the buffered ones, whose `put` is over. */
  buffered = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length;
  }

  /** The next one to be stored. */
  get front(): Item | undefined {
    for (; this.#first < this.#items.length; this.#first++) {
      const item = this.#items[this.#first]!;
      if (item.state !== "withdrawn" && item.state !== "refused") return item;
    }
    return undefined;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#length++;
    this.bytes += item.length + ITEM_OVERHEAD;
  }

  /** Marks one that waits as buffered. */
  buffer(item: Item): void {
    item.state = "buffered";
    this.buffered++;
  }

  /** Takes the front one out: it is stored. */
  shift(item: Item): void {
    this.#first++;
    this.#gone(item, "stored");
    if (this.#length === 0) this.#clear();
    else if (this.#first >= COMPACT_LENGTH && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Takes one out that will not be stored, wherever it is. */
  remove(item: Item, state: "withdrawn" | "refused"): void {
    this.#gone(item, state);
    if (this.#length === 0) this.#clear();
  }

  /** Its items, in order. */
  list(): Item[] {
    return this.#items
      .slice(this.#first)
      .filter(({ state }) => state === "waiting" || state === "buffered");
  }

  #clear(): void {
    this.#items.length = 0;
    this.#first = 0;
  }

  #gone(item: Item, state: "stored" | "withdrawn" | "refused"): void {
    if (item.state === "buffered") this.buffered--;
    item.state = state;
    item.drop();
    this.#length--;
    this.bytes -= item.length + ITEM_OVERHEAD;
  }
}
