import { markTruncated } from "./stream-end.ts";
import { EndOfStreamError, InvalidStateError, SerializationError } from "../errors/index.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { AdaptiveSpin } from "../util/adaptive-spin.ts";
import { Inbox } from "./inbox.ts";
import { controlFrame, messageHeader, MessageReader } from "./message-reader.ts";
import { Outbox } from "./outbox.ts";
import { OPENING_BYTES, protocolOf } from "./protocol-of.ts";
import type { Readiness } from "./ready.ts";
import type { Sink, Transport } from "./transport.ts";

/** Messages of this many bytes are read ahead; then the sender has to wait. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** One for all connections of this thread, as they share its event loop. */
const spin: AdaptiveSpin = new AdaptiveSpin();

/** Directions and limit of an end. */
export interface EndpointOptions {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly maxBytes: number;
}

/** Takes the control frames of the other side. */
export interface Handler {
  onControl(endpoint: Endpoint, frame: unknown): void;
}

/**
 * One end of a connection, whoever holds it and whatever carries its bytes.
 *
 * The transport may change: an end that goes to another process gets its other end a new one. Until
 * there is one, what is sent waits here, and so do those who sent it.
 */
export class Endpoint implements Sink, Readiness {
  readonly options: EndpointOptions;
  readonly inbox: Inbox<Uint8Array> = new Inbox("message", (message) => message.length);
  readonly outbox: Outbox = new Outbox(this);
  readonly reader: MessageReader;
  transport: Transport | undefined;
  /** Set where both sides of the transport are manycore's, so that either may move. */
  handler: Handler | undefined;
  /** This side took the other's call, which decides when both want the same. */
  isAcceptor = false;
  /** Set once it is given away: it waits here to be claimed by its new owner. See `handoff.ts`. */
  handoff: { keep(): void } | undefined;
  /** Gets all messages instead of the inbox; see `direct.ts`. */
  receiver: ((message: Uint8Array) => void) | undefined;
  /** Gets the next message instead of the inbox. */
  interceptor: ((message: Uint8Array) => void) | undefined;
  /** Gets the end of the transport instead of everybody. */
  onTransportEnd: ((error: Error | undefined) => void) | undefined;
  /** Called when this end is closed or its other end is gone. */
  onEnded: (() => void) | undefined;
  /** Settles when a transport is attached, or the end has ended. */
  attached: Deferred<void> = deferred<void>();
  /** False while it only receives through its transport; see {@link Endpoint.attachInbound}. */
  isAttached = false;
  #readsAll = false;
  /** The first bytes that came, should they turn out to be no message. */
  #opening: Uint8Array | undefined;
  #isPaused = false;
  #isClosing = false;
  #ended: Error | undefined;
  #holds = 0;

  constructor(options: EndpointOptions) {
    this.options = options;
    this.reader = new MessageReader(
      {
        onMessage: (message) => this.accept(message),
        onControl: (frame) => this.#onControl(frame),
      },
      options.maxBytes,
    );
  }

  /** Reason of its end: the other side is gone, or this one was closed. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** True while a send or receive is pending; such an end cannot be sent. */
  get isBusy(): boolean {
    return this.#holds > 0 || this.inbox.isAwaited || !this.outbox.isEmpty;
  }

  get room(): Uint8Array | undefined {
    return this.#isPaused ? undefined : this.reader.room;
  }

  /** Sends and receives through `transport` from now on. */
  attach(transport: Transport): void {
    transport.sink = this;
    // Closed meanwhile: the other side has to learn of it.
    if (this.#ended !== undefined) return transport.end();
    this.transport = transport;
    if (this.#isPaused) transport.pause();
    if (this.#holds > 0) transport.ref();
    else transport.unref();
    this.#readsAll = false;
    this.isAttached = true;
    this.outbox.attach(transport);
    this.attached.resolve();
  }

  /** Receives through `transport` from now on, and sends nothing until {@link Endpoint.attach}. */
  attachInbound(transport: Transport): void {
    if (this.#ended !== undefined) return transport.destroy();
    this.transport = transport;
    if (this.#isPaused) transport.pause();
    if (this.#holds > 0) transport.ref();
  }

  /** Lets the transport go. What is sent waits until another one is attached. */
  detach(): void {
    this.transport = undefined;
    this.isAttached = false;
    this.outbox.attach(undefined);
    this.attached = deferred<void>();
  }

  /** Takes in everything up to the end of the transport, however much that is. */
  readAll(): void {
    this.#readsAll = true;
    this.resume();
  }

  /** Begins to poll for a moment: a receive waits. */
  spin(): void {
    if (this.isAttached) spin.begin();
  }

  onData(chunk: Uint8Array): void {
    spin.end();
    this.#opening ??= Uint8Array.from(chunk.subarray(0, OPENING_BYTES));
    try {
      this.reader.push(chunk);
    } catch (error) {
      const { dialect } = this;
      const what = `The other side sent something that is no message${dialect}.`;
      this.fail(dialect === "" ? (error as Error) : new SerializationError(what, { cause: error }));
    }
  }

  onFilled(bytes: number): void {
    this.reader.filled(bytes);
  }

  onEnd(error?: Error): void {
    if (this.onTransportEnd !== undefined) {
      const { onTransportEnd } = this;
      this.onTransportEnd = undefined;
      onTransportEnd(error);
      return;
    }
    const unfinished = this.reader.unfinishedBytes;
    const how =
      unfinished > 0
        ? `The other side ended in the middle of a message, ${unfinished} bytes of which arrived${this.dialect}.`
        : "The other side has closed the connection, or died.";
    this.fail(new EndOfStreamError(how, { cause: error }), unfinished > 0);
  }

  onDrain(): void {
    this.outbox.drained();
  }

  /** Writes a control frame between the messages. */
  sendControl(frame: object): void {
    this.transport?.write([controlFrame(frame)]);
  }

  /** Ends both directions; what has arrived can still be taken. */
  fail(reason: Error, isTruncated = false): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    if (isTruncated) markTruncated(reason);
    this.outbox.fail(reason);
    this.inbox.end(reason);
    this.transport?.destroy();
    this.attached.resolve();
    this.onEnded?.();
  }

  /** Closes this end: what was sent still goes out, what was not taken is dropped. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.inbox.end(new InvalidStateError("The connection was closed here."));
    this.inbox.clear();
    if (this.#ended !== undefined) return;
    this.hold();
    this.outbox.whenIdle(() => {
      this.release();
      this.#ended ??= new InvalidStateError("The connection was closed here.");
      this.transport?.end();
      this.attached.resolve();
      this.onEnded?.();
    });
    // What still arrives is dropped by the inbox.
    this.resume();
  }

  /** Ends this end and the other one at once. */
  abandon(reason: Error): void {
    this.fail(reason);
    this.inbox.clear();
  }

  /** Everything that arrived and was not taken, as the bytes it came in. */
  takeUnread(): Uint8Array[] {
    const unread: Uint8Array[] = [];
    while (this.inbox.hasMessage) {
      const message = this.inbox.take() as Uint8Array;
      unread.push(messageHeader(message.length), message);
    }
    unread.push(...this.reader.takeUnfinished());
    return unread;
  }

  /** Keeps the program running until {@link release}, as long as the other side can still answer. */
  hold(): void {
    if (this.#holds++ === 0) this.transport?.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.transport?.unref();
  }

  /** True when a receive would not wait. */
  isReady(): boolean {
    if (!this.inbox.isReady && this.#ended === undefined) this.transport?.poke();
    return this.inbox.isReady;
  }

  /** Calls back when a receive may not have to wait; keeps the program running meanwhile. @returns how to end that. */
  watch(callback: () => void): () => void {
    this.hold();
    const unwatch = this.inbox.watch(callback);
    return () => {
      unwatch();
      this.release();
    };
  }

  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.transport?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.transport?.resume();
  }

  /** Reads on, after something was taken, if that had to stop. */
  readOn(): void {
    if (this.#isPaused && this.handoff === undefined && this.inbox.size < READ_AHEAD_BYTES / 2)
      this.resume();
  }

  /** The protocol that the other side seems to speak if it is not this one, as the end of a sentence. */
  get dialect(): string {
    const protocol = this.#opening === undefined ? undefined : protocolOf(this.#opening);
    return protocol === undefined ? "" : `: it speaks ${protocol}`;
  }

  /** Takes a message in. */
  accept(message: Uint8Array): void {
    const { interceptor } = this;
    if (interceptor !== undefined) {
      this.interceptor = undefined;
      interceptor(message);
      return;
    }
    if (this.receiver !== undefined) {
      this.receiver(message);
      return;
    }
    this.inbox.push(message);
    if (this.inbox.size < READ_AHEAD_BYTES || this.#readsAll || this.#isClosing) return;
    this.pause();
  }

  #onControl(frame: Uint8Array): void {
    if (this.handler === undefined) {
      this.fail(new EndOfStreamError("The other side sent something that is no message."));
      return;
    }
    this.handler.onControl(this, JSON.parse(Buffer.from(frame).toString()));
  }
}
