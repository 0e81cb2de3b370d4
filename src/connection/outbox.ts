import { deferred, type Deferred } from "../util/deferred.ts";
import { messageHeader } from "./message-reader.ts";
import type { Transport } from "./transport.ts";
import { nextTick } from "../util/platform.ts";

/** Parts up to this size are copied behind their header at once; larger ones are written from where they are. */
const COPY_BYTES = 16 * 1024;

/** Messages that go together. */
interface Batch {
  readonly chunks: Uint8Array[];
  bytes: number;
  /** Settles when it is sent. */
  sent: Deferred<void> | undefined;
  /** It keeps the program running. */
  isHeld: boolean;
  /** To be called for messages that will not go out. */
  lost: (() => void)[] | undefined;
}

/** Keeps the program running while something waits to be written. */
export interface Keeper {
  hold(): void;
  release(): void;
}

/**
 * The messages that one end sends. What is sent in one go is one write, at the end of the running
 * turn's microtasks; a send is done when the kernel (or the receiver in this thread) has its bytes.
 */
export class Outbox {
  readonly #keeper: Keeper;
  #transport: Transport | undefined;
  #open: Batch | undefined;
  #inFlight: Batch | undefined;
  #scheduled = false;
  #failure: Error | undefined;
  #onIdle: (() => void) | undefined;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** Nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#open === undefined && this.#inFlight === undefined;
  }

  /** Bytes that wait to be written. */
  get unsentBytes(): number {
    return (this.#open?.bytes ?? 0) + (this.#inFlight?.bytes ?? 0);
  }

  /** Reason why nothing can be sent any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Queues a message.
   *
   * @param isHeld - the program goes on running until it is sent.
   * @returns its acceptance.
   */
  add(parts: readonly Uint8Array[], isHeld: boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const batch = this.#put(parts);
    if (isHeld && !batch.isHeld) {
      batch.isHeld = true;
      this.#keeper.hold();
    }
    return (batch.sent ??= deferred<void>()).promise;
  }

  /** Queues a message that nobody waits for. @param onLost - called when it will not go out. */
  post(parts: readonly Uint8Array[], onLost?: () => void): void {
    if (this.#failure !== undefined) {
      onLost?.();
      return;
    }
    const batch = this.#put(parts);
    if (onLost !== undefined) (batch.lost ??= []).push(onLost);
  }

  /** Writes to `transport` from now on; undefined: keeps everything until there is one. */
  attach(transport: Transport | undefined): void {
    this.#transport = transport;
    if (transport !== undefined) this.#schedule();
  }

  /** The transport has written what it was given. */
  drained(): void {
    const batch = this.#inFlight;
    this.#inFlight = undefined;
    if (batch !== undefined) this.#done(batch);
    batch?.sent?.resolve();
    this.#flush();
  }

  /** Nothing will be sent any more. */
  fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    const batches = [this.#inFlight, this.#open];
    this.#inFlight = undefined;
    this.#open = undefined;
    for (const batch of batches) {
      if (batch === undefined) continue;
      this.#done(batch);
      // Who has sent learns of it; that nobody listens is no failure of its own.
      batch.sent?.promise.catch(() => {});
      batch.sent?.reject(reason);
      for (const onLost of batch.lost ?? []) onLost();
    }
    this.#idle();
  }

  /** Calls back once nothing waits to be written. */
  whenIdle(callback: () => void): void {
    this.#onIdle = callback;
    if (this.isEmpty) this.#idle();
  }

  #put(parts: readonly Uint8Array[]): Batch {
    let total = 0;
    for (const part of parts) total += part.length;
    const batch = (this.#open ??= {
      chunks: [],
      bytes: 0,
      sent: undefined,
      isHeld: false,
      lost: undefined,
    });
    const header = messageHeader(total);
    if (total <= COPY_BYTES) batch.chunks.push(Buffer.concat([header, ...parts]));
    else {
      batch.chunks.push(header);
      for (const part of parts) if (part.length > 0) batch.chunks.push(part);
    }
    batch.bytes += total;
    this.#schedule();
    return batch;
  }

  #done(batch: Batch): void {
    if (!batch.isHeld) return;
    batch.isHeld = false;
    this.#keeper.release();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the microtasks: what they answer goes out together.
    nextTick(flushOf, this);
  }

  /** @internal */
  flushNow(): void {
    this.#scheduled = false;
    this.#flush();
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

function flushOf(outbox: Outbox): void {
  outbox.flushNow();
}
