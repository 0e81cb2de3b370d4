import { readSync, writeSync, writevSync } from "node:fs";
import type { Socket } from "node:net";
import type { Sink, Transport } from "./transport.ts";

const POKE_BYTES = 64 * 1024;
/** Neighbours below this size are copied together: one large write costs less than many pieces. */
const MERGE_BYTES = 16 * 1024;
const MERGED_BYTES = 256 * 1024;

/** Errors that only say that the other side is gone. */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET", "ENOTCONN", "EBADF"]);

/** Codes of reading a socket that could not connect: nobody listens at that address any more. */
const UNCONNECTED: ReadonlySet<string | undefined> = new Set(["EINVAL"]);

/** The bytes of one end over a connected socket. */
export class SocketTransport implements Transport {
  sink: Sink;
  readonly socket: Socket;
  /** Bytes that the kernel did not take yet. */
  #waiting = 0;
  #ended = false;
  #failure: Error | undefined;

  constructor(socket: Socket, sink: Sink) {
    this.socket = socket;
    this.sink = sink;
    socket.unref();
  }

  start(): void {
    const { socket } = this;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onEnd);
  }

  /** Lets go of the socket, paused, for somebody else to use. */
  release(): Socket {
    const { socket } = this;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("error", this.#onError);
    socket.off("close", this.#onEnd);
    return socket;
  }

  /** Stops reading, so that the next bytes are the next owner's. @returns what has been read and not delivered. */
  drain(): Uint8Array[] {
    const socket = this.release();
    const { _handle: handle } = socket as unknown as { _handle: { readStop?(): void } | null };
    handle?.readStop?.();
    const unread: Uint8Array[] = [];
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      unread.push(chunk as Uint8Array);
    }
    return unread;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const parts = merge(chunks);
    const rest = this.#waiting > 0 ? parts : this.#writeNow(parts);
    if (rest.length === 0) return true;
    this.socket.cork();
    for (const part of rest) {
      this.#waiting++;
      this.socket.write(part, this.#onWritten);
    }
    this.socket.uncork();
    return false;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  poke(): void {
    const { socket } = this;
    // What the stream holds back comes first; it is delivered as "data".
    while (socket.readableLength > 0) if (socket.read() === null) return;
    const fd = descriptorOf(this.socket);
    if (fd < 0 || this.#ended) return;
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(POKE_BYTES);
        const length = readSync(fd, chunk);
        if (length === 0) return this.#onEnd();
        this.sink.onData(chunk.subarray(0, length));
        if (length < POKE_BYTES) return;
      }
    } catch (error) {
      // Nothing there, the other side is gone, or was never there: the event loop will say so in a moment.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && !GONE.has(code) && !UNCONNECTED.has(code)) throw error;
    }
  }

  end(): void {
    this.socket.destroySoon();
  }

  /** Ends what goes out; what comes in goes on. */
  shutdown(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  /** Hands bytes to the kernel before it returns. @returns what it did not take. */
  #writeNow(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const fd = descriptorOf(this.socket);
    if (fd < 0) return parts;
    try {
      const written =
        parts.length === 1 ? writeSync(fd, parts[0] as Uint8Array) : writevSync(fd, parts);
      return behind(parts, written);
    } catch (error) {
      // EAGAIN: the other side is behind. Anything else the stream will meet, too, and report.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") this.poke();
      return parts;
    }
  }

  readonly #onWritten = (error?: Error | null): void => {
    this.#waiting--;
    // A failed write closes the stream, with all that the other side has sent still unread.
    if (error != null) this.poke();
    else if (this.#waiting === 0) this.sink.onDrain();
  };

  readonly #onData = (chunk: Uint8Array): void => {
    this.sink.onData(chunk);
    this.#readOn();
  };

  /** Reads more of a large message straight to where it belongs. */
  #readOn(): void {
    const fd = descriptorOf(this.socket);
    if (fd < 0 || this.socket.readableLength > 0) return;
    try {
      for (let { room } = this.sink; room !== undefined; { room } = this.sink) {
        const length = readSync(fd, room);
        if (length === 0) return this.#onEnd();
        this.sink.onFilled?.(length);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && !GONE.has(code)) throw error;
    }
  }

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    if (!GONE.has(error.code)) this.#failure ??= error;
  };

  readonly #onEnd = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.sink.onEnd(this.#failure);
  };
}

function merge(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (chunks.length < 2) return chunks;
  const merged: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (small.length > 0)
      merged.push(small.length === 1 ? (small[0] as Uint8Array) : Buffer.concat(small, bytes));
    small = [];
    bytes = 0;
  };
  for (const chunk of chunks) {
    if (chunk.length >= MERGE_BYTES) {
      flush();
      merged.push(chunk);
    } else {
      if (bytes + chunk.length > MERGED_BYTES) flush();
      small.push(chunk);
      bytes += chunk.length;
    }
  }
  flush();
  return merged;
}

function behind(parts: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  for (const [i, part] of parts.entries()) {
    if (left < part.length) return [part.subarray(left), ...parts.slice(i + 1)];
    left -= part.length;
  }
  return [];
}

/** The descriptor of a socket; -1 where there is none to be used directly. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { fd?: number } | null };
  return handle?.fd ?? -1;
}
