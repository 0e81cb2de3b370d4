import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { Channel } from "./channel.ts";
import { packFrame, unpackFrame } from "./codec.ts";
import { createRing, MAX_RING_FRAME_BYTES, RingReader, RingWriter } from "./ring.ts";

/** What the two threads share besides their port: one ring each way. */
export interface RingPair {
  readonly toChild: SharedArrayBuffer;
  readonly toParent: SharedArrayBuffer;
}

/** Makes the rings of one channel. */
export function createRingPair(): RingPair {
  return { toChild: createRing(), toParent: createRing() };
}

interface Posted {
  readonly bytes: Uint8Array;
  readonly attachments: unknown[] | undefined;
}

/**
 * A channel between two threads of one process: small frames through a ring in shared memory, large
 * ones and those with attachments by MessagePort, with a mark in the ring so that order holds.
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
  readonly #posted: Posted[] = [];
  #backlog: (Uint8Array | undefined)[] = [];
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
    const isSmall = attachments === undefined && packed.length <= MAX_RING_FRAME_BYTES;
    const bytes = isSmall ? packed : undefined;
    if (!isSmall) {
      // A copy of its own moves; a view would be cloned with the whole buffer behind it.
      const own = new Uint8Array(packed);
      const posted: Posted = { bytes: own, attachments };
      this.#port.postMessage(posted, [own.buffer, ...(transfer ?? [])] as never);
    }
    if (this.#backlog.length > 0 || !this.#writer.write(bytes)) this.#queue(bytes);
    if (this.#writer.mustWake()) this.#port.postMessage(null);
  }

  start(): void {
    this.#port.on("message", (message: Posted | null) => {
      if (message !== null) this.#posted.push(message);
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
    // What found no room in the ring goes by port, in order, ahead of the close.
    for (const bytes of this.#backlog) {
      if (bytes !== undefined) this.#port.postMessage({ bytes, attachments: undefined });
    }
    this.#backlog = [];
    this.#port.close();
  }

  /** Delivers what the other side, now gone, has left behind; then reports the close. */
  finish(): void {
    if (this.onClose === undefined || this.#portClosing) return;
    const onClose = this.onClose;
    this.#reader.drain((bytes) => this.#deliver(bytes));
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) break;
      if (received.message !== null) this.#posted.push(received.message as Posted);
    }
    for (const posted of this.#posted.splice(0)) this.#emit(posted.bytes, posted.attachments);
    this.onClose = undefined;
    this.#closed = true;
    this.#port.close();
    onClose();
  }

  #queue(bytes: Uint8Array | undefined): void {
    this.#backlog.push(bytes);
    this.#writer.starve();
    // Look again after the flag is up: the reader may have made room just before.
    this.#feed();
  }

  #feed(): void {
    if (this.#backlog.length === 0) return;
    const wasWritable = this.writable;
    let sent = 0;
    while (sent < this.#backlog.length && this.#writer.write(this.#backlog[sent])) sent++;
    if (sent > 0) this.#backlog.splice(0, sent);
    if (this.#backlog.length > 0) this.#writer.starve();
    if (sent > 0 && this.#writer.mustWake()) this.#port.postMessage(null);
    if (!wasWritable && this.writable) this.onDrain?.();
  }

  #drain(): void {
    if (this.#redraining || this.onClose === undefined) return;
    this.#reader.drain((bytes) => this.#deliver(bytes));
    if (this.#reader.mustFeed()) this.#port.postMessage(null);
    if (this.#reader.park()) return;
    // More has come: let the callbacks and promises of this turn run before the next helping.
    this.#redraining = true;
    setImmediate(() => {
      this.#redraining = false;
      this.#drain();
    });
  }

  #deliver(bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) {
      this.#emit(bytes, undefined);
      return;
    }
    // The writer posted before it published the mark, so the message is here already.
    while (this.#posted.length === 0) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      if (received.message !== null) this.#posted.push(received.message as Posted);
    }
    const posted = this.#posted.shift() as Posted;
    this.#emit(posted.bytes, posted.attachments);
  }

  #emit(bytes: Uint8Array, attachments: unknown[] | undefined): void {
    this.onFrame(unpackFrame(bytes) as unknown[], attachments);
  }
}
