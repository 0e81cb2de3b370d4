import { closeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Server, Socket } from "node:net";
import {
  EndOfStreamError,
  InvalidStateError,
  NotSupportedError,
  TimeoutError,
} from "../errors/index.ts";
import { os } from "../os/index.ts";
import { net } from "../util/builtin.ts";
import { inspectAs } from "../util/inspectable.ts";
import { outOfRange, wrongType } from "../util/argument-error.ts";
import { checkWait, waitWithin, type WaitOptions } from "../util/wait-options.ts";
import { registerOwnClass } from "../wire/class-registry.ts";
import { moves } from "../wire/moves.ts";
import { Claimer } from "./claimer.ts";
import type { AnyConnection, Connection } from "./connection.ts";
import { handoffServer, type Keeper, newHandoffToken, ownHandoffServer } from "./handoff-server.ts";
import { claimFrame, type HandoffToken, parseAnswer, parseHandoffToken } from "./handoff-token.ts";
import { callForSocket, canSendSockets } from "./send-socket.ts";
import { descriptorOf } from "./socket-transport.ts";

/** Owner of a descriptor: the number itself, a socket, a server, an open file. */
export type HasDescriptor = number | Socket | Server | Pick<FileHandle, "fd">;

const GONE = "The process that sent this descriptor is gone.";

/** A descriptor that is here, or the promise of one. */
interface Held {
  fd: number | Promise<number>;
}

/** Closes what nobody detached. */
const forgotten = new FinalizationRegistry<Held>((held) => giveUp(held.fd));

function giveUp(fd: number | Promise<number>): void {
  if (typeof fd === "number") closeSync(fd);
  else fd.then(closeSync, () => {});
}

/**
 * A duplicate of an open socket or file that can be sent to another process or thread of this machine, as
 * Python's `multiprocessing.reduction.DupFd`: as an argument, a result, in a queue or through a connection.
 *
 * It duplicates at once, so the original may be closed. Sending it **moves** it; who receives it takes the
 * descriptor out with `detach()`. The process that sent it is needed until it has arrived. Of a socket only
 * the descriptor goes, not what Node has read from it already: send it before anything reads it
 * (`pauseOnConnect: true`), and `destroy()` the original rather than `end()` it, which would end both. Linux only.
 *
 * @example
 * const server = createServer({ pauseOnConnect: true }, (socket) => {
 *   void pool.submit(serve, new DupFd(socket));
 *   socket.destroy();
 * });
 * // in the worker
 * const socket = new net.Socket({ fd: await handle.detach() });
 * @since 0.2.0
 */
export class DupFd {
  readonly #held: Held;
  #left: "detached" | "sent" | "closed" | undefined;

  static {
    registerOwnClass(
      DupFd,
      "manycore.DupFd",
      (handle) => handle.#depart(),
      (data) => DupFd.#arrive(parseHandoffToken(data)),
    );
    inspectAs(DupFd, (handle) => `<DupFd ${handle.#left ?? "open"}>`);
  }

  /**
   * @param original - what to duplicate; it stays as it is.
   * @throws NotSupportedError where descriptors cannot be sent.
   * @throws InvalidStateError when a socket or a server has no descriptor: it is closed, or not connected yet.
   * @throws TypeError when it is nothing that has one.
   * @throws the system's error, such as `EBADF`.
   */
  constructor(original: HasDescriptor) {
    if (!canSendSockets()) {
      throw new NotSupportedError("Descriptors can be sent to other processes on Linux alone.");
    }
    this.#held = { fd: original instanceof Arrival ? original.fd : os().duplicate(fdOf(original)) };
    forgotten.register(this, this.#held, this);
  }

  /**
   * Gives the descriptor out, once; it belongs to the caller, who has to close it.
   *
   * **Waiting**: until it has arrived.
   * **Cancellation**: safe; it can still be detached.
   *
   * @throws EndOfStreamError when the process that sent it ended before.
   * @throws InvalidStateError when it was detached, sent or closed.
   * @throws TimeoutError after `timeout` milliseconds.
   */
  async detach(options?: WaitOptions): Promise<number> {
    checkWait(options);
    this.#checkHere();
    const fd = await waitWithin(Promise.resolve(this.#held.fd), options, (timeout) => {
      throw new TimeoutError(`The descriptor did not arrive within ${timeout} ms.`);
    });
    this.#checkHere();
    this.#leave("detached");
    return fd;
  }

  /** Closes the duplicate unless it was detached or sent. A second call does nothing. */
  close(): void {
    if (this.#left !== undefined) return;
    this.#leave("closed");
    giveUp(this.#held.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #leave(how: "detached" | "sent" | "closed"): void {
    this.#left = how;
    forgotten.unregister(this);
  }

  #checkHere(): void {
    if (this.#left !== undefined) throw new InvalidStateError(`The descriptor was ${this.#left}.`);
  }

  #depart(): HandoffToken {
    this.#checkHere();
    const { fd } = this.#held;
    if (typeof fd !== "number") {
      throw new InvalidStateError("is on its way here itself: await its detach(), and send that");
    }
    const token = newHandoffToken();
    moves({
      commit: () => {
        this.#leave("sent");
        handoffServer().register(token.secret, new DescriptorKeeper(fd));
      },
      lost: () => {
        if (this.#left === "sent") handoffServer().lose(token.secret, GONE);
      },
    });
    return token;
  }

  static #arrive(token: HandoffToken): DupFd {
    const keeper = ownHandoffServer(token.address)?.fetch(token.secret);
    const fd = keeper instanceof DescriptorKeeper ? keeper.take() : claim(token);
    // Who detaches it learns of a failure.
    if (typeof fd !== "number") fd.catch(() => {});
    return new DupFd(new Arrival(fd) as unknown as HasDescriptor);
  }
}

/** Tells the constructor that there is nothing to duplicate. */
class Arrival {
  readonly fd: number | Promise<number>;

  constructor(fd: number | Promise<number>) {
    this.fd = fd;
  }
}

/** Keeps a descriptor for the one who claims it. */
class DescriptorKeeper implements Keeper {
  readonly endpoint = undefined;
  #fd: number | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Gives it to a thread of this process. */
  take(): number {
    const fd = this.#fd as number;
    this.#fd = undefined;
    return fd;
  }

  /** Tells the claimer to call a second time, from a socket that Node does not read: it comes that way. */
  onClaim(claimer: Claimer): void {
    claimer.transport.ref();
    const token = newHandoffToken();
    handoffServer().register(token.secret, {
      endpoint: undefined,
      onClaim: (taker) => {
        if (this.#fd !== undefined) os().mail?.send(descriptorOf(taker.transport.socket), this.#fd);
        this.onLost();
        taker.transport.end();
        claimer.transport.end();
      },
      onLost: () => this.onLost(),
    });
    void claimer.gone.then(() => {
      // No effect when it has called.
      handoffServer().fetch(token.secret)?.onLost(new EndOfStreamError(GONE));
      claimer.transport.destroy();
    });
    claimer.send({ kind: "take", token });
  }

  onLost(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Fetches a descriptor from where it waits. @throws EndOfStreamError when nobody has it. */
async function claim(token: HandoffToken): Promise<number> {
  const line = new Claimer(net().connect({ path: token.address, allowHalfOpen: true }));
  try {
    line.transport.start();
    // Whoever detaches it waits for this.
    line.transport.ref();
    line.transport.write([claimFrame(token)]);
    const answer = parseAnswer(await line.receive(), token);
    if (answer.kind !== "take") throw new EndOfStreamError("A connection is kept there.");
    const call = callForSocket(answer.token);
    await line.gone;
    const fd = call.take();
    if (fd === undefined) throw new EndOfStreamError(GONE);
    return fd;
  } catch (error) {
    throw error instanceof EndOfStreamError ? new EndOfStreamError(GONE, { cause: error }) : error;
  } finally {
    line.transport.destroy();
  }
}

function fdOf(original: unknown): number {
  const expected = "a descriptor, a socket, a server or a FileHandle";
  if (typeof original === "number") {
    if (Number.isInteger(original) && original >= 0 && original < 2 ** 31) return original;
    throw outOfRange("original", expected, original);
  }
  if (typeof original !== "object" || original === null) {
    throw wrongType("original", expected, original);
  }
  const { fd } = original as { fd?: unknown };
  if (typeof fd === "number" && fd >= 0) return fd;
  if (!("_handle" in original)) throw wrongType("original", expected, original);
  const found = descriptorOf(original as unknown as Socket);
  if (found >= 0) return found;
  throw new InvalidStateError(
    "It has no descriptor: it is closed, or not connected or listening yet.",
  );
}

/** Sends a duplicate of a descriptor through a connection, as Python's `multiprocessing.reduction.send_handle`. */
export async function sendHandle(
  connection: AnyConnection,
  original: HasDescriptor,
  options?: WaitOptions,
): Promise<void> {
  checkConnection(connection);
  checkWait(options);
  const handle = new DupFd(original);
  try {
    await (connection as Connection<DupFd>).send(handle, options);
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** Not by its class: the caller may have another copy of this package. */
function checkConnection(connection: unknown): void {
  const { send, recv } = Object(connection) as Partial<Connection>;
  if (typeof send !== "function" || typeof recv !== "function") {
    throw wrongType("connection", "a Connection", connection);
  }
}

/**
 * Receives what {@link sendHandle} sent, as Python's `multiprocessing.reduction.recv_handle`.
 *
 * @returns the descriptor, which belongs to the caller: `new net.Socket({ fd })`, or `fs` functions.
 * @throws TypeError when the next message is something else; it is consumed.
 */
export async function recvHandle(
  connection: AnyConnection,
  options?: WaitOptions,
): Promise<number> {
  checkConnection(connection);
  checkWait(options);
  const received: unknown = await connection.recv(options);
  // Not by its class: the codec and the caller may have copies of this package of their own.
  const { detach } = (received ?? {}) as Partial<DupFd>;
  if (typeof detach === "function") return detach.call(received, options);
  throw new TypeError(
    "Expected the next message to be a descriptor: it was sent by something else than sendHandle().",
  );
}
