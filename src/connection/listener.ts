import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import type { AddressInfo, Server, Socket } from "node:net";
import { AuthenticationError, InvalidStateError } from "../errors/index.ts";
import { inspectAs } from "../util/inspectable.ts";
import { staysHere } from "../util/stays-here.ts";
import { anything, boolean, checkFunction, milliseconds } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { timeoutOf, type WaitOptions } from "../util/wait-options.ts";
import {
  type Address,
  type AddressFamily,
  checkAddress,
  checkFamily,
  freshPlace,
  isFile,
  type Place,
  placeOf,
  removeAtExit,
  removeNow,
  type TcpAddress,
} from "./address.ts";
import { bind } from "./bind.ts";
import { Connection } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { checkKey, type HandshakeOptions } from "./handshake.ts";
import { Inbox } from "./inbox.ts";
import { introduce, tooSlow } from "./introduction.ts";
import { explainFileError } from "../memory/index.ts";
import { moveToCaller } from "../errors/own-frames.ts";
import { net } from "../util/builtin.ts";
import { PendingSockets } from "./pending-sockets.ts";
import { authKey, backlogLength, maxBytesOf, positive } from "./options.ts";
import { readyAs } from "./ready.ts";

/** Options of {@link Listener}. */
export interface ListenerOptions {
  /** Address to listen at; default: a fresh address of `family` that nobody else uses. Port 0: any free one. */
  readonly address?: Address | undefined;
  /** Default: that of `address`, else `"unix"` (on Windows a named pipe). */
  readonly family?: AddressFamily | undefined;
  /** Limit of connections that were not accepted yet; more are turned away. Default: 128. */
  readonly backlog?: number | undefined;
  /** Key that clients have to know. Default: none is asked for, anybody may connect. */
  readonly authKey?: Uint8Array | string | undefined;
  /** The largest message that may arrive, in bytes. Default: 1 GiB. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds that one who connects has to show that it knows the key. Default: 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** Limit of clients that are about to show it; when another one comes the oldest goes. Default: 256. */
  readonly maxHandshakes?: number | undefined;
  /** Lets Python up to 3.11 in, which only knows HMAC-MD5. Default: false. */
  readonly legacyMd5?: boolean | undefined;
  /** Called for each one that was turned away, with the reason. */
  readonly onReject?: ((error: Error) => void) | undefined;
}

const LISTENER: OptionTable<ListenerOptions> = {
  of: "Listener",
  checks: {
    address: checkAddress,
    family: anything,
    backlog: backlogLength,
    authKey,
    maxBytes: positive,
    handshakeTimeout: milliseconds,
    maxHandshakes: positive,
    legacyMd5: boolean,
    onReject: checkFunction,
  },
  sisters: { key: "authKey" },
  bare: "address",
};

const BACKLOG = 128;
const MAX_HANDSHAKES = 256;
const HANDSHAKE_MS = 10_000;

/** An end that was let in. */
interface Guest {
  readonly endpoint: Endpoint;
  readonly from: TcpAddress | undefined;
}

/**
 * Takes connections from other programs, on this machine or over the network, as Python's `Listener`.
 *
 * With a key each side proves to the other that it knows it, by HMAC-SHA256 of a random challenge, before
 * any value is read; that runs beside `accept()`, so one who stays silent or fails holds up nobody. The
 * connection itself is not encrypted. CPython's `Listener` and `Client` understand each other with this
 * one (for bytes; 3.11 and earlier need `legacyMd5`).
 *
 * `T` is what its connections carry, for the compiler alone: nobody checks what the other side sends.
 *
 * A listener does not keep the program running; a pending `accept()` does.
 *
 * @example
 * await using listener = await Listener.listen<Job>({ address: { port: 6000 }, authKey: "secret" });
 * for await (const connection of listener) void serve(connection);
 * @since 0.2.0
 */
export class Listener<T = unknown> implements AsyncIterable<Connection<T>> {
  static {
    staysHere(Listener, "is a Listener, which cannot travel: send its address");
    readyAs(Listener, (listener) => {
      listener.#checkOpen();
      return {
        isReady: () => listener.#guests.isReady,
        watch: (callback) => {
          listener.#hold();
          const unwatch = listener.#guests.watch(callback);
          return () => {
            unwatch();
            listener.#release();
          };
        },
      };
    });
    inspectAs(Listener, (listener) => {
      const state = listener.closed ? "closed" : "listening";
      return `<Listener ${listener.#place.family} ${state}, ${listener.#guests.size} to accept>`;
    });
  }
  /** The context of its maker, in which it hears of what is turned away. */
  readonly #scope: AsyncScope = captureScope();

  /** Resolves once it listens; rejects with the system's error when it cannot, such as `EADDRINUSE`. */
  readonly ready: Promise<this>;
  readonly #place: Place;
  readonly #leftover: string | undefined;
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #backlog: number;
  readonly #maxBytes: number;
  readonly #handshakeTimeout: number;
  readonly #handshake: HandshakeOptions | undefined;
  readonly #pendingSockets: PendingSockets;
  readonly #guests: Inbox<Guest> = new Inbox("connection", () => 1);
  #lastAccepted: TcpAddress | undefined;
  #failure: Error | undefined;
  #closed = false;
  #holds = 0;

  /**
   * Begins to listen. `accept()` and `ready` tell when that is not possible.
   *
   * @throws TypeError or RangeError for options of the wrong kind.
   * @throws NotSupportedError when this platform has no such address.
   */
  constructor(options: ListenerOptions = {}) {
    checkOptions(options, LISTENER);
    const family = checkFamily(options.family, options.address);
    const key = checkKey(options.authKey);
    this.#options = options;
    this.#backlog = options.backlog ?? BACKLOG;
    this.#maxBytes = maxBytesOf(options.maxBytes);
    this.#handshakeTimeout = Math.max(0, options.handshakeTimeout ?? HANDSHAKE_MS);
    this.#handshake =
      key === undefined ? undefined : { key, legacyMd5: options.legacyMd5 ?? false };
    this.#pendingSockets = new PendingSockets({
      timeout: this.#handshakeTimeout,
      max: options.maxHandshakes ?? MAX_HANDSHAKES,
    });
    const { place, leftover } =
      options.address === undefined
        ? freshPlace(family)
        : { place: placeOf(options.address), leftover: undefined };
    this.#place = place;
    this.#leftover = leftover;
    if (leftover !== undefined) removeAtExit(leftover);
    this.#server = net().createServer({ noDelay: true }, (socket) => void this.#meet(socket));
    this.ready = this.#bind();
    // Who needs the listener learns of a failure from accept().
    this.ready.catch(() => {});
  }

  /** Makes a listener and waits until it listens. @throws as the constructor, or the system's error. */
  static async listen<T = unknown>(options?: ListenerOptions): Promise<Listener<T>> {
    try {
      return await new Listener<T>(options).ready;
    } catch (error) {
      // The system's are made in a callback.
      // oxlint-disable-next-line typescript/unbound-method -- never called: names the frame where the stack begins
      throw error instanceof Error ? moveToCaller(error, Listener.listen) : error;
    }
  }

  /**
   * Address for `connect()`: a path, or host and port.
   *
   * @throws InvalidStateError while a host name is being looked up (await `ready`), or when it could not listen.
   */
  get address(): Address {
    if (this.#place.family === "unix") return this.#place.path;
    const { host, port } = this.#place;
    if (port !== 0) return { host, port };
    const bound = this.#server.address() as AddressInfo | null;
    if (bound !== null) this.#bound = { host, port: bound.port };
    if (this.#bound !== undefined) return this.#bound;
    throw new InvalidStateError("The port is not known yet: await the listener's `ready` first.", {
      cause: this.#failure,
    });
  }

  #bound: TcpAddress | undefined;

  /** Host and port of the one that was accepted last; undefined before, and for Unix sockets. */
  get lastAccepted(): TcpAddress | undefined {
    return this.#lastAccepted;
  }

  /** True after `close()`. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes the next connection, in the order in which they were let in. Those who do not know the key
   * never come out here; see the option `onReject`.
   *
   * **Waiting**: until there is one; first come, first served.
   * **Cancellation**: safe; no connection is lost.
   *
   * @param options - `timeout` in milliseconds, 0 and less: looks once; `signal`.
   * @throws TimeoutError after `timeout`.
   * @throws InvalidStateError when the listener is closed, also while this waits.
   * @throws the system's error when it could not listen.
   */
  async accept<V = T>(options?: WaitOptions): Promise<Connection<V>> {
    timeoutOf(options);
    this.#checkOpen();
    const guest = this.#guests.take() ?? (await this.#wait(options));
    this.#lastAccepted = guest.from;
    guest.endpoint.resume();
    return new Connection<V>(guest.endpoint);
  }

  /**
   * Stops listening, turns away who was not accepted yet and removes the socket's file. Connections that
   * were accepted go on. A second call does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end(new InvalidStateError("The listener was closed."));
    this.#server.close();
    if (this.#leftover !== undefined) removeNow(this.#leftover);
    else if (this.#failure === undefined && isFile(this.#place)) removeNow(this.#place.path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Accepts connections until the listener is closed; begun after that it throws InvalidStateError. Leaving the loop early does not close it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection<T>, void, undefined> {
    this.#checkOpen();
    while (!this.#closed) {
      let connection: Connection<T>;
      try {
        connection = await this.accept();
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      yield connection;
    }
  }

  async #bind(): Promise<this> {
    try {
      await bind(this.#server, this.#place, this.#backlog);
    } catch (cause) {
      // A path that the user gave is none of ours, and the system's error says enough.
      const error = this.#leftover === undefined ? cause : explainFileError(cause, this.#leftover);
      this.#failure = error as Error;
      this.#end(error as Error);
      if (this.#leftover !== undefined) removeNow(this.#leftover);
      throw error;
    }
    // From here on errors concern single connections, which the kernel could not hand over.
    this.#server.on("error", (error) => this.#reject(error));
    if (this.#closed) this.#server.close();
    else if (this.#leftover === undefined && isFile(this.#place)) removeAtExit(this.#place.path);
    if (this.#holds === 0) this.#server.unref();
    return this;
  }

  async #meet(socket: Socket): Promise<void> {
    const { remoteAddress, remotePort } = socket;
    const from =
      remoteAddress === undefined || remotePort === undefined
        ? undefined
        : { host: remoteAddress, port: remotePort };
    try {
      this.#pendingSockets.add(socket);
      const endpoint = await introduce(socket, "listener", this.#maxBytes, this.#handshake).catch(
        (error: unknown) => {
          const isLate =
            this.#pendingSockets.isLate(socket) && !(error instanceof AuthenticationError);
          throw isLate ? tooSlow(this.#handshakeTimeout) : error;
        },
      );
      if (!this.#pendingSockets.release(socket)) return;
      this.#welcome({ endpoint, from });
    } catch (error) {
      this.#pendingSockets.release(socket);
      this.#reject(error as Error);
    }
  }

  #welcome(guest: Guest): void {
    if (this.#closed || this.#guests.size >= this.#backlog) {
      guest.endpoint.close();
      if (!this.#closed) {
        this.#reject(
          new InvalidStateError(`More than ${this.#backlog} connections wait to be accepted.`),
        );
      }
      return;
    }
    this.#guests.push(guest);
  }

  #reject(error: Error): void {
    const { onReject } = this.#options;
    if (!this.#closed && onReject !== undefined)
      this.#scope.runInAsyncScope(onReject, undefined, error);
  }

  async #wait(options: WaitOptions | undefined): Promise<Guest> {
    this.#hold();
    try {
      return await this.#guests.wait(options);
    } finally {
      this.#release();
    }
  }

  #end(reason: Error): void {
    this.#pendingSockets.dropAll();
    while (this.#guests.hasMessage) this.#guests.take()?.endpoint.close();
    this.#guests.end(reason);
  }

  #hold(): void {
    if (this.#holds++ === 0) this.#server.ref();
  }

  #release(): void {
    if (--this.#holds === 0) this.#server.unref();
  }

  #checkOpen(): void {
    if (this.#closed) throw new InvalidStateError("The listener is closed.");
  }
}
