import { SerializationError } from "../errors/index.ts";
import { EXTENSION, Tag } from "./tags.ts";

/** Keys up to this many bytes are looked up among recent ones before a new string is made. */
const CACHED_BYTES = 32;
const CACHE_SIZE = 2048;
const cache: (string | undefined)[] = Array.from({ length: CACHE_SIZE });

/** Says that bytes are not what this package writes. */
export function malformed(what: string): SerializationError {
  return new SerializationError(
    `Malformed message: ${what}. Both sides must run the same version of manycore.`,
  );
}

/** Reads MessagePack tokens from bytes that may come from anywhere. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;
  /**
   * Elements that containers may still announce. Each takes at least a byte, so together they cannot
   * be more than the bytes there are; without the sum, nested containers could each claim the rest.
   */
  budget: number;
  #view: DataView | undefined;
  #buffer: Buffer | undefined;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.budget = end - position;
  }

  /**
   * The next byte. Past the end it is `undefined`, which no token equals: the read either fails for
   * that or is found out when the position is compared with the end, which every reader must do.
   */
  byte(): number {
    return this.bytes[this.position++] as number;
  }

  uint16(): number {
    const at = this.take(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  uint32(): number {
    const at = this.take(4);
    const { bytes } = this;
    return (
      (bytes[at] as number) * 0x1000000 +
      (((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number))
    );
  }

  int8(): number {
    return (this.byte() << 24) >> 24;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  float64(): number {
    return this.#data().getFloat64(this.take(8));
  }

  /** Reads what `ByteWriter.int32s` wrote. */
  int32s(count: number): number[] {
    let at = this.take(4 * count);
    const view = this.#data();
    // oxlint-disable-next-line unicorn/no-new-array -- twice as fast as growing; `take` has bounded it
    const values: number[] = new Array(count);
    for (let i = 0; i < count; i++, at += 4) values[i] = view.getInt32(at, true);
    return values;
  }

  /** Reads what `ByteWriter.float64s` wrote. */
  float64s(count: number): number[] {
    let at = this.take(8 * count);
    const view = this.#data();
    // oxlint-disable-next-line unicorn/no-new-array -- as above
    const values: number[] = new Array(count);
    for (let i = 0; i < count; i++, at += 8) values[i] = view.getFloat64(at, true);
    return values;
  }

  bigUint64(): bigint {
    return this.#data().getBigUint64(this.take(8));
  }

  bigInt64(): bigint {
    return this.#data().getBigInt64(this.take(8));
  }

  /** Moves on by `count` bytes. @returns where they begin. */
  take(count: number): number {
    const at = this.position;
    if (count > this.end - at) throw malformed("it ends too early");
    this.position = at + count;
    return at;
  }

  /** Checks the number of elements a container announces. */
  count(elements: number): number {
    this.budget -= elements;
    if (this.budget < 0) throw malformed("it announces more than it holds");
    return elements;
  }

  /**
   * The value of a token that no container begins: null, a boolean, a number, a string of some length. Those
   * that are themselves the value, or hold the length of a short string, are left to the caller.
   *
   * @throws SerializationError for any other token.
   */
  scalar(token: number): null | boolean | number | string {
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xcb:
        return this.float64();
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.uint16();
      case 0xce:
        return this.uint32();
      case 0xd0:
        return this.int8();
      case 0xd1:
        return this.int16();
      case 0xd2:
        return this.int32();
      case 0xd9:
        return this.string(this.byte());
      case 0xda:
        return this.string(this.uint16());
      case 0xdb:
        return this.string(this.uint32());
      default:
        throw malformed(`it holds a value of unknown kind ${token}`);
    }
  }

  /** A length, an index or an id: a MessagePack integer that is not negative. */
  unsigned(): number {
    const token = this.byte();
    if (token < 0x80) return token;
    switch (token) {
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.uint16();
      case 0xce:
        return this.uint32();
      case 0xcb: {
        const value = this.float64();
        if (Number.isSafeInteger(value) && value >= 0) return value;
      }
    }
    throw malformed("a length was expected");
  }

  /** Skips the mark of a missing element. @returns false when something else follows. */
  skipHole(): boolean {
    const { bytes, position } = this;
    if (bytes[position] !== EXTENSION || bytes[position + 1] !== Tag.hole) return false;
    this.take(2);
    return true;
  }

  /** The length of a MessagePack array, within the budget. */
  arrayCount(): number {
    const token = this.byte();
    if (token >= 0x90 && token < 0xa0) return this.count(token & 0x0f);
    if (token === 0xdc) return this.count(this.uint16());
    if (token === 0xdd) return this.count(this.uint32());
    throw malformed("a list was expected");
  }

  /** The length of a MessagePack map, within the budget. */
  mapCount(): number {
    const token = this.byte();
    if (token >= 0x80 && token < 0x90) return this.count(token & 0x0f);
    if (token === 0xde) return this.count(this.uint16());
    if (token === 0xdf) return this.count(this.uint32());
    throw malformed("fields were expected");
  }

  /** A string where nothing else is allowed. */
  text(): string {
    const token = this.byte();
    if (token >= 0xa0 && token < 0xc0) return this.shortString(token - 0xa0);
    switch (token) {
      case 0xd9:
        return this.string(this.byte());
      case 0xda:
        return this.string(this.uint16());
      case 0xdb:
        return this.string(this.uint32());
      case EXTENSION:
        if (this.byte() === Tag.utf16) return this.utf16();
    }
    throw malformed("a string was expected");
  }

  /** A string that is likely to come again: a key or a short word. */
  shortString(length: number): string {
    const at = this.take(length);
    const { bytes } = this;
    const slot =
      (length +
        (bytes[at] as number) * 31 +
        (bytes[at + (length >> 1)] as number) * 131 +
        (bytes[at + length - 1] as number) * 1031) &
      (CACHE_SIZE - 1);
    const cached = cache[slot];
    if (cached !== undefined && cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[at + i]) i++;
      if (i === length) return cached;
    }
    const made = this.#decode(at, length);
    // Only ASCII, whose characters are its bytes: nothing else could be compared as above.
    if (made.length === length) cache[slot] = made;
    return made;
  }

  string(length: number): string {
    if (length <= CACHED_BYTES) return this.shortString(length);
    return this.#decode(this.take(length), length);
  }

  /** Reads what follows `Tag.utf16`. */
  utf16(): string {
    const length = this.unsigned();
    if (length % 2 !== 0) throw malformed("a string ends within a character");
    const at = this.take(length);
    return this.#asBuffer().toString("utf16le", at, at + length);
  }

  /** A view of the next bytes. */
  view(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** The next bytes in memory of their own. */
  copy(length: number): ArrayBuffer {
    const at = this.take(length);
    const copy = new Uint8Array(length);
    copy.set(this.bytes.subarray(at, at + length));
    return copy.buffer;
  }

  #decode(at: number, length: number): string {
    return this.#asBuffer().toString("utf8", at, at + length);
  }

  #asBuffer(): Buffer {
    const { bytes } = this;
    this.#buffer ??= Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#buffer;
  }

  #data(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }
}
