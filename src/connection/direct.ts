import { type AnyConnection, endpointOf } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";

/** Takes what a {@link DirectLine} receives. */
export interface DirectListener {
  /** One message; its memory is that of the chunk it came in. */
  onMessage(message: Uint8Array): void;
  /** Nothing more will come. */
  onEnd(reason: Error): void;
}

/**
 * A connection whose messages are handed over as they come, without a promise for each: for protocols
 * of this package with many small messages. Nothing else must receive from the connection then.
 */
export class DirectLine {
  readonly #connection: AnyConnection;
  readonly #endpoint: Endpoint;
  #isHeld = false;

  constructor(connection: AnyConnection) {
    this.#connection = connection;
    this.#endpoint = endpointOf(connection);
  }

  /** Hands over what has come already and whatever comes. */
  start(listener: DirectListener): void {
    const endpoint = this.#endpoint;
    const { inbox } = endpoint;
    endpoint.receiver = (message) => listener.onMessage(message);
    while (inbox.hasMessage) listener.onMessage(inbox.take()!);
    // From now on only the end is put there.
    inbox.watch(() => listener.onEnd(endpoint.ended ?? new Error("The connection was closed.")));
    if (endpoint.ended !== undefined) listener.onEnd(endpoint.ended);
  }

  /** Bytes of messages that wait for the other side. */
  get unsentBytes(): number {
    return this.#endpoint.outbox.unsentBytes;
  }

  /** Sends one message; those of one turn go out together. @param onLost - called when it will not go out. */
  post(parts: readonly Uint8Array[], onLost?: () => void): void {
    this.#endpoint.outbox.post(parts, onLost);
  }

  /** Receives nothing more until {@link resume}; what has arrived already is still handed over. */
  pause(): void {
    this.#endpoint.pause();
  }

  resume(): void {
    this.#endpoint.resume();
  }

  /** Receives nothing more until {@link resume}. @returns when everything is sent. */
  pausedUntilSent(): Promise<void> {
    this.pause();
    return new Promise((resolve) => this.#endpoint.outbox.whenIdle(resolve));
  }

  /** Polls for a moment: an answer is expected. */
  spin(): void {
    this.#endpoint.spin();
  }

  /** Keeps the program running, or not any more. */
  keepOpen(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#endpoint.hold();
    else this.#endpoint.release();
  }

  /** Closes the connection; what was sent still goes out. */
  close(): void {
    this.keepOpen(false);
    this.#connection.close();
  }
}
