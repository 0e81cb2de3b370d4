import { deferred, type Deferred } from "../util/deferred.ts";
import { messageHeader } from "./message-reader.ts";
import type { Transport } from "./transport.ts";

/** Parts up to this size are copied behind their header at once; larger ones are written from where they are. */
const COPY_BYTES = 16 * 1024;

/** Messages that go together. */
interface Batch {
  readonly chunks: Uint8Array[];
  readonly sent: Deferred<void>;
}

/**
 * The messages that one end sends. What is sent in one go is one write, at the end of the running
 * microtask; a send is done when the kernel (or the receiver in this thread) has its bytes.
 */
export class Outbox {
  #transport: Transport | undefined;
  #open: Batch | undefined;
  #inFlight: Batch | undefined;
  #scheduled = false;
  #failure: Error | undefined;
  #onIdle: (() => void) | undefined;

  /** Nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#open === undefined && this.#inFlight === undefined;
  }

  /** Why nothing can be sent any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Puts a message into the row. @returns its acceptance. */
  add(parts: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    let total = 0;
    for (const part of parts) total += part.length;
    const batch = (this.#open ??= { chunks: [], sent: deferred<void>() });
    const header = messageHeader(total);
    if (total <= COPY_BYTES) batch.chunks.push(Buffer.concat([header, ...parts]));
    else {
      batch.chunks.push(header);
      for (const part of parts) if (part.length > 0) batch.chunks.push(part);
    }
    this.#schedule();
    return batch.sent.promise;
  }

  /** Where to write to from now on; undefined: nowhere until there is something else. */
  attach(transport: Transport | undefined): void {
    this.#transport = transport;
    if (transport !== undefined) this.#schedule();
  }

  /** The transport has written what it was given. */
  drained(): void {
    const batch = this.#inFlight;
    this.#inFlight = undefined;
    batch?.sent.resolve();
    this.#flush();
  }

  /** Nothing will be sent any more. */
  fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    for (const batch of [this.#inFlight, this.#open]) {
      // Who has sent learns of it; that nobody listens is no failure of its own.
      batch?.sent.promise.catch(() => {});
      batch?.sent.reject(reason);
    }
    this.#inFlight = undefined;
    this.#open = undefined;
    this.#idle();
  }

  /** Calls back once nothing waits to be written. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    if (this.isEmpty) this.#idle();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const batch = this.#open;
    if (this.#inFlight !== undefined || this.#transport === undefined) return;
    if (batch === undefined) return this.#idle();
    this.#open = undefined;
    // Before the write: it may find that the other side is gone.
    this.#inFlight = batch;
    if (this.#transport.write(batch.chunks)) this.drained();
  }

  #idle(): void {
    const callback = this.#onIdle;
    this.#onIdle = undefined;
    callback?.();
  }
}
