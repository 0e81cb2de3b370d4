import { SerializationError } from "../errors/index.ts";

/** The largest message that a connection takes unless it is told otherwise: 1 GiB. */
export const MAX_MESSAGE_BYTES: number = 1024 * 1024 * 1024;

/** Lengths up to this stand in the first four bytes, as in Python's `multiprocessing.connection`. */
const MAX_SHORT = 0x7fffffff;
/** In place of the length: the length follows, in eight bytes. */
const LONG = -1;
/** In place of the length: a control frame follows, its length in four bytes. Not Python's. */
const CONTROL = -2;
const MAX_CONTROL_BYTES = 4096;
/** A message that is announced larger than this grows as it arrives: a header alone must not take memory. */
const TRUSTED_BYTES = 8 * 1024 * 1024;
/** Each time by this factor, so that growing copies at most a third of the whole. */
const GROWTH = 4;
/** A message of which less than this is missing is not worth a read of its own. */
const DIRECT_BYTES = 16 * 1024;

/** The header of a message of `length` bytes. */
export function messageHeader(length: number): Buffer {
  if (length <= MAX_SHORT) {
    const header = Buffer.allocUnsafe(4);
    header.writeInt32BE(length, 0);
    return header;
  }
  const header = Buffer.allocUnsafe(12);
  header.writeInt32BE(LONG, 0);
  header.writeBigUInt64BE(BigInt(length), 4);
  return header;
}

/** A control frame, with its header. */
export function controlFrame(content: object): Buffer {
  const text = Buffer.from(JSON.stringify(content));
  const message = Buffer.allocUnsafe(8 + text.length);
  message.writeInt32BE(CONTROL, 0);
  message.writeInt32BE(text.length, 4);
  text.copy(message, 8);
  return message;
}

/** Takes what a {@link MessageReader} finds. */
export interface MessageTarget {
  /** A view of the chunk it came in, or memory of its own when it came in several. */
  onMessage(message: Uint8Array): void;
  /** Undefined where the other side must not send control frames. */
  readonly onControl?: ((frame: Uint8Array) => void) | undefined;
}

interface Header {
  readonly bytes: number;
  readonly length: number;
  readonly isControl: boolean;
}

/** A reader that takes the chunks of a byte stream and hands over whole messages; the framing is Python's. */
export class MessageReader {
  /** Larger messages are refused, before memory is taken for them. May be changed between messages. */
  maxBytes: number;
  readonly #target: MessageTarget;
  /** The beginning of a message whose header is not complete yet. */
  #head: Uint8Array | undefined;
  /** The message being filled. */
  #body: Uint8Array | undefined;
  #header: Header | undefined;
  #filled = 0;
  #broken: SerializationError | undefined;

  constructor(target: MessageTarget, maxBytes: number = MAX_MESSAGE_BYTES) {
    this.#target = target;
    this.maxBytes = maxBytes;
  }

  /** Bytes of an unfinished message that have arrived. */
  get unfinishedBytes(): number {
    if (this.#header !== undefined) return this.#header.bytes + this.#filled;
    return this.#head?.length ?? 0;
  }

  /** The unfinished message as it came, to be read on by somebody else; forgets it. */
  takeUnfinished(): Uint8Array[] {
    const head = this.#head;
    const header = this.#header;
    const body = this.#body?.subarray(0, this.#filled);
    this.#head = undefined;
    this.#header = undefined;
    this.#body = undefined;
    if (head !== undefined) return [head];
    if (header === undefined || body === undefined) return [];
    return [messageHeader(header.length), body];
  }

  /** Memory to which the rest of a large message can be read without a copy; {@link filled} must follow. */
  get room(): Uint8Array | undefined {
    const header = this.#header;
    if (header === undefined || header.length - this.#filled < DIRECT_BYTES) return undefined;
    return this.#makeRoom(header, 1).subarray(this.#filled);
  }

  /** Takes note of bytes that were read to {@link room}. */
  filled(bytes: number): void {
    this.#filled += bytes;
    this.#finishIfComplete();
  }

  /**
   * Takes the next chunk, which must not be written any more.
   *
   * @throws SerializationError on a length that cannot be or is above `maxBytes`; every further
   *   call throws the same.
   */
  push(chunk: Uint8Array): void {
    if (this.#broken !== undefined) throw this.#broken;
    let at = 0;
    if (this.#head !== undefined) {
      chunk = Buffer.concat([this.#head, chunk]);
      this.#head = undefined;
    }
    while (at < chunk.length) {
      if (this.#header !== undefined) {
        at += this.#fill(this.#header, chunk, at);
        continue;
      }
      const header = this.#readHeader(chunk, at);
      if (header === undefined) {
        // A copy: the few bytes must not keep the whole chunk alive.
        this.#head = Uint8Array.prototype.slice.call(chunk, at);
        return;
      }
      at += header.bytes;
      if (header.length <= chunk.length - at) {
        const message = chunk.subarray(at, at + header.length);
        at += header.length;
        this.#deliver(header, message);
      } else {
        this.#header = header;
        this.#filled = 0;
        this.#body = Buffer.allocUnsafeSlow(Math.min(header.length, TRUSTED_BYTES));
      }
    }
  }

  #readHeader(chunk: Uint8Array, at: number): Header | undefined {
    const available = chunk.length - at;
    if (available < 4) return undefined;
    const length = int32(chunk, at);
    if (length >= 0) {
      this.#check(length, this.maxBytes);
      return { bytes: 4, length, isControl: false };
    }
    if (length === CONTROL && this.#target.onControl !== undefined) {
      if (available < 8) return undefined;
      const control = int32(chunk, at + 4);
      this.#check(control, MAX_CONTROL_BYTES);
      return { bytes: 8, length: control, isControl: true };
    }
    if (length !== LONG) this.#fail(`A message of ${length} bytes was announced.`);
    if (available < 12) return undefined;
    const high = int32(chunk, at + 4) >>> 0;
    const long = high * 0x100000000 + (int32(chunk, at + 8) >>> 0);
    this.#check(long, this.maxBytes);
    return { bytes: 12, length: long, isControl: false };
  }

  #fill(header: Header, chunk: Uint8Array, from: number): number {
    const taken = Math.min(header.length - this.#filled, chunk.length - from);
    this.#makeRoom(header, taken).set(chunk.subarray(from, from + taken), this.#filled);
    this.filled(taken);
    return taken;
  }

  #finishIfComplete(): void {
    const header = this.#header;
    const body = this.#body;
    if (header === undefined || body === undefined || this.#filled < header.length) return;
    this.#header = undefined;
    this.#body = undefined;
    this.#deliver(header, body);
  }

  #deliver(header: Header, message: Uint8Array): void {
    if (header.isControl) this.#target.onControl?.(message);
    else this.#target.onMessage(message);
  }

  #makeRoom(header: Header, more: number): Uint8Array {
    const body = this.#body as Uint8Array;
    const needed = this.#filled + more;
    if (needed <= body.length) return body;
    const size = Math.min(header.length, Math.max(needed, body.length * GROWTH));
    const grown = Buffer.allocUnsafeSlow(size);
    grown.set(body.subarray(0, this.#filled));
    this.#body = grown;
    return grown;
  }

  #check(length: number, limit: number): void {
    if (length < 0 || length > limit) {
      this.#fail(`A message of ${length} bytes was announced, above the limit of ${limit}.`);
    }
  }

  #fail(reason: string): never {
    this.#broken = new SerializationError(
      `${reason} Raise \`maxBytes\` if it is to be taken; else the other side speaks another language.`,
    );
    throw this.#broken;
  }
}

function int32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
