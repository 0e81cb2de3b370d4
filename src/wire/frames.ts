import { SerializationError } from "../errors/index.ts";
import { frameLimit, MAX_ATTACHMENTS } from "./limits.ts";

/** u32 length of everything behind it, u16 number of attachments. */
const HEADER_BYTES = 6;
/** Messages up to this size are copied behind their header, so that one write sends both. */
const MERGE_BYTES = 64 * 1024;
/** A part that is announced larger than this grows as it arrives: a header alone must not take memory. */
const TRUSTED_BYTES = 8 * 1024 * 1024;
/** Each time by this factor, so that growing copies at most a third of the whole. */
const GROWTH = 4;

/**
 * Puts a length before a message and its attachments.
 *
 * @returns chunks to be written in this order; attachments are among them as they are, not copied.
 * @throws SerializationError when it is too large for any receiver, or has too many attachments.
 */
export function encodeFrame(
  bytes: Uint8Array,
  attachments: readonly (ArrayBuffer | Uint8Array)[] = [],
): Uint8Array[] {
  const count = attachments.length;
  if (count > MAX_ATTACHMENTS) {
    throw new SerializationError(
      `A message with ${count} large buffers is too much: put them into fewer, or send several messages.`,
    );
  }
  const head = HEADER_BYTES + 4 * count;
  let total = head - 4 + bytes.length;
  for (const { byteLength } of attachments) total += byteLength;
  if (total > frameLimit.bytes) {
    throw new SerializationError(
      `A message of ${total} bytes is above the limit of ${frameLimit.bytes}: send it in parts.`,
    );
  }
  const merged = bytes.length <= MERGE_BYTES;
  const first = Buffer.allocUnsafe(merged ? head + bytes.length : head);
  let at = first.writeUInt32BE(total, 0);
  at = first.writeUInt16BE(count, at);
  for (const { byteLength } of attachments) at = first.writeUInt32BE(byteLength, at);
  if (merged) first.set(bytes, at);
  const chunks: Uint8Array[] = merged ? [first] : [first, bytes];
  for (const attachment of attachments) {
    chunks.push(attachment instanceof Uint8Array ? attachment : new Uint8Array(attachment));
  }
  return chunks;
}

/** Takes the chunks of a byte stream and hands over whole frames. */
export class FrameDecoder {
  readonly #onFrame: (bytes: Uint8Array, attachments: Uint8Array[] | undefined) => void;
  readonly #maxBytes: number;
  /** The beginning of a frame whose header is not complete yet. */
  #header: Uint8Array | undefined;
  /** The frame whose parts are being filled. */
  #frame: PartialFrame | undefined;
  #broken: SerializationError | undefined;

  /**
   * @param onFrame - gets the message and its attachments, each of which has memory of its own.
   * @param options - `maxBytes`: larger frames are refused, default {@link frameLimit}.
   */
  constructor(
    onFrame: (bytes: Uint8Array, attachments: Uint8Array[] | undefined) => void,
    options: { readonly maxBytes?: number } = {},
  ) {
    this.#onFrame = onFrame;
    this.#maxBytes = options.maxBytes ?? frameLimit.bytes;
  }

  /** Bytes of an unfinished frame that are held. */
  get pending(): number {
    return (this.#header?.length ?? 0) + (this.#frame?.received ?? 0);
  }

  /**
   * Takes the next chunk of the stream and calls `onFrame` for every frame that it completes.
   *
   * The chunk must not be written any more: frames that lie in it whole are handed over as views. (Node
   * reads each chunk of a socket into memory of its own.)
   *
   * @throws SerializationError on lengths that cannot be; the stream is of no use from then on,
   *   and every further call throws the same.
   */
  push(chunk: Uint8Array): void {
    if (this.#broken !== undefined) throw this.#broken;
    let at = 0;
    if (this.#header !== undefined) {
      chunk = Buffer.concat([this.#header, chunk]);
      this.#header = undefined;
    }
    while (at < chunk.length) {
      if (this.#frame !== undefined) {
        at += this.#frame.fill(chunk, at);
        this.#deliverIfComplete(this.#frame);
        continue;
      }
      const parts = this.#readHeader(chunk, at);
      if (parts === undefined) {
        // A copy: the few bytes must not keep the whole chunk alive.
        this.#header = Uint8Array.prototype.slice.call(chunk, at);
        return;
      }
      at += HEADER_BYTES + 4 * (parts.length - 1);
      const length = parts[0] as number;
      if (parts.length === 1 && length <= chunk.length - at) {
        const message = chunk.subarray(at, at + length);
        at += length;
        this.#onFrame(message, undefined);
      } else {
        this.#frame = new PartialFrame(parts);
        // Nothing but empty parts: no more bytes will come for it.
        this.#deliverIfComplete(this.#frame);
      }
    }
  }

  /** @returns the lengths of the message and its attachments, or `undefined` when more bytes are needed. */
  #readHeader(chunk: Uint8Array, at: number): number[] | undefined {
    const available = chunk.length - at;
    if (available < 4) return undefined;
    const total = uint32(chunk, at);
    if (total > this.#maxBytes) {
      this.#fail(`A frame of ${total} bytes arrived, above the limit of ${this.#maxBytes}.`);
    }
    if (total < 2) this.#fail("A frame arrived that is too short to be one.");
    if (available < HEADER_BYTES) return undefined;
    const count = ((chunk[at + 4] as number) << 8) | (chunk[at + 5] as number);
    let message = total - 2 - 4 * count;
    if (message < 0) this.#fail("A frame arrived that is shorter than its parts.");
    if (available < HEADER_BYTES + 4 * count) return undefined;
    const parts = [0];
    for (let i = 0; i < count; i++) {
      const length = uint32(chunk, at + HEADER_BYTES + 4 * i);
      message -= length;
      parts.push(length);
    }
    if (message < 0) this.#fail("A frame arrived that is shorter than its parts.");
    parts[0] = message;
    return parts;
  }

  #deliverIfComplete(frame: PartialFrame): void {
    if (!frame.complete) return;
    this.#frame = undefined;
    this.#onFrame(frame.message, frame.attachments);
  }

  #fail(reason: string): never {
    this.#broken = new SerializationError(
      `${reason} The other side is not a manycore of the same version, or the stream is damaged.`,
    );
    throw this.#broken;
  }
}

/** A frame that comes in more than one chunk, or has attachments: every part gets its own memory. */
class PartialFrame {
  received = 0;
  readonly #lengths: readonly number[];
  readonly #parts: Uint8Array[] = [];
  /** The part being filled, and how much of it is there. */
  #current: Uint8Array | undefined;
  #filled = 0;

  constructor(lengths: readonly number[]) {
    this.#lengths = lengths;
    this.#next();
  }

  get complete(): boolean {
    return this.#parts.length === this.#lengths.length;
  }

  get message(): Uint8Array {
    return this.#parts[0] as Uint8Array;
  }

  get attachments(): Uint8Array[] | undefined {
    return this.#parts.length > 1 ? this.#parts.slice(1) : undefined;
  }

  /** Takes what belongs to this frame. @returns how many bytes that was. */
  fill(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.#current !== undefined && at < chunk.length) {
      const wanted = (this.#lengths[this.#parts.length] as number) - this.#filled;
      const taken = Math.min(wanted, chunk.length - at);
      const room = this.#makeRoom(this.#current, taken);
      room.set(chunk.subarray(at, at + taken), this.#filled);
      at += taken;
      this.#filled += taken;
      this.received += taken;
      if (taken === wanted) {
        this.#parts.push(room);
        this.#next();
      }
    }
    return at - from;
  }

  #makeRoom(current: Uint8Array, more: number): Uint8Array {
    const needed = this.#filled + more;
    if (needed <= current.length) return current;
    const announced = this.#lengths[this.#parts.length] as number;
    const grown = new Uint8Array(Math.min(announced, Math.max(needed, current.length * GROWTH)));
    grown.set(current.subarray(0, this.#filled));
    this.#current = grown;
    return grown;
  }

  /** Goes on to the next part that is not empty. */
  #next(): void {
    this.#current = undefined;
    this.#filled = 0;
    for (;;) {
      const length = this.#lengths[this.#parts.length];
      if (length === undefined) return;
      if (length > 0) {
        this.#current = new Uint8Array(Math.min(length, TRUSTED_BYTES));
        return;
      }
      this.#parts.push(new Uint8Array(0));
    }
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 0x1000000 +
    (((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number))
  );
}
