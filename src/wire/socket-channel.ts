import { readSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { BulkLane, type LaneDescriptors, MIN_LANE_BYTES } from "./bulk-lane.ts";
import type { Channel } from "./channel.ts";
import { packFrame, unpackFrame } from "./codec.ts";
import { encodeFrame, FrameDecoder } from "./frames.ts";

/** Options of a channel over a socket. */
export interface SocketChannelOptions {
  /**
   * The socket's file descriptor, for the side that must not lose what it sent when it is killed:
   * frames are then written to the kernel before `send` returns, not at the end of the tick.
   */
  readonly fd?: number | undefined;
  /** Nameless files for large buffers, shared with the other side. */
  readonly lane?: LaneDescriptors | undefined;
}

const DRAIN_BYTES = 64 * 1024;

/**
 * Kinds of frames that the channels keep to themselves; see `executor/protocol.ts` for the others. `VIA_LANE` is
 * followed by the message, or null when it is the first thing in the lane, and by places there.
 */
const VIA_LANE = 60;
const LANE_READ = 61;

/** A channel between two processes: length-prefixed frames over a connected Unix socket. */
export class SocketChannel implements Channel {
  onFrame: (frame: unknown[], attachments: unknown[] | undefined) => void = () => {};
  onClose: ((error?: Error) => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #fd: number | undefined;
  readonly #decoder: FrameDecoder;
  readonly #lane: BulkLane | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(socket: Socket, options: SocketChannelOptions = {}) {
    this.#socket = socket;
    this.#fd = options.fd;
    this.#lane = options.lane === undefined ? undefined : new BulkLane(options.lane);
    this.#decoder = new FrameDecoder((bytes, attachments) => this.#accept(bytes, attachments));
  }

  get writable(): boolean {
    // What waits in this process is lost when it is killed; the other side of the channel does not mind.
    if (this.#fd !== undefined) return this.#socket.writableLength === 0;
    return !this.#socket.writableNeedDrain;
  }

  send(frame: readonly unknown[], attachments?: unknown[]): void {
    if (this.#closed) return;
    const buffers = attachments as (ArrayBuffer | Uint8Array)[] | undefined;
    const bytes = packFrame(frame);
    // They may be the sender's own, and what the socket does not take at once waits.
    const chunks =
      this.#viaLane(bytes, buffers) ??
      encodeFrame(
        bytes,
        buffers?.map((buffer) => copyOf(buffer)),
      );
    if (chunks.length === 1) {
      this.#write(chunks[0] as Uint8Array);
      return;
    }
    this.#socket.cork();
    for (const chunk of chunks) this.#write(chunk);
    this.#socket.uncork();
  }

  /** Puts what is large into the lane. @returns the frame that says where; undefined when nothing is, or does not fit. */
  #viaLane(
    bytes: Uint8Array,
    buffers: readonly (ArrayBuffer | Uint8Array)[] = [],
  ): Uint8Array[] | undefined {
    const isLarge = bytes.length >= MIN_LANE_BYTES;
    if (!isLarge && buffers.length === 0) return undefined;
    const places = this.#lane?.put(isLarge ? [bytes, ...buffers] : buffers);
    if (places === undefined) return undefined;
    return encodeFrame(packFrame([VIA_LANE, isLarge ? null : bytes, ...places]));
  }

  start(): void {
    this.#socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    if (this.#fd === undefined) this.#socket.on("drain", () => this.onDrain?.());
    // A reset or a broken pipe says only that the other side is gone; the close that follows tells the owner.
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ECONNRESET") this.#failure ??= error;
    });
    this.#socket.on("end", () => this.#socket.destroy());
    this.#socket.on("close", () => this.#finish());
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#closed = true;
    this.#socket.end();
  }

  /** Reads, without the event loop and without waiting, what the other side has sent so far. */
  drainSync(): void {
    const { _handle: handle } = this.#socket as unknown as { _handle: { fd?: number } | null };
    const fd = handle?.fd ?? -1;
    if (fd < 0) return;
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(DRAIN_BYTES);
        const length = readSync(fd, chunk);
        // The other side may wait for our end before it leaves; destroying closes the descriptor at once.
        if (length === 0) return void this.#socket.destroy();
        this.#receive(chunk.subarray(0, length));
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN") this.#socket.destroy();
    }
  }

  #accept(bytes: Uint8Array, attachments: Uint8Array[] | undefined): void {
    const frame = unpackFrame(bytes) as unknown[];
    if (this.#lane !== undefined && frame[0] === VIA_LANE) {
      const buffers = this.#lane.take(frame.slice(2));
      this.send([LANE_READ]);
      const message = frame[1] ?? buffers.shift();
      const others = buffers.length > 0 ? buffers : undefined;
      this.onFrame(unpackFrame(message as Uint8Array) as unknown[], others);
    } else if (this.#lane !== undefined && frame[0] === LANE_READ) {
      this.#lane.release();
    } else {
      this.onFrame(frame, attachments);
    }
  }

  readonly #onWritten = (error?: Error | null): void => {
    // A write that fails makes the stream close, with all that a killed process has sent still unread.
    if (error != null) this.drainSync();
    // The stream's own "drain" comes only after more than its limit was waiting.
    else if (this.#fd !== undefined && this.#socket.writableLength === 0) this.onDrain?.();
  };

  #write(chunk: Uint8Array): void {
    if (this.#fd === undefined || this.#socket.writableLength > 0) {
      this.#socket.write(chunk, this.#onWritten);
      return;
    }
    let written = 0;
    try {
      written = writeSync(this.#fd, chunk, 0, chunk.length);
    } catch (error) {
      // EAGAIN: the other side is behind; the stream waits for room. Anything else means it is gone,
      // which the stream reports as its close.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
    }
    if (written < chunk.length) this.#socket.write(chunk.subarray(written), this.#onWritten);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#failure !== undefined) return;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      this.#failure = error as Error;
      this.#socket.destroy();
    }
  }

  #finish(): void {
    const onClose = this.onClose;
    this.onClose = undefined;
    this.#closed = true;
    onClose?.(this.#failure);
  }
}

function copyOf(buffer: ArrayBuffer | Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(buffer.byteLength);
  copy.set(buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer));
  return copy;
}
