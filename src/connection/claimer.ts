import type { Socket } from "node:net";
import { EndOfStreamError } from "../errors/index.ts";
import { deferred } from "../util/deferred.ts";
import { messageHeader, MessageReader } from "./message-reader.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { Sink } from "./transport.ts";

/** What is said while an end changes its owner fits into this. */
const MAX_WORDS_BYTES = 4096;

/** One who has come to fetch an end, or who is told where to fetch it: words over a socket. */
export class Claimer implements Sink {
  readonly transport: SocketTransport;
  /** Shows the claimer that it is talking to the keeper. */
  proof: string | undefined;
  readonly #reader: MessageReader;
  #heard: Uint8Array[] = [];
  #waiting: ((heard: Uint8Array | undefined) => void) | undefined;
  #isGone = false;
  readonly #gone = deferred<void>();

  constructor(socket: Socket) {
    this.transport = new SocketTransport(socket, this);
    this.#reader = new MessageReader(
      {
        onMessage: (message) => {
          this.#heard.push(message);
          this.#wake();
        },
      },
      MAX_WORDS_BYTES,
    );
  }

  /** Settles when it has left. */
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

  /** The next words. @throws EndOfStreamError when it left. */
  async hear(): Promise<Uint8Array> {
    const heard =
      this.#heard.shift() ??
      (await new Promise<Uint8Array | undefined>((resolve) => {
        this.#waiting = resolve;
        this.#wake();
      }));
    if (heard === undefined) throw new EndOfStreamError("The receiver of a connection died.");
    return heard;
  }

  /** Says something, and what the end has not read yet behind it. */
  say(words: object, unread: readonly Uint8Array[] = []): void {
    const text = Buffer.from(JSON.stringify({ ...words, proof: this.proof }));
    this.transport.write([messageHeader(text.length), text, ...unread]);
  }

  /** Says the last thing. */
  leave(words: object, unread: readonly Uint8Array[]): void {
    this.say(words, unread);
    this.transport.end();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#heard.length === 0 && !this.#isGone)) return;
    this.#waiting = undefined;
    waiting(this.#heard.shift());
  }
}
