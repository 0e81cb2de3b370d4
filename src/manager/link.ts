import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import { DirectLine } from "../connection/direct.ts";
import type { Address } from "../connection/index.ts";
import { decodeMessage, encodeMessage } from "../connection/value-message.ts";
import { boundWait } from "../util/bound-wait.ts";
import { InvalidStateError, TimeoutError } from "../errors/index.ts";
import { timeoutOf } from "../util/wait-options.ts";
import { loseMoves, type Move } from "../wire/moves.ts";
import { loadOwnClasses } from "../wire/own-classes.ts";
import type { CallOptions, Host } from "./host.ts";
import { AnswerStatus, RequestKind, readMessage, writeHeader } from "./protocol.ts";
import { ANSWER_GRACE_MS, type LinkOptions, reachServer } from "./reach-server.ts";
import { serverGone, formatAddress, thrownByServer } from "./server-errors.ts";
import { performance } from "../util/platform.ts";

const SAME_STACK_MS = 1;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly moves: readonly Move[] | undefined;
  /** The stack of the call. */
  readonly caller: { readonly stack?: string };
  /** Async context of the call, in which classes of the user decode themselves. */
  readonly scope: AsyncScope;
}

/**
 * The connection of this thread to one server, which all its proxies share. Calls go out at once, in order;
 * answers come when they come.
 *
 * The connection holds the program open only while calls are pending.
 */
export class Link implements Host {
  readonly address: Address;
  readonly key: Uint8Array | undefined;
  readonly ready: Promise<this>;
  #server: string;
  #line: DirectLine | undefined;
  /** Requests made before there was a connection. */
  #early: (readonly Uint8Array[])[] | undefined = [];
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #failure: Error | undefined;
  #users = 0;
  #stack: { stack?: string } = {};
  #stackTaken = 0;
  #lastMethod: string | undefined;
  readonly #onEnd: (link: Link) => void;

  /** @param onEnd - called when it cannot be used any more. */
  readonly #maxBytes: number | undefined;

  constructor(options: LinkOptions, onEnd: (link: Link) => void) {
    this.address = options.address;
    // Opened only here: whoever has a connection needs no key.
    this.key = typeof options.key === "function" ? options.key() : options.key;
    this.#server = options.server ?? "";
    this.#maxBytes = options.maxBytes;
    this.#onEnd = onEnd;
    this.ready = this.#open(options);
    // Calls tell.
    this.ready.catch(() => {});
  }

  get server(): string {
    return this.#server;
  }

  /** Reason why it cannot be used any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Counts one more that needs it; the last one to leave closes it. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    if (--this.#users > 0 || this.#failure !== undefined) return;
    this.#failure = new InvalidStateError(
      "The connection to the manager was closed: nothing here needed it any more.",
    );
    this.#line?.close();
    this.#onEnd(this);
  }

  /**
   * Calls a method. The server watches the timeout, so that what it gives is never lost: a call that is
   * given up is withdrawn, and what the server had granted before it learnt of that counts. Only a server that
   * does not answer at all is given up by itself.
   */
  call(
    id: number,
    method: string,
    args: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> {
    if (options?.timeout === undefined && options?.signal === undefined) {
      return this.#request(method, args, (at) => [
        RequestKind.call,
        at,
        id,
        method,
        Infinity,
        options?.flow ?? 0,
      ]);
    }
    return this.#callWithin(id, method, args, options);
  }

  /** Has an object made. @returns a proxy for it. */
  create(kind: string, args: readonly unknown[]): Promise<unknown> {
    return this.#request(kind, args, (at) => [RequestKind.create, at, kind]);
  }

  /** The number of objects of the server. */
  count(): Promise<number> {
    return this.#request("", [], (at) => [RequestKind.count, at]) as Promise<number>;
  }

  retain(id: number, pinId: string): void {
    this.enter();
    this.#send(writeHeader([RequestKind.retain, id, pinId]));
  }

  release(id: number): void {
    this.#send(writeHeader([RequestKind.release, id]));
    this.leave();
  }

  pin(id: number, pinId: string): void {
    this.#send(writeHeader([RequestKind.pin, id, pinId]));
  }

  unpin(pinId: string): void {
    this.#send(writeHeader([RequestKind.unpin, pinId]));
  }

  async #open(options: LinkOptions): Promise<this> {
    try {
      const { connection, server } = await reachServer(options, this.key, this.#server);
      this.#server = server;
      // Closed again meanwhile.
      if (this.#failure !== undefined) {
        connection.close();
        throw this.#failure;
      }
      const line = new DirectLine(connection);
      this.#line = line;
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const parts of early) line.post(parts);
      line.keepOpen(this.#pending.size > 0);
      line.start({
        onMessage: (message) => this.#onMessage(message),
        onEnd: (reason) => this.#fail(reason),
      });
      return this;
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
  }

  /** Not an async function: a call costs little more than its promise. */
  #request(
    method: string,
    args: readonly unknown[],
    header: (id: number) => readonly unknown[],
    take: (id: number) => void = () => {},
  ): Promise<unknown> {
    const caller = this.#stackOf(method);
    if (this.#failure !== undefined) {
      return Promise.reject(serverGone(this.address, this.#failure));
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const { parts, moves } = encodeMessage(args, "args", { maxBytes: this.#maxBytes });
      this.#pending.set(id, { resolve, reject, moves, caller, scope: captureScope() });
      this.#send([...writeHeader(header(id)), ...parts]);
      this.#line?.keepOpen(true);
      this.#line?.spin();
      take(id);
    });
  }

  /** Withdraws the call when it is given up, and bounds the wait for a server that does not answer. */
  async #callWithin(
    object: number,
    method: string,
    args: readonly unknown[],
    options: CallOptions,
  ): Promise<unknown> {
    const { flow = 0, signal } = options;
    const timeout = timeoutOf(options);
    let id = 0;
    const answer = this.#request(
      method,
      args,
      (at) => [RequestKind.call, at, object, method, timeout, flow],
      (at) => (id = at),
    );
    const giveUp = (error: unknown): void => {
      const pending = this.#pending.get(id);
      this.#settled(id);
      pending?.reject(error);
    };
    const cancel = (reason: unknown): void => {
      this.#send(writeHeader([RequestKind.cancel, id]));
      unbind = boundWait(ANSWER_GRACE_MS, undefined, () => giveUp(reason), giveUp);
    };
    const limit = timeout + ANSWER_GRACE_MS;
    const message = `The manager at ${formatAddress(this.address)} did not answer within ${limit} ms.`;
    // Made now, so that it has the caller's stack.
    const late = limit === Infinity ? undefined : new TimeoutError(message);
    let unbind = boundWait(limit, signal, () => giveUp(late), cancel);
    try {
      return await answer;
    } catch (error) {
      throw error === WITHDRAWN ? signal?.reason : error;
    } finally {
      unbind();
    }
  }

  /** The stack of a call; those of one method share it within a moment, as taking one costs more than the rest. */
  #stackOf(method: string): { readonly stack?: string } {
    const now = performance.now();
    if (method !== this.#lastMethod || now - this.#stackTaken > SAME_STACK_MS) {
      this.#lastMethod = method;
      this.#stackTaken = now;
      this.#stack = {};
      Error.captureStackTrace(this.#stack);
    }
    return this.#stack;
  }

  #send(parts: readonly Uint8Array[]): void {
    if (this.#failure !== undefined) return;
    if (this.#early === undefined) this.#line?.post(parts);
    else this.#early.push(parts);
  }

  #onMessage(message: Uint8Array): void {
    try {
      const { header, value } = readMessage(message);
      this.#settle(header[1] as number, header[0] as number, value);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #settle(id: number, status: number, bytes: Uint8Array): void {
    // One that was given up long ago is read all the same, so that proxies in it are released.
    const pending = this.#pending.get(id);
    if (status === AnswerStatus.value) {
      try {
        const decode = (): unknown => decodeMessage(bytes);
        if (pending === undefined) decode();
        else pending.resolve(pending.scope.runInAsyncScope(decode));
      } catch (error) {
        const loaded = loadOwnClasses(error);
        if (loaded !== undefined) {
          loaded.then(
            () => this.#settle(id, status, bytes),
            (reason: unknown) => pending?.reject(reason),
          );
          return;
        }
        pending?.reject(error);
      }
    } else {
      loseMoves(pending?.moves);
      pending?.reject(
        status === AnswerStatus.withdrawn
          ? WITHDRAWN
          : thrownByServer(bytes, this.address, pending.caller.stack),
      );
    }
    this.#settled(id);
  }

  #settled(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#line?.keepOpen(false);
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined && this.#pending.size === 0) return;
    const isFirst = this.#failure === undefined;
    this.#failure ??= reason;
    this.#early = undefined;
    this.#line?.close();
    for (const pending of this.#pending.values()) {
      loseMoves(pending.moves);
      pending.reject(serverGone(this.address, reason));
    }
    this.#pending.clear();
    if (isFirst) this.#onEnd(this);
  }
}

const WITHDRAWN: unique symbol = Symbol("withdrawn");
