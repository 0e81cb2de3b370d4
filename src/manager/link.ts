import { type Address, connect, type Connection } from "../channel/index.ts";
import { EndOfStreamError, InvalidStateError, TimeoutError } from "../errors/index.ts";
import { processIdentity } from "../process/identity.ts";
import { checkMilliseconds } from "../util/wait-options.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import { decodeThrown, joinStacks } from "../wire/error-codec.ts";
import { loseMoves, type Move } from "../wire/moves.ts";
import { withOwnClasses } from "../wire/own-classes.ts";
import type { CallOptions, Host } from "./host.ts";
import { Answer, Ask, HELLO } from "./protocol.ts";
import { serverGone, show } from "./server-gone.ts";

/** How to reach a server. */
export interface LinkOptions {
  readonly address: Address;
  /** Which server it has to be; default: whichever is there. */
  readonly server?: string | undefined;
  /** Default: that of this family of processes. */
  readonly key?: Uint8Array | (() => Uint8Array) | undefined;
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxBytes?: number | undefined;
}

/** An answer to a call that was given up, or whose time is up, is waited for this long; see {@link Link.call}. */
const LAST_WORD_MS = 5_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const SAME_STACK_MS = 1;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly moves: readonly Move[] | undefined;
}

/**
 * The connection of this thread to one server, which all its proxies share. Calls go out at once, in order;
 * answers come when they come.
 *
 * Nobody listens while nothing is asked, so that the connection holds the program open only then.
 */
export class Link implements Host {
  readonly address: Address;
  readonly key: Uint8Array | undefined;
  readonly ready: Promise<this>;
  #server: string;
  #connection: Connection<unknown[]> | undefined;
  /** What was asked before there was a connection. */
  #early: unknown[][] | undefined = [];
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isPumping = false;
  #failure: Error | undefined;
  #users = 0;
  #stack: { stack?: string } = {};
  #stackTaken = 0;
  #lastMethod: string | undefined;
  readonly #onEnd: (link: Link) => void;

  /** @param onEnd - called when it cannot be used any more. */
  constructor(options: LinkOptions, onEnd: (link: Link) => void) {
    this.address = options.address;
    // Opened only here: whoever has a connection needs no key.
    this.key = typeof options.key === "function" ? options.key() : options.key;
    this.#server = options.server ?? "";
    this.#onEnd = onEnd;
    this.ready = this.#open(options);
    // Calls tell.
    this.ready.catch(() => {});
  }

  get server(): string {
    return this.#server;
  }

  /** Why it cannot be used any more. */
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
    this.#connection?.close();
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
    options: CallOptions = {},
  ): Promise<unknown> {
    const timeout =
      options.timeout === undefined ? Infinity : checkMilliseconds(options.timeout, "timeout");
    const { flow = 0, signal } = options;
    return this.#ask(method, args, (at, bytes, attachments) => [
      [Ask.call, at, id, method, bytes, attachments, timeout, flow],
      { timeout, signal },
    ]);
  }

  /** Has an object made. @returns a proxy for it. */
  create(kind: string, args: readonly unknown[]): Promise<unknown> {
    return this.#ask(kind, args, (at, bytes, attachments) => [
      [Ask.create, at, kind, bytes, attachments],
      {},
    ]);
  }

  /** How many objects the server has. */
  count(): Promise<number> {
    return this.#ask("", [], (at) => [[Ask.count, at], {}]) as Promise<number>;
  }

  retain(id: number, ticket: string): void {
    this.enter();
    this.#tell([Ask.retain, id, ticket]);
  }

  release(id: number): void {
    this.#tell([Ask.release, id]);
    this.leave();
  }

  pin(id: number, ticket: string): void {
    this.#tell([Ask.pin, id, ticket]);
  }

  unpin(ticket: string): void {
    this.#tell([Ask.unpin, ticket]);
  }

  async #open(options: LinkOptions): Promise<this> {
    const { address, maxBytes, timeout, signal } = options;
    try {
      const connection = await connect<unknown[]>(address, {
        authKey: this.key ?? processIdentity().authKey,
        maxBytes,
        timeout,
        signal,
      });
      const hello = await connection.recv({ timeout: LAST_WORD_MS }).catch((error: unknown) => {
        connection.close();
        throw error;
      });
      if (!Array.isArray(hello) || hello[0] !== HELLO || typeof hello[1] !== "string") {
        connection.close();
        throw new EndOfStreamError(
          `What listens at ${show(address)} is no manager of this version of manycore.`,
        );
      }
      if (this.#server !== "" && this.#server !== hello[1]) {
        connection.close();
        throw new EndOfStreamError(
          `The manager at ${show(address)} has ended; another one has taken its place and does not have its objects.`,
        );
      }
      this.#server = hello[1];
      // Closed again meanwhile.
      if (this.#failure !== undefined) {
        connection.close();
        throw this.#failure;
      }
      this.#connection = connection;
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const frame of early) this.#send(frame);
      void this.#pump();
      return this;
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
  }

  async #ask(
    method: string,
    args: readonly unknown[],
    frame: (
      id: number,
      bytes: Uint8Array,
      attachments: unknown[] | null,
    ) => [unknown[], { timeout?: number | undefined; signal?: AbortSignal | undefined }],
  ): Promise<unknown> {
    const caller = this.#stackOf(method);
    if (this.#failure !== undefined) throw serverGone(this.address, this.#failure);
    const id = ++this.#lastId;
    const { bytes, attachments, moves } = encodeValue([...args], {
      destination: "process",
      root: "args",
    });
    const [words, { timeout, signal }] = frame(id, bytes, attachments ?? null);
    if (signal?.aborted === true) {
      loseMoves(moves);
      throw signal.reason;
    }
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, moves });
    });
    this.#tell(words);
    void this.#pump();
    try {
      if (signal === undefined && (timeout === undefined || timeout > MAX_TIMER_MS)) {
        return await answer;
      }
      return await this.#within(id, answer, timeout ?? Infinity, signal);
    } catch (error) {
      if (error instanceof Remote) {
        joinStacks(error.error, caller.stack, `manager at ${show(this.address)} [manycore]`);
        throw error.error;
      }
      throw error;
    }
  }

  /** Withdraws the call when it is given up, and bounds the wait for a server that does not answer. */
  async #within(
    id: number,
    answer: Promise<unknown>,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const giveUp = (delay: number, error: unknown): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const pending = this.#pending.get(id);
        this.#pending.delete(id);
        pending?.reject(error);
      }, delay);
    };
    const onAbort = (): void => {
      this.#tell([Ask.cancel, id]);
      giveUp(LAST_WORD_MS, signal?.reason);
    };
    if (timeout + LAST_WORD_MS <= MAX_TIMER_MS) {
      const late = `The manager at ${show(this.address)} did not answer within ${timeout + LAST_WORD_MS} ms.`;
      giveUp(timeout + LAST_WORD_MS, new TimeoutError(late));
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await answer;
    } catch (error) {
      throw error === WITHDRAWN ? signal?.reason : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
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

  #tell(frame: unknown[]): void {
    if (this.#failure !== undefined) return;
    if (this.#early === undefined) this.#send(frame);
    else this.#early.push(frame);
  }

  #send(frame: unknown[]): void {
    this.#connection?.send(frame).catch((error: unknown) => this.#fail(error as Error));
  }

  async #pump(): Promise<void> {
    const connection = this.#connection;
    if (this.#isPumping || connection === undefined) return;
    this.#isPumping = true;
    try {
      while (this.#pending.size > 0) await this.#settle(await connection.recv());
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#isPumping = false;
    }
  }

  async #settle(frame: unknown[]): Promise<void> {
    const [id, status, bytes, attachments] = frame as [
      number,
      number,
      Uint8Array,
      unknown[] | null,
    ];
    const pending = this.#pending.get(id);
    // Given up long ago; what it brings is read all the same, so that proxies in it are released.
    const extra = attachments ?? undefined;
    if (status === Answer.withdrawn) {
      loseMoves(pending?.moves);
      pending?.reject(WITHDRAWN);
    } else if (status === Answer.value) {
      try {
        const read = (): unknown => decodeValue(bytes, extra);
        let value: unknown;
        try {
          value = read();
        } catch {
          value = await withOwnClasses(read);
        }
        pending?.resolve(value);
      } catch (error) {
        pending?.reject(error);
      }
    } else {
      loseMoves(pending?.moves);
      pending?.reject(new Remote(decodeThrown(bytes, extra)));
    }
    this.#pending.delete(id);
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined && this.#pending.size === 0) return;
    const isFirst = this.#failure === undefined;
    this.#failure ??= reason;
    this.#early = undefined;
    this.#connection?.close();
    for (const pending of this.#pending.values()) {
      loseMoves(pending.moves);
      pending.reject(serverGone(this.address, reason));
    }
    this.#pending.clear();
    if (isFirst) this.#onEnd(this);
  }
}

/** An error of the other side, to be given this side's stack. */
class Remote {
  readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }
}

const WITHDRAWN: unique symbol = Symbol("withdrawn");
