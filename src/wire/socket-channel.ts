import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import type { Channel } from "./channel.ts";
import { packFrame, unpackFrame } from "./codec.ts";
import { encodeFrame, FrameDecoder } from "./frames.ts";

/** What a channel over a socket may be told. */
export interface SocketChannelOptions {
  /**
   * The socket's file descriptor, for the side that must not lose what it sent when it is killed:
   * frames are then written to the kernel before `send` returns, not at the end of the tick.
   */
  readonly fd?: number;
}

/** A channel between two processes: length-prefixed frames over a connected Unix socket. */
export class SocketChannel implements Channel {
  onFrame: (frame: unknown[], attachments: unknown[] | undefined) => void = () => {};
  onClose: ((error?: Error) => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #fd: number | undefined;
  readonly #decoder: FrameDecoder;
  #failure: Error | undefined;
  #closed = false;

  constructor(socket: Socket, options: SocketChannelOptions = {}) {
    this.#socket = socket;
    this.#fd = options.fd;
    this.#decoder = new FrameDecoder((bytes, attachments) => {
      this.onFrame(unpackFrame(bytes) as unknown[], attachments);
    });
  }

  get writable(): boolean {
    return !this.#socket.writableNeedDrain;
  }

  send(frame: readonly unknown[], attachments?: unknown[]): void {
    if (this.#closed) return;
    const chunks = encodeFrame(
      packFrame(frame),
      attachments as (ArrayBuffer | Uint8Array)[] | undefined,
    );
    if (chunks.length === 1) {
      this.#write(chunks[0] as Uint8Array);
      return;
    }
    this.#socket.cork();
    for (const chunk of chunks) this.#write(chunk);
    this.#socket.uncork();
  }

  start(): void {
    this.#socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    this.#socket.on("drain", () => this.onDrain?.());
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

  /** Hands over bytes that were read from the descriptor outside the event loop. */
  receive(chunk: Uint8Array): void {
    this.#receive(chunk);
  }

  #write(chunk: Uint8Array): void {
    if (this.#fd === undefined || this.#socket.writableLength > 0) {
      this.#socket.write(chunk);
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
    if (written < chunk.length) this.#socket.write(chunk.subarray(written));
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
