import { InvalidStateError } from "../errors/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import type { Mapping } from "../os/index.ts";
import { backRing } from "./ring-file.ts";
import { copyIn, copyOut, tableSize } from "./parts.ts";
import {
  FILE_FRAME_SIZE,
  FRAME,
  FRAME_HEADER_SIZE,
  IMMEDIATE,
  RING,
  RING_HEADER_SIZE,
} from "./ring-layout.ts";

/** Content of a frame to be written. */
export interface Outgoing {
  readonly chunks: readonly Uint8Array[];
  /** Bytes of all chunks. */
  readonly length: number;
  /** Kind of the only chunk, when the codec did not write it. */
  readonly raw?: RawKind | undefined;
  /** The file that holds the chunks, when they are too long for the ring. */
  readonly file: FileName | undefined;
}

/** Bytes that travel as they are. */
export type RawKind = "bytes" | "buffer";

/** Names the file of a large item: slot, generation and count of who wrote it. */
export type FileName = readonly [slot: number, generation: number, count: number];

/** Content of a frame that was taken. */
export interface Incoming {
  /** Output of the codec, unless it is in a file. Memory that is used again after {@link Ring.recycle}. */
  readonly bytes: Uint8Array;
  /** Number of the bytes that count. */
  readonly length: number;
  /** Memory beside it, each of its own. */
  readonly attachments: Uint8Array[] | undefined;
  /** `bytes` is the item itself, in memory of its own. */
  readonly isRaw: boolean;
  readonly file: FileName | undefined;
}

/** Items up to this size are copied to memory that is used again for the next one. */
const SCRATCH_BYTES = 64 * 1024;
/** Shorter ones are copied by a loop: a call into C++ costs more. */
const LOOP_BYTES = 96;
/** Bytes in files, all together, in capacities of the ring; one file is always allowed. */
const FILE_CAPACITIES = 8;
const NUMBER_MASK = 0xffffff;
const SMALLEST: Outgoing = { chunks: [], length: 0, file: undefined };
const NO_BYTES = new Uint8Array(0);

/**
 * The ring of bytes of a queue, as this thread sees it. Who writes holds one lock, who takes another.
 *
 * A change is complete by the one store to `put`, or to `got`; what was written before that store belongs
 * to places nobody looks at yet. So there is nothing to mend after a death.
 */
export class Ring {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Buffer;
  readonly #mask: number;
  readonly #folder: string;
  /** Memory for short values; undefined while one is read, which may take another. */
  #scratch: Buffer | undefined = Buffer.allocUnsafeSlow(4096);
  #lent: Buffer | undefined;
  /** The other side, as it was when it was last looked at: there is at least that much room. */
  #got = 0;
  #head = 0;
  #bigGot = 0;
  /** Next item to take, when nobody else takes any, and the last known `put`: those between are there. */
  #next = 0;
  #seenPut = 0;

  /** @param folder - where its file is. */
  constructor({ buffer }: Mapping, folder: string) {
    this.#folder = folder;
    this.#words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
    this.#floats = new Float64Array(buffer, 0, RING_HEADER_SIZE / 8);
    this.capacity = this.#words[RING.capacity]!;
    this.#bytes = Buffer.from(buffer, RING_HEADER_SIZE, this.capacity);
    this.#mask = this.capacity - 1;
  }

  /** The words of the header. */
  get words(): Int32Array {
    return this.#words;
  }

  get flags(): number {
    return Atomics.load(this.#words, RING.flags);
  }

  get maxSize(): number {
    return Atomics.load(this.#words, RING.maxSize);
  }

  /** Items ever put, modulo 2^32; likewise {@link Ring.got}. */
  get put(): number {
    return Atomics.load(this.#words, RING.put);
  }

  get got(): number {
    return Atomics.load(this.#words, RING.got);
  }

  /** True once an immediate shutdown has dropped what was in it. */
  get isDropped(): boolean {
    return (this.flags & IMMEDIATE) !== 0;
  }

  get isEmpty(): boolean {
    return this.got === this.put;
  }

  /** Items in it. */
  get size(): number {
    for (;;) {
      const got = this.got;
      const size = (this.put - got) | 0;
      if (this.got === got) return size;
    }
  }

  /** True for an item that has to go to a file. All others fit into an empty ring, wherever that begins. */
  isTooLong(item: Outgoing): boolean {
    return frameSize(sizeInRing(item)) > this.capacity / 2;
  }

  /** True while a file of this many bytes may be added. */
  hasRoomForFile(length: number): boolean {
    this.#look();
    const outstanding = this.#stable(RING.put, RING.bigPut / 2, this.#floats) - this.#bigGot;
    return outstanding <= 0 || outstanding + length <= this.capacity * FILE_CAPACITIES;
  }

  /** True while the smallest item could be written. */
  get hasRoom(): boolean {
    return this.hasRoomFor(SMALLEST);
  }

  /** Bytes taken so far, modulo 2^32. */
  get taken(): number {
    return this.#stable(RING.got, RING.heads, this.#words);
  }

  /** True while a quarter of it is free. */
  get isRoomy(): boolean {
    this.#look();
    const tail = this.#stable(RING.put, RING.tails, this.#words);
    return this.capacity - ((tail - this.#head) >>> 0) >= this.capacity / 4;
  }

  /** True while an item could be written; for threads that do not hold the lock. */
  hasRoomFor(item: Outgoing): boolean {
    const put = this.put;
    const tail = this.#stable(RING.put, RING.tails, this.#words);
    return this.#fits(put, tail, this.#bytesFor(tail, sizeInRing(item)));
  }

  /**
   * Writes an item and publishes it; the sender's lock is held.
   * @returns false when there is no room.
   * @throws InvalidStateError when the ring needs more memory and the file system is full.
   */
  write(item: Outgoing): boolean {
    const { file, chunks } = item;
    const words = this.#words;
    const length = sizeInRing(item);
    const put = this.put;
    let tail = words[RING.tails + (put & 1)]!;
    const frame = frameSize(length);
    const total = this.#bytesFor(tail, length);
    if (!this.#fits(put, tail, total)) return false;
    this.#back(tail, frame, total);
    if (total > frame) {
      this.#frame(tail, total - frame - FRAME_HEADER_SIZE, FRAME.pad, 0);
      tail = (tail + total - frame) | 0;
    }
    let big = this.#floats[RING.bigPut / 2 + (put & 1)]!;
    if (file !== undefined) {
      const at = this.#frame(tail, length, FRAME.file, put);
      for (let i = 0; i < file.length; i++) this.#bytes.writeInt32LE(file[i]!, at + i * 4);
      this.#bytes.writeDoubleLE(item.length, at + 16);
      big += item.length;
    } else {
      const kind = chunks.length === 1 ? FRAME[item.raw ?? "data"] : FRAME.parts;
      copyIn(this.#bytes, chunks, this.#frame(tail, length, kind, put));
    }
    this.#publish(put, (tail + frame) | 0, big);
    return true;
  }

  /**
   * As {@link Ring.write}, for what is short: the bytes of a value, or nothing but bytes.
   * @returns false when there is no room just behind the last item, or no memory there.
   */
  writeShort(bytes: Uint8Array, from: number, to: number, raw: RawKind | undefined): boolean {
    const put = this.put;
    const tail = this.#words[RING.tails + (put & 1)]!;
    const at = tail & this.#mask;
    const frame = frameSize(to - from);
    if (at + frame > this.#words[RING.backed]! || frame > this.capacity / 2) return false;
    if (!this.#fits(put, tail, frame)) return false;
    let target = this.#frame(tail, to - from, FRAME[raw ?? "data"], put);
    const own = this.#bytes;
    if (to - from <= LOOP_BYTES) for (let i = from; i < to; i++) own[target++] = bytes[i]!;
    else own.set(to - from === bytes.length ? bytes : bytes.subarray(from, to), target);
    this.#publish(put, (tail + frame) | 0, this.#floats[RING.bigPut / 2 + (put & 1)]!);
    return true;
  }

  /**
   * Takes the oldest item out; the receiver's lock is held.
   * @returns undefined when there is none.
   * @throws InvalidStateError when the ring is damaged.
   */
  take(): Incoming | undefined {
    const words = this.#words;
    const { got } = this;
    if (!this.#hasItem(got)) return undefined;
    let head = words[RING.heads + (got & 1)]!;
    let word = (RING_HEADER_SIZE + (head & this.#mask)) >> 2;
    if ((words[word + 1]! & 0xff) === FRAME.pad) {
      head = (head + words[word]! + FRAME_HEADER_SIZE) | 0;
      word = (RING_HEADER_SIZE + (head & this.#mask)) >> 2;
    }
    const length = words[word]!;
    const at = (head & this.#mask) + FRAME_HEADER_SIZE;
    const info = words[word + 1]!;
    const isWithin = length >= 0 && at + length <= this.capacity;
    if (!isWithin || info >>> 8 !== (got & NUMBER_MASK)) throw damaged(got);
    const item = this.#read(info & 0xff, at, length);
    const next = (got + 1) | 0;
    const big = item.file === undefined ? 0 : this.#bytes.readDoubleLE(at + 16);
    words[RING.heads + (next & 1)] = (head + frameSize(length)) | 0;
    this.#floats[RING.bigGot / 2 + (next & 1)] = this.#floats[RING.bigGot / 2 + (got & 1)]! + big;
    this.#next = next;
    faultPoint("queue:before-take");
    Atomics.store(words, RING.got, next);
    faultPoint("queue:after-take");
    return item;
  }

  /** False when there is no item for sure; looks at what the other side writes only if it has to. */
  get mayHaveItem(): boolean {
    return this.#hasItem(this.got);
  }

  /** Gives the memory of `incoming.bytes` back, to be used again. */
  recycle({ bytes }: Incoming): void {
    if (bytes === this.#lent) this.#scratch = this.#lent;
  }

  #hasItem(got: number): boolean {
    if (got === this.#next && got !== this.#seenPut) return true;
    this.#next = got;
    this.#seenPut = this.put;
    return got !== this.#seenPut;
  }

  /** The place that is not in use is written: whoever reads `put` as it is looks at the other one. */
  #publish(put: number, tail: number, big: number): void {
    const next = (put + 1) | 0;
    this.#words[RING.tails + (next & 1)] = tail;
    this.#floats[RING.bigPut / 2 + (next & 1)] = big;
    faultPoint("queue:before-put");
    Atomics.store(this.#words, RING.put, next);
    faultPoint("queue:after-put");
  }

  /** Looks at what the other side has taken. */
  #look(): void {
    for (;;) {
      const got = this.got;
      this.#head = this.#words[RING.heads + (got & 1)]!;
      this.#bigGot = this.#floats[RING.bigGot / 2 + (got & 1)]!;
      this.#got = got;
      if (this.got === got) return;
    }
  }

  /** One of a pair of places that a counter chooses between, read while the counter stood still. */
  #stable(counter: number, pair: number, from: Int32Array | Float64Array): number {
    for (;;) {
      const count = Atomics.load(this.#words, counter);
      const value = from[pair + (count & 1)]!;
      if (Atomics.load(this.#words, counter) === count) return value;
    }
  }

  /** Bytes of the ring that a frame takes, with what is left unused at its end when it does not fit there. */
  #bytesFor(tail: number, length: number): number {
    const frame = frameSize(length);
    const left = this.capacity - (tail & this.#mask);
    return frame > left ? left + frame : frame;
  }

  /** Sees to it that there is memory where a frame goes; what is left unused before it has some. */
  #back(tail: number, frame: number, total: number): void {
    const end = total > frame ? frame : (tail & this.#mask) + frame;
    // The unused part has a header.
    const needed = Math.max(end, total > frame ? (tail & this.#mask) + FRAME_HEADER_SIZE : 0);
    if (needed <= Atomics.load(this.#words, RING.backed)) return;
    Atomics.store(this.#words, RING.backed, backRing(this.#folder, this.capacity, needed));
  }

  #fits(put: number, tail: number, total: number): boolean {
    if (this.#isRoom(put, tail, total)) return true;
    this.#look();
    return this.#isRoom(put, tail, total);
  }

  #isRoom(put: number, tail: number, total: number): boolean {
    const { maxSize } = this;
    if (maxSize > 0 && ((put - this.#got) | 0) >= maxSize) return false;
    return this.capacity - ((tail - this.#head) >>> 0) >= total;
  }

  /** Begins a frame. @returns where its bytes go. */
  #frame(tail: number, length: number, kind: number, put: number): number {
    const at = tail & this.#mask;
    const word = (RING_HEADER_SIZE + at) >> 2;
    this.#words[word] = length;
    this.#words[word + 1] = kind | ((put & NUMBER_MASK) << 8);
    return at + FRAME_HEADER_SIZE;
  }

  #read(kind: number, at: number, length: number): Incoming {
    const bytes = this.#bytes;
    if (kind === FRAME.data) {
      const copy = this.#memory(length);
      if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) copy[i] = bytes[at + i]!;
      else bytes.copy(copy, 0, at, at + length);
      return { bytes: copy, length, attachments: undefined, isRaw: false, file: undefined };
    }
    if (kind === FRAME.bytes || kind === FRAME.buffer) {
      // A copy made by the constructor is not filled with zeros before.
      const copy = new Uint8Array(bytes.subarray(at, at + length));
      const raw = kind === FRAME.buffer ? Buffer.from(copy.buffer) : copy;
      return { bytes: raw, length, attachments: undefined, isRaw: true, file: undefined };
    }
    if (kind === FRAME.parts) {
      const [first = NO_BYTES, ...attachments] = copyOut(bytes, at);
      return { bytes: first, length: first.length, attachments, isRaw: false, file: undefined };
    }
    const file = [0, 4, 8].map((offset) => bytes.readInt32LE(at + offset)) as unknown as FileName;
    return { bytes: NO_BYTES, length: 0, attachments: undefined, isRaw: false, file };
  }

  /** Memory to copy a value to: what is read of it is copied once more, so it can be used again. */
  #memory(length: number): Buffer {
    if (length > SCRATCH_BYTES) return Buffer.allocUnsafeSlow(length);
    let scratch = this.#scratch;
    this.#scratch = undefined;
    if (scratch === undefined || scratch.length < length) {
      scratch = Buffer.allocUnsafeSlow(Math.min(SCRATCH_BYTES, Math.max(4096, length * 2)));
    }
    this.#lent = scratch;
    return scratch;
  }
}

function sizeInRing({ file, chunks, length }: Outgoing): number {
  if (file !== undefined) return FILE_FRAME_SIZE;
  return chunks.length === 1 ? length : length + tableSize(chunks.length);
}

function frameSize(length: number): number {
  return (length + FRAME_HEADER_SIZE + 7) & ~7;
}

function damaged(number: number): InvalidStateError {
  return new InvalidStateError(
    `Item ${number} of a queue is damaged: something else has written to its memory. Close the queue everywhere and make a new one.`,
  );
}
