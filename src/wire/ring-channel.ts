import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Channel } from "./channel.ts";
import { packFrame, unpackFrame } from "./codec.ts";
import { createRing, MAX_RING_FRAME_BYTES, RingReader, RingWriter } from "./spsc-ring.ts";
import { setImmediate } from "../util/platform.ts";

/** Memory that the two threads share besides their port: one ring each way. */
export interface RingPair {
  readonly toChild: SharedArrayBuffer;
  readonly toParent: SharedArrayBuffer;
}

/** Makes the rings of one channel. */
export function createRingPair(): RingPair {
  return { toChild: createRing(), toParent: createRing() };
}

/** A message of the port: a large frame, or the attachments of one that went through the ring, or both. */
interface Posted {
  readonly bytes: Uint8Array | undefined;
  readonly attachments: unknown[] | undefined;
}

/** A frame that waits for room in the ring; what is left of them at the close is posted as a list. */
interface Waiting {
  /** Undefined when it was posted. */
  readonly bytes: Uint8Array | undefined;
  readonly attached: boolean;
}

/** A frame whose mark is in the ring, and whose other part may still be on its way. */
interface Arrived {
  readonly bytes: Uint8Array | undefined;
  readonly isPosted: boolean;
}

/** `null` only wakes; `false` stands for what could not be posted, whose mark is to be passed over. */
type Message = Posted | readonly Waiting[] | null | false;

/**
 * A channel between two threads of one process: small frames through a ring in shared memory, large
 * ones and attachments by MessagePort, with a mark in the ring so that order holds. The mark is written
 * first: what is posted wakes the reader, which would find nothing, sleep again, and have to be woken twice.
 *
 * The port carries nothing but a wake-up while both sides keep up; a frame is readable by the other
 * side from the moment `send` returns, even when the sending thread is terminated right after.
 */
export class RingChannel implements Channel {
  onFrame: (frame: unknown[], attachments: unknown[] | undefined) => void = () => {};
  onClose: ((error?: Error) => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly #port: MessagePort;
  readonly #reader: RingReader;
  readonly #writer: RingWriter;
  readonly #posted: (Posted | false)[] = [];
  /** Frames behind a mark whose message has not come yet, that one first. */
  readonly #held: Arrived[] = [];
  /** Frames for which the other side found no room in the ring before it closed. */
  #rest: readonly Waiting[] = [];
  #backlog: Waiting[] = [];
  #closed = false;
  #portClosing = false;
  #redraining = false;

  constructor(port: MessagePort, incoming: SharedArrayBuffer, outgoing: SharedArrayBuffer) {
    this.#port = port;
    this.#reader = new RingReader(incoming);
    this.#writer = new RingWriter(outgoing);
  }

  get writable(): boolean {
    // What waits here is lost when this thread is terminated.
    return this.#backlog.length === 0;
  }

  send(frame: readonly unknown[], attachments?: unknown[], transfer?: unknown[]): void {
    if (this.#closed) return;
    const packed = packFrame(frame);
    const bytes = packed.length <= MAX_RING_FRAME_BYTES ? packed : undefined;
    const attached = attachments !== undefined;
    const isPosted = attached || bytes === undefined;
    const isWritten = this.#backlog.length === 0 && this.#writer.write(bytes, attached);
    // What is posted wakes the reader; who is awake again and asleep again by then has read it.
    const wakes = this.#writer.mustWake();
    if (isPosted) {
      this.#post(isWritten, bytes === undefined ? packed : undefined, attachments, transfer);
    } else if (wakes) this.#port.postMessage(null);
    if (!isWritten) this.#queue({ bytes, attached });
  }

  #post(
    isMarked: boolean,
    bytes: Uint8Array | undefined,
    attachments: unknown[] | undefined,
    transfer: unknown[] = [],
  ): void {
    // What has memory of its own moves; a view would be cloned with the whole buffer behind it.
    const isWhole = bytes?.byteLength === bytes?.buffer.byteLength;
    const own = bytes === undefined || isWhole ? bytes : new Uint8Array(bytes);
    const posted: Posted = { bytes: own, attachments };
    const moved = own === undefined ? transfer : [own.buffer, ...transfer];
    try {
      this.#port.postMessage(posted, moved as never);
    } catch (error) {
      // The mark, if there is one, is to be passed over; the reader may count on being woken.
      this.#port.postMessage(isMarked ? false : null);
      throw error;
    }
  }

  start(): void {
    this.#port.on("message", (message: Message) => {
      this.#note(message);
      this.#release();
      this.#feed();
      this.#drain();
    });
    this.#port.on("close", () => {
      // Inside this event `receiveMessageOnPort` crashes the whole process (segmentation fault, seen
      // with Node 20.20); one turn later it is harmless.
      this.#portClosing = true;
      setImmediate(() => {
        this.#portClosing = false;
        this.finish();
      });
    });
    // The port's own queue may have been filled before the listener was there.
    this.#drain();
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // What found no room in the ring goes by port, ahead of the close.
    if (this.#backlog.length > 0) this.#port.postMessage(this.#backlog);
    this.#backlog = [];
    this.#port.close();
  }

  /** Delivers what the other side, now gone, has left behind; then reports the close. */
  finish(): void {
    if (this.onClose === undefined || this.#portClosing) return;
    const onClose = this.onClose;
    this.#reader.drain((bytes, isPosted) => this.#arrive(bytes, isPosted));
    while (this.#receive());
    this.#release();
    // A thread that was terminated between a mark and its message has sent nothing.
    this.#held.length = 0;
    for (const { bytes, attached } of this.#rest) {
      this.#arrive(bytes, attached || bytes === undefined);
    }
    this.onClose = undefined;
    this.#closed = true;
    this.#port.close();
    onClose();
  }

  #queue(frame: Waiting): void {
    this.#backlog.push(frame);
    this.#writer.starve();
    // Look again after the flag is up: the reader may have made room just before.
    this.#feed();
  }

  #feed(): void {
    if (this.#backlog.length === 0) return;
    const wasWritable = this.writable;
    let sent = 0;
    for (const { bytes, attached } of this.#backlog) {
      if (!this.#writer.write(bytes, attached)) break;
      sent++;
    }
    if (sent > 0) this.#backlog.splice(0, sent);
    if (this.#backlog.length > 0) this.#writer.starve();
    if (sent > 0 && this.#writer.mustWake()) this.#port.postMessage(null);
    if (!wasWritable && this.writable) this.onDrain?.();
  }

  #drain(): void {
    if (this.#redraining || this.onClose === undefined) return;
    this.#reader.drain((bytes, isPosted) => this.#arrive(bytes, isPosted));
    if (this.#reader.mustFeed()) this.#port.postMessage(null);
    if (this.#reader.park()) return;
    // More has come: let the callbacks and promises of this turn run before the next helping.
    this.#redraining = true;
    setImmediate(() => {
      this.#redraining = false;
      this.#drain();
    });
  }

  #arrive(bytes: Uint8Array | undefined, isPosted: boolean): void {
    if (!isPosted && this.#held.length === 0) {
      this.#emit(bytes as Uint8Array, undefined);
      return;
    }
    this.#held.push({ bytes, isPosted });
    this.#release();
  }

  /** Delivers, in their order, the frames of which everything is there. */
  #release(): void {
    for (;;) {
      const frame = this.#held[0];
      if (frame === undefined) return;
      if (!frame.isPosted) {
        this.#held.shift();
        this.#emit(frame.bytes as Uint8Array, undefined);
        continue;
      }
      while (this.#posted.length === 0) if (!this.#receive()) return;
      const posted = this.#posted.shift() as Posted | false;
      this.#held.shift();
      if (posted !== false) {
        this.#emit((frame.bytes ?? posted.bytes) as Uint8Array, posted.attachments);
      }
    }
  }

  /** Takes one message from the port, whose event may come later. @returns false when there is none. */
  #receive(): boolean {
    const received = receiveMessageOnPort(this.#port);
    if (received !== undefined) this.#note(received.message as Message);
    return received !== undefined;
  }

  #note(message: Message): void {
    if (Array.isArray(message)) this.#rest = message as readonly Waiting[];
    else if (message !== null) this.#posted.push(message as Posted | false);
  }

  #emit(bytes: Uint8Array, attachments: unknown[] | undefined): void {
    this.onFrame(unpackFrame(bytes) as unknown[], attachments);
  }
}
