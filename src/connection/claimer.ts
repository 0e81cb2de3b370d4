import type { Socket } from "node:net";
import { EndOfStreamError } from "../errors/index.ts";
import { deferred } from "../util/deferred.ts";
import { messageHeader, MessageReader } from "./message-reader.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { Sink } from "./transport.ts";

/** Bytes of the longest control frame of a handoff. */
const MAX_CONTROL_BYTES = 4096;

/** The other side of a handoff, with which control frames are exchanged over a socket. */
export class Claimer implements Sink {
  readonly transport: SocketTransport;
  /** Goes into every frame: what only the keeper of the end can know. */
  proof: string | undefined;
  readonly #reader: MessageReader;
  #received: Uint8Array[] = [];
  #waiting: ((frame: Uint8Array | undefined) => void) | undefined;
  #isGone = false;
  readonly #gone = deferred<void>();

  constructor(socket: Socket) {
    this.transport = new SocketTransport(socket, this);
    this.#reader = new MessageReader(
      {
        onMessage: (message) => {
          this.#received.push(message);
          this.#wake();
        },
      },
      MAX_CONTROL_BYTES,
    );
  }

  /** Settles when its socket has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  onData(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk);
    } catch {
      // Whoever it is, it is none of ours.
      this.transport.destroy();
    }
  }

  onEnd(): void {
    this.#isGone = true;
    this.#gone.resolve();
    this.#wake();
  }

  onDrain(): void {}

  /** Waits for the next frame. @throws EndOfStreamError when the socket has ended. */
  async receive(): Promise<Uint8Array> {
    const frame =
      this.#received.shift() ??
      (await new Promise<Uint8Array | undefined>((resolve) => {
        this.#waiting = resolve;
        this.#wake();
      }));
    if (frame === undefined) throw new EndOfStreamError("The receiver of a connection died.");
    return frame;
  }

  /** Sends a control frame, and behind it what the end has not read yet. */
  send(frame: object, unread: readonly Uint8Array[] = []): void {
    const text = Buffer.from(JSON.stringify({ ...frame, proof: this.proof }));
    this.transport.write([messageHeader(text.length), text, ...unread]);
  }

  /** Sends the last frame, then ends the socket. */
  sendLast(frame: object, unread: readonly Uint8Array[]): void {
    this.send(frame, unread);
    this.transport.end();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#received.length === 0 && !this.#isGone)) return;
    this.#waiting = undefined;
    waiting(this.#received.shift());
  }
}
