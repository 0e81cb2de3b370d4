/** Bytes of one direction of a thread's ring: room for some thousand small frames; larger frames go by port. */
export const RING_BYTES: number = 256 * 1024;
/** Frames above this size are posted instead: copying them twice would cost more than a message. */
export const MAX_RING_FRAME_BYTES: number = 16 * 1024;

const HEADER_BYTES = 64;
const HEAD = 0;
const TAIL = 1;
const PARKED = 2;
const STARVED = 3;
/** A length word that says: the frame itself was posted on the port. */
const BY_PORT = 0xffff_ffff;
/** A bit of the length word that says: the frame is here, its attachments were posted on the port. */
const ATTACHED = 0x8000_0000;

/** Makes the memory for one direction. */
export function createRing(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_BYTES + RING_BYTES);
  // The reader starts parked: the first frame must wake it.
  new Int32Array(memory)[PARKED] = 1;
  return memory;
}

/**
 * A single-producer single-consumer byte ring in shared memory.
 *
 * `head` and `tail` count bytes modulo 2^32; one belongs to each side. Sleeping is by two flags:
 * the reader sets PARKED and looks again before it sleeps, the writer publishes and then swaps
 * PARKED away, so exactly one of them sees the other (the same for STARVED with the roles turned).
 * A frame is published by the single store of `head`: a writer that dies before it left nothing.
 */
class RingSide {
  protected readonly words: Int32Array;
  protected readonly lengths: DataView;
  protected readonly bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.lengths = new DataView(memory, HEADER_BYTES);
    this.bytes = new Uint8Array(memory, HEADER_BYTES);
  }
}

/** The producing side. */
export class RingWriter extends RingSide {
  #head = 0;

  /**
   * Publishes one frame, or with `undefined` a mark that the next frame was posted on the port.
   *
   * @param attached - the frame has attachments, which were posted on the port.
   * @returns false when there is no room.
   */
  write(frame: Uint8Array | undefined, attached: boolean): boolean {
    const length = frame === undefined ? 0 : frame.length;
    const needed = 4 + ((length + 3) & ~3);
    const used = (this.#head - Atomics.load(this.words, TAIL)) >>> 0;
    if (RING_BYTES - used < needed) return false;
    let at = this.#head % RING_BYTES;
    const word = frame === undefined ? BY_PORT : attached ? length + ATTACHED : length;
    this.lengths.setUint32(at, word, true);
    at = (at + 4) % RING_BYTES;
    if (frame !== undefined) this.#copy(frame, at);
    this.#head = (this.#head + needed) >>> 0;
    Atomics.store(this.words, HEAD, this.#head | 0);
    return true;
  }

  /** True when the reader sleeps and this caller is the one that has to wake it. */
  mustWake(): boolean {
    return (
      Atomics.load(this.words, PARKED) === 1 &&
      Atomics.compareExchange(this.words, PARKED, 1, 0) === 1
    );
  }

  /** Asks the reader to wake this side when there is room again. */
  starve(): void {
    Atomics.store(this.words, STARVED, 1);
  }

  #copy(frame: Uint8Array, at: number): void {
    const room = RING_BYTES - at;
    if (frame.length > room) {
      this.bytes.set(frame.subarray(0, room), at);
      this.bytes.set(frame.subarray(room), 0);
    } else if (frame.length <= 48) {
      // A loop beats the call of TypedArray.set for a handful of bytes.
      for (let i = 0; i < frame.length; i++) this.bytes[at + i] = frame[i] as number;
    } else {
      this.bytes.set(frame, at);
    }
  }
}

/** The consuming side. */
export class RingReader extends RingSide {
  #tail = 0;

  /**
   * Hands over every frame published so far, then frees their room at once.
   * `onFrame` gets a view of memory of its own, or `undefined` where the frame was posted on the port, and
   * whether something was posted for it.
   * @returns the number of frames.
   */
  drain(onFrame: (frame: Uint8Array | undefined, isPosted: boolean) => void): number {
    const head = Atomics.load(this.words, HEAD) >>> 0;
    const available = (head - this.#tail) >>> 0;
    if (available === 0) return 0;
    const copy = this.#take(available);
    this.#tail = head;
    Atomics.store(this.words, TAIL, head | 0);
    const lengths = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
    let frames = 0;
    for (let at = 0; at < available; frames++) {
      const word = lengths.getUint32(at, true);
      at += 4;
      if (word === BY_PORT) {
        onFrame(undefined, true);
      } else {
        const length = word % ATTACHED;
        onFrame(copy.subarray(at, at + length), word >= ATTACHED);
        at += (length + 3) & ~3;
      }
    }
    return frames;
  }

  /** Says that this side goes to sleep. @returns false when frames have come meanwhile: drain again. */
  park(): boolean {
    Atomics.store(this.words, PARKED, 1);
    if (Atomics.load(this.words, HEAD) >>> 0 === this.#tail) return true;
    // Whoever swaps the flag first owns the wake-up; a writer's message on its way is harmless.
    Atomics.store(this.words, PARKED, 0);
    return false;
  }

  /** True when the writer ran out of room and waits to hear of it. */
  mustFeed(): boolean {
    return (
      Atomics.load(this.words, STARVED) === 1 &&
      Atomics.compareExchange(this.words, STARVED, 1, 0) === 1
    );
  }

  #take(length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    const at = this.#tail % RING_BYTES;
    const first = Math.min(length, RING_BYTES - at);
    copy.set(this.bytes.subarray(at, at + first), 0);
    if (first < length) copy.set(this.bytes.subarray(0, length - first), first);
    return copy;
  }
}
