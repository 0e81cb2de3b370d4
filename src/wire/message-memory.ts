/** Small messages are cut one after another from chunks of this size, as Node's own Buffer pool does. */
const CHUNK_BYTES = 8192;
/** Less room than this left in a chunk, and the next message gets a new one. */
const MIN_ROOM_BYTES = 256;
/** The memory kept between large messages, so that they need not fault in fresh pages each time. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** Memory that messages are written into, one after the other: it grows, and what was handed out stays as it is. */
export class MessageMemory {
  /** The memory that is written; replaced when it grows, so read it again after every call that may grow it. */
  bytes: Buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  position = 0;
  #view: DataView | undefined;
  #start = 0;
  #chunk: Buffer = this.bytes;
  #large: Buffer | undefined;

  /** Starts a message. */
  begin(): void {
    if (this.bytes !== this.#chunk) this.#useChunk();
    if (CHUNK_BYTES - this.position < MIN_ROOM_BYTES) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.bytes = this.#chunk;
      this.#view = undefined;
      this.position = 0;
    }
    this.#start = this.position;
  }

  /** Ends the message. @returns its bytes, in memory that nobody writes again. */
  finish(): Buffer {
    const { bytes, position } = this;
    if (bytes === this.#chunk) return bytes.subarray(this.#start, position);
    const length = position - this.#start;
    this.#useChunk();
    if (bytes.length > MAX_KEPT_BYTES) {
      this.#large = undefined;
      // Too big to keep, so give it away unless much of it would be waste.
      if (length > bytes.length / 2) return bytes.subarray(0, length);
    }
    const copy = Buffer.allocUnsafeSlow(length);
    bytes.copy(copy, 0, 0, length);
    return copy;
  }

  /** Offers the message to somebody who copies it; if taken it is ended, and its memory is free again. */
  offer(store: (bytes: Uint8Array, from: number, to: number) => boolean): boolean {
    if (!store(this.bytes, this.#start, this.position)) return false;
    this.abandon();
    return true;
  }

  /** Drops the message begun. */
  abandon(): void {
    if (this.bytes === this.#chunk) this.position = this.#start;
    else {
      if (this.bytes.length > MAX_KEPT_BYTES) this.#large = undefined;
      this.#useChunk();
    }
  }

  /** Bytes of the message so far. */
  get length(): number {
    return this.position - this.#start;
  }

  /** Takes back everything after the first `length` bytes. */
  truncate(length: number): void {
    this.position = this.#start + length;
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    if (this.position + count > this.bytes.length) this.#grow(count);
  }

  /** A view of `bytes`, for numbers of several bytes. */
  protected data(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }

  #grow(count: number): void {
    const length = this.length;
    const needed = length + count;
    let next = this.#large;
    if (next === undefined || next === this.bytes || next.length < needed) {
      next = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2, CHUNK_BYTES * 4));
      this.#large = next;
    }
    this.bytes.copy(next, 0, this.#start, this.position);
    if (this.bytes === this.#chunk) this.#chunkEnd = this.#start;
    this.bytes = next;
    this.#view = undefined;
    this.#start = 0;
    this.position = length;
  }

  /** The beginning of the next message in the chunk while a large one is being written elsewhere. */
  #chunkEnd = 0;

  #useChunk(): void {
    this.bytes = this.#chunk;
    this.#view = undefined;
    this.position = this.#chunkEnd;
    this.#start = this.#chunkEnd;
  }
}
