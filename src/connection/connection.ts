import {
  BufferTooShortError,
  EndOfStreamError,
  InvalidStateError,
  TimeoutError,
} from "../errors/index.ts";
import { checkBuffer } from "./options.ts";
import { wrongType } from "../util/argument-error.ts";
import { integer } from "../util/checks.ts";
import { inspectAs } from "../util/inspectable.ts";
import { waitWithin, timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import { registerOwnClass } from "../wire/class-registry.ts";
import { loseMoves } from "../wire/moves.ts";
import type { Endpoint } from "./endpoint.ts";
import { endAnew, isCleanEnd } from "./stream-end.ts";
import { readyAs } from "./ready.ts";
import { descriptorOf, SocketTransport } from "./socket-transport.ts";
import { offerEndpoint, receiveEndpoint } from "./sent-endpoint.ts";
import { checkLength, decodeReceived, encodeMessage, ownBytes } from "./value-message.ts";

/** The endpoint of a connection, for protocols of this package. */
export let endpointOf: (connection: AnyConnection) => Endpoint;

/** A connection whose values are nobody's business. */
export type AnyConnection = Connection<never> | Connection<unknown>;

/**
 * One end of a two-way stream of messages: of values by `send` and `recv`, or of bytes by `sendBytes`
 * and `recvBytes`. Made by `pipe()`, `Listener.accept()` and `connect()`.
 *
 * Messages arrive whole, in order, once. The bytes on the wire are those of Python's
 * `multiprocessing.connection`, so bytes can be exchanged with Python; values cannot.
 *
 * An end can be sent to another process or thread of this machine: as an argument or result of a task,
 * a Process or a Thread, or through another connection. It **moves**: here it counts as closed from then
 * on, there it goes on where it was, with every message that was not received yet. So the other end sees
 * the end of the stream exactly when the last owner closes it or dies.
 *
 * A connection does not keep the program running; a pending send or receive does, when its other end
 * is in another process or thread.
 *
 * @since 0.2.0
 */
export class Connection<T = unknown> implements AsyncIterable<T> {
  #endpoint: Endpoint;
  #left: "closed" | "sent" | undefined;

  /** @internal */
  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  static {
    endpointOf = (connection) => (connection as Connection).#endpoint;
    registerOwnClass(
      Connection,
      "manycore.Connection",
      (connection) => {
        connection.#checkOpen("sent");
        return offerEndpoint(connection.#endpoint, () => (connection.#left = "sent"));
      },
      (data) => new Connection(receiveEndpoint(data)),
    );
    readyAs(Connection, (connection) => {
      connection.#checkReadable("waited for");
      return connection.#endpoint;
    });
    inspectAs(Connection, (connection) => {
      const { readable, writable } = connection;
      const flags = [readable ? "readable" : "", writable ? "writable" : ""].filter(Boolean);
      const state =
        connection.#left ?? (connection.#endpoint.ended === undefined ? "open" : "ended");
      return `<Connection ${[...flags, state].join(" ")}>`;
    });
  }

  /** False for the sending end of a one-way pipe. */
  get readable(): boolean {
    return this.#endpoint.options.readable;
  }

  /** False for the receiving end of a one-way pipe. */
  get writable(): boolean {
    return this.#endpoint.options.writable;
  }

  /** True after `close()` and after this end was sent elsewhere; the other end's close does not count. */
  get closed(): boolean {
    return this.#left !== undefined;
  }

  /**
   * Sends a value, in the form it has now: later changes do not travel.
   *
   * **Waiting**: until the system has taken the message, so that it arrives although this process ends
   * or is killed; that takes as long as the receiver is behind. In one thread: until the receiver has
   * less than 1 MiB before it. Messages keep the order of the calls, also of calls that were not awaited.
   * **Cancellation**: detached. The message goes out all the same; only the wait ends.
   *
   * @throws SerializationError naming the path to what cannot travel; nothing was sent.
   * @throws EndOfStreamError when the other end is closed or its owner died.
   * @throws InvalidStateError on a closed or a receiving end.
   * @throws TimeoutError after `timeout` milliseconds.
   */
  send(value: T, options?: WaitOptions): Promise<void> {
    try {
      const timeout = this.#beforeSend(options);
      const { parts, moves: given } = encodeMessage(value, "value", this.#endpoint.options);
      const sent = this.#send(parts, options, timeout);
      if (given === undefined) return sent;
      return sent.catch((error: unknown) => {
        if (error instanceof EndOfStreamError) loseMoves(given);
        throw error;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends bytes as one message, which may be empty. Otherwise as {@link Connection.send}.
   *
   * Large ones are not copied: leave them as they are until the promise settles.
   *
   * @param bytes - what to send; of a view only the part it shows.
   */
  async sendBytes(bytes: Uint8Array | ArrayBuffer, options?: WaitOptions): Promise<void> {
    const timeout = this.#beforeSend(options);
    const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
    if (!(view instanceof Uint8Array)) {
      throw wrongType("bytes", "a Uint8Array or an ArrayBuffer", bytes, "send() sends values");
    }
    checkLength(view, this.#endpoint.options.maxBytes);
    await this.#send([view], options, timeout);
  }

  /**
   * Receives the next value.
   *
   * **Waiting**: until a message arrives, the stream ends, or time is up; first come, first served.
   * **Cancellation**: safe; no message is lost.
   *
   * @param options - `timeout` in milliseconds, 0 and less: looks once; `signal`.
   * @throws EndOfStreamError when the other end was closed, or its owner died, and every message was received.
   * @throws TimeoutError after `timeout`.
   * @throws SerializationError when the message is no value of manycore (it is consumed), or larger
   *   than `maxBytes` (the connection has ended then).
   * @throws InvalidStateError on a closed or a sending end.
   */
  recv(options?: WaitOptions): Promise<T> {
    try {
      const message = this.#taken(options);
      if (message === undefined) return this.#wait(options).then(decodeReceived<T>);
      return Promise.resolve(decodeReceived<T>(message));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Receives the next message as bytes, with memory of their own. Otherwise as {@link Connection.recv}. */
  async recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    const message = this.#taken(options) ?? (await this.#wait(options));
    return ownBytes(message);
  }

  /**
   * Receives the next message into `buffer`. Otherwise as {@link Connection.recv}.
   *
   * @param offset - where in `buffer` to begin, in bytes.
   * @returns the number of bytes of the message.
   * @throws BufferTooShortError when the message does not fit; it is the error's `bytes`, and consumed.
   */
  async recvBytesInto(
    buffer: ArrayBufferView | ArrayBuffer,
    offset = 0,
    options?: WaitOptions,
  ): Promise<number> {
    checkBuffer(buffer, "buffer");
    const target = ArrayBuffer.isView(buffer)
      ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      : new Uint8Array(buffer);
    integer(0, target.length)(offset, "offset");
    const message = this.#taken(options) ?? (await this.#wait(options));
    if (message.length > target.length - offset) {
      throw new BufferTooShortError(
        `A message of ${message.length} bytes does not fit into ${target.length - offset}. It is in this error's \`bytes\`.`,
        { bytes: ownBytes(message) },
      );
    }
    target.set(message, offset);
    return message.length;
  }

  /**
   * Tells whether a receive would not wait: a message is there, or the stream has ended. Takes nothing.
   *
   * @param options - as in Python the default is to look once; `timeout: Infinity` waits as long as it takes.
   * @returns false when `timeout` passed.
   * @throws InvalidStateError on a closed or a sending end.
   */
  async poll(options?: WaitOptions): Promise<boolean> {
    this.#checkReadable("polled");
    const timeout = timeoutOf(options, 0);
    const endpoint = this.#endpoint;
    if (endpoint.isReady() || timeout === 0) return endpoint.isReady();
    let unwatch = (): void => {};
    try {
      const ready = new Promise<boolean>((resolve) => {
        unwatch = endpoint.watch(() => resolve(true));
      });
      return await waitWithin(ready, { ...options, timeout }, () => false);
    } finally {
      unwatch();
    }
  }

  /**
   * The number of the socket that carries this end, as Python's `fileno()`: to be asked about, or given to
   * `DupFd`. This package reads from it, nobody else may.
   *
   * @throws InvalidStateError on a closed end, and while both ends are in one thread: no socket carries them.
   */
  fileno(): number {
    this.#checkOpen("asked for its descriptor");
    const { transport } = this.#endpoint;
    const fd = transport instanceof SocketTransport ? descriptorOf(transport.socket) : -1;
    if (fd >= 0) return fd;
    throw new InvalidStateError(
      "No socket carries this connection: its other end is in this thread, or has gone.",
    );
  }

  /**
   * Closes this end. What was sent before still goes out, also while the receiver is behind; the other
   * end then comes to the end of the stream. Receives that wait here reject. A second call does nothing.
   */
  close(): void {
    if (this.#left !== undefined) return;
    this.#left = "closed";
    this.#endpoint.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Receives values until the end of the stream. Leaving the loop early does not close the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.recv();
      } catch (error) {
        if (isCleanEnd(error)) return;
        throw error;
      }
      yield value;
    }
  }

  /** A message that is there. */
  #taken(options: WaitOptions | undefined): Uint8Array | undefined {
    this.#checkReadable("received from");
    timeoutOf(options);
    const { inbox } = this.#endpoint;
    const message = inbox.take();
    if (message !== undefined) this.#endpoint.readOn();
    return message;
  }

  async #wait(options: WaitOptions | undefined): Promise<Uint8Array> {
    const endpoint = this.#endpoint;
    if (timeoutOf(options) === 0 && endpoint.isReady()) {
      const message = endpoint.inbox.take();
      if (message !== undefined) return message;
    }
    endpoint.hold();
    endpoint.spin();
    try {
      return await endpoint.inbox.wait(options);
    } finally {
      endpoint.release();
    }
  }

  #beforeSend(options: WaitOptions | undefined): number {
    this.#checkOpen("sent through");
    if (!this.writable) {
      throw new InvalidStateError("This is the receiving end of a one-way pipe: it cannot send.");
    }
    const { failure } = this.#endpoint.outbox;
    // Before the value is encoded: what it gives away must not be lost.
    if (failure !== undefined) throw endAnew(failure);
    return timeoutOf(options);
  }

  #send(
    parts: readonly Uint8Array[],
    options: WaitOptions | undefined,
    timeout: number,
  ): Promise<void> {
    const { outbox } = this.#endpoint;
    if (options === undefined) return outbox.add(parts, true);
    return this.#sendWithin(outbox.add(parts, false), options, timeout);
  }

  async #sendWithin(sent: Promise<void>, options: WaitOptions, timeout: number): Promise<void> {
    const endpoint = this.#endpoint;
    endpoint.hold();
    try {
      await waitWithin(sent, { ...options, timeout }, () => {
        throw new TimeoutError(
          `The receiver did not take the message within ${timeout} ms; it still goes out.`,
        );
      });
    } finally {
      endpoint.release();
    }
  }

  #checkReadable(what: string): void {
    this.#checkOpen(what);
    if (!this.readable) {
      throw new InvalidStateError(
        `This is the sending end of a one-way pipe: it cannot be ${what}.`,
      );
    }
  }

  #checkOpen(what: string): void {
    if (this.#left === undefined) return;
    throw new InvalidStateError(
      this.#left === "closed"
        ? `The connection is closed and cannot be ${what}.`
        : `This end was sent elsewhere and cannot be ${what} here any more.`,
    );
  }
}
