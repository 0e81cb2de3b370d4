import { MessageMemory } from "./message-memory.ts";
import { EXTENSION, Tag } from "./tags.ts";

/** Strings up to this length are written by a loop: faster than a call into C++ for ASCII. */
const LOOP_CHARS = 40;

/** Writes MessagePack; what it hands out is never written again. */
export class ByteWriter extends MessageMemory {
  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.position++] = value;
  }

  tag(tag: number): void {
    this.ensure(2);
    this.bytes[this.position++] = EXTENSION;
    this.bytes[this.position++] = tag;
  }

  number(value: number): void {
    this.ensure(9);
    const integer = value | 0;
    if (integer !== value || (integer === 0 && 1 / value < 0)) {
      this.#wideNumber(value);
      return;
    }
    const bytes = this.bytes;
    if (integer >= 0) {
      if (integer < 0x80) bytes[this.position++] = integer;
      else if (integer < 0x100) {
        bytes[this.position++] = 0xcc;
        bytes[this.position++] = integer;
      } else if (integer < 0x10000) {
        bytes[this.position++] = 0xcd;
        bytes[this.position++] = integer >> 8;
        bytes[this.position++] = integer;
      } else this.#word(0xce, integer);
    } else if (integer >= -0x20) bytes[this.position++] = integer;
    else if (integer >= -0x80) {
      bytes[this.position++] = 0xd0;
      bytes[this.position++] = integer;
    } else if (integer >= -0x8000) {
      bytes[this.position++] = 0xd1;
      bytes[this.position++] = integer >> 8;
      bytes[this.position++] = integer;
    } else this.#word(0xd2, integer);
  }

  /** A bigint of up to 64 bits as MessagePack has it, a longer one by magnitude. */
  bigint(value: bigint): void {
    this.ensure(9);
    if (BigInt.asUintN(64, value) === value) {
      this.bytes[this.position++] = 0xcf;
      this.position = this.bytes.writeBigUInt64BE(value, this.position);
    } else if (BigInt.asIntN(64, value) === value) {
      this.bytes[this.position++] = 0xd3;
      this.position = this.bytes.writeBigInt64BE(value, this.position);
    } else {
      const hex = (value < 0n ? -value : value).toString(16);
      const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
      this.tag(Tag.bigint);
      this.number(value < 0n ? 1 : 0);
      this.number(magnitude.length);
      this.raw(magnitude);
    }
  }

  string(value: string): void {
    const length = value.length;
    if (length > LOOP_CHARS) {
      this.#longString(value);
      return;
    }
    this.ensure(length + 2);
    const bytes = this.bytes;
    let at = this.position;
    if (length < 32) bytes[at++] = 0xa0 | length;
    else {
      bytes[at++] = 0xd9;
      bytes[at++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#longString(value);
        return;
      }
      bytes[at++] = code;
    }
    this.position = at;
  }

  arrayHeader(count: number): void {
    this.#header(count, 0x90, 0xdc);
  }

  mapHeader(count: number): void {
    this.#header(count, 0x80, 0xde);
  }

  /** A byte string of its own, as protocol frames carry them. */
  binary(value: Uint8Array): void {
    const length = value.length;
    this.ensure(5 + length);
    if (length < 0x100) {
      this.bytes[this.position++] = 0xc4;
      this.bytes[this.position++] = length;
    } else if (length < 0x10000) {
      this.bytes[this.position++] = 0xc5;
      this.bytes[this.position++] = length >> 8;
      this.bytes[this.position++] = length;
    } else this.#word(0xc6, length);
    this.raw(value);
  }

  /** Integers of 32 bits, one behind the other, least significant byte first. */
  int32s(values: readonly number[]): void {
    this.ensure(4 * values.length);
    const view = this.data();
    let at = this.position;
    for (let i = 0; i < values.length; i++, at += 4) view.setInt32(at, values[i] as number, true);
    this.position = at;
  }

  /** Numbers of 64 bits, one behind the other, least significant byte first. */
  float64s(values: readonly number[]): void {
    this.ensure(8 * values.length);
    const view = this.data();
    let at = this.position;
    for (let i = 0; i < values.length; i++, at += 8) view.setFloat64(at, values[i] as number, true);
    this.position = at;
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    const length = value.length;
    this.ensure(length);
    if (length <= 48) {
      // A loop beats the call of TypedArray.set for a handful of bytes.
      const { bytes, position } = this;
      for (let i = 0; i < length; i++) bytes[position + i] = value[i] as number;
    } else this.bytes.set(value, this.position);
    this.position += length;
  }

  #header(count: number, small: number, large: number): void {
    this.ensure(5);
    if (count < 16) this.bytes[this.position++] = small | count;
    else if (count < 0x10000) {
      this.bytes[this.position++] = large;
      this.bytes[this.position++] = count >> 8;
      this.bytes[this.position++] = count;
    } else this.#word(large + 1, count);
  }

  #word(token: number, value: number): void {
    const { bytes, position } = this;
    bytes[position] = token;
    bytes[position + 1] = value >>> 24;
    bytes[position + 2] = value >>> 16;
    bytes[position + 3] = value >>> 8;
    bytes[position + 4] = value;
    this.position = position + 5;
  }

  #wideNumber(value: number): void {
    if (value > 0 && value >>> 0 === value) {
      this.#word(0xce, value);
      return;
    }
    this.bytes[this.position] = 0xcb;
    this.data().setFloat64(this.position + 1, value);
    this.position += 9;
  }

  #longString(value: string): void {
    const length = value.length;
    // No code unit takes more than three bytes. Long strings are measured, so as not to make thrice the room.
    const most = length * 3 < 0x10000 ? length * 3 : Buffer.byteLength(value, "utf8");
    this.ensure(most + 5);
    const start = this.position;
    const header = most < 32 ? 1 : most < 0x100 ? 2 : most < 0x10000 ? 3 : 5;
    const written = this.bytes.write(value, start + header, most, "utf8");
    // All ASCII when no character took more than a byte; otherwise there may be lone surrogates.
    if (written !== length && !isWellFormed(value)) {
      this.#utf16(value);
      return;
    }
    if (header === 5) this.#word(0xdb, written);
    else if (header === 3) {
      this.bytes[start] = 0xda;
      this.bytes[start + 1] = written >> 8;
      this.bytes[start + 2] = written;
    } else if (header === 2) {
      this.bytes[start] = 0xd9;
      this.bytes[start + 1] = written;
    } else this.bytes[start] = 0xa0 | written;
    this.position = start + header + written;
  }

  #utf16(value: string): void {
    const length = value.length * 2;
    this.tag(Tag.utf16);
    this.ensure(9 + length);
    this.number(length);
    this.bytes.write(value, this.position, length, "utf16le");
    this.position += length;
  }
}

/** Node 20 has it, the library of ES2023 does not say so. */
function isWellFormed(value: string): boolean {
  return (value as unknown as { isWellFormed(): boolean }).isWellFormed();
}
