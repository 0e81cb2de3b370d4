import { InvalidStateError } from "../errors/index.ts";

// The memory of a ShareableList. Header of 16 bytes: magic, count. Then 16 bytes a slot: state, capacity in
// bytes, offset of its data in units of 8 bytes. The data of a slot are two areas of 8 bytes, the length,
// and the capacity. The state says which of the two holds the value, so a writer fills the other one and
// changes over with a single store: whoever dies before has changed nothing.

const MAGIC = 0x4c53434d;
const HEADER_WORDS = 4;
const SLOT_WORDS = 4;
const UNIT = 8;

/** What stands in a slot. Part of the ABI. */
export const ItemKind = { null: 0, false: 1, true: 2, number: 3, bigint: 4, string: 5, bytes: 6 };

/** Bits of a slot's state: kind:4 | area:1 | version:27. */
const KIND_MASK = 15;
const AREA = 16;
const VERSION_STEP = 32;

/** The words of a list in its memory. */
export class ListLayout {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, buffer.byteLength >>> 2);
    this.#bytes = new Uint8Array(buffer);
  }

  /** Bytes of memory for slots of these capacities. */
  static sizeFor(capacities: readonly number[]): number {
    let size = (HEADER_WORDS + SLOT_WORDS * capacities.length) * 4;
    for (const capacity of capacities) size += areasOf(capacity);
    return size;
  }

  /** Lays out new memory; every slot holds null. */
  format(capacities: readonly number[]): void {
    const words = this.#words;
    words[0] = MAGIC;
    words[1] = capacities.length;
    let offset = (HEADER_WORDS + SLOT_WORDS * capacities.length) * 4;
    for (const [index, capacity] of capacities.entries()) {
      const slot = HEADER_WORDS + SLOT_WORDS * index;
      words[slot + 1] = capacity;
      words[slot + 2] = offset / UNIT;
      offset += areasOf(capacity);
    }
  }

  /** How many slots there are. */
  get length(): number {
    const count = this.#words[1]!;
    const fits = (HEADER_WORDS + SLOT_WORDS * count) * 4 <= this.#bytes.length;
    if (this.#words[0] === MAGIC && count >= 0 && fits) return count;
    throw new InvalidStateError(
      "The memory of this ShareableList is damaged: it does not begin as a list does. Close it and make it again.",
    );
  }

  /** Bytes that the value of a slot may have. */
  capacity(index: number): number {
    return this.#words[HEADER_WORDS + SLOT_WORDS * index + 1]!;
  }

  /**
   * Reads a slot while others may write it.
   * @returns its kind, and a copy of its bytes.
   */
  read(index: number): { readonly kind: number; readonly data: Uint8Array } {
    const state = HEADER_WORDS + SLOT_WORDS * index;
    for (;;) {
      const seen = Atomics.load(this.#words, state);
      const start = this.#areaStart(index, (seen & AREA) !== 0);
      const length = this.#words[start / 4]!;
      const isSound = length >= 0 && length <= this.capacity(index);
      const data = this.#bytes.slice(start + UNIT, start + UNIT + (isSound ? length : 0));
      // Reads and writes, so that no read before it can come after it.
      if (Atomics.compareExchange(this.#words, state, seen, seen) !== seen) continue;
      if (!isSound) throw this.#damaged(index);
      return { kind: seen & KIND_MASK, data };
    }
  }

  /** Writes a slot. One at a time: call it with the list's lock. */
  write(index: number, kind: number, data: Uint8Array): void {
    const state = HEADER_WORDS + SLOT_WORDS * index;
    const before = Atomics.load(this.#words, state);
    const toSecond = (before & AREA) === 0;
    const start = this.#areaStart(index, toSecond);
    this.#words[start / 4] = data.length;
    this.#bytes.set(data, start + UNIT);
    const version = (before & ~(KIND_MASK | AREA)) + VERSION_STEP;
    Atomics.store(this.#words, state, version | (toSecond ? AREA : 0) | kind);
  }

  #areaStart(index: number, isSecond: boolean): number {
    const slot = HEADER_WORDS + SLOT_WORDS * index;
    const capacity = this.capacity(index);
    const first = (this.#words[slot + 2]! >>> 0) * UNIT;
    if (capacity < 0 || capacity % UNIT !== 0 || first + areasOf(capacity) > this.#bytes.length) {
      throw this.#damaged(index);
    }
    return isSecond ? first + UNIT + capacity : first;
  }

  #damaged(index: number): InvalidStateError {
    return new InvalidStateError(
      `Slot ${index} of this ShareableList is damaged: something wrote over its memory. Close the list and make it again.`,
    );
  }
}

/** Bytes of both areas of a slot. */
function areasOf(capacity: number): number {
  return 2 * (UNIT + capacity);
}
