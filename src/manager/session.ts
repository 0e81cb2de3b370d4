import { DirectLine } from "../connection/direct.ts";
import type { AnyConnection } from "../connection/connection.ts";
import { decodeMessage, encodeMessage, messageParts } from "../connection/value-message.ts";
import { InvalidStateError } from "../errors/index.ts";
import { isThenable } from "../util/thenable.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { explainUnregistered } from "../wire/unregistered.ts";
import { loseMoves } from "../wire/moves.ts";
import { loadOwnClasses } from "../wire/own-classes.ts";
import { Call, type CallEnd } from "./call.ts";
import { Outgoing } from "./outgoing.ts";
import { AnswerStatus, RequestKind, HELLO, readMessage, writeHeader } from "./protocol.ts";
import type { Holder } from "./ref-table.ts";
import type { ManagerServer } from "./server.ts";

/** Limit of the calls of one client that wait at a time. */
const MAX_CALLS = 65_536;
/** Limit of bytes of answers that a client does not take; nothing more of it is read then. */
const MAX_UNSENT_BYTES = 16 << 20;

/** One client of a server. */
export class Session implements Holder {
  readonly id: number;
  readonly refs: Map<number, number> = new Map();
  /** Holds what this client has sent to others; see {@link ManagerServer.sessionEnded}. */
  readonly sent: Holder = { refs: new Map() };
  readonly #server: ManagerServer;
  readonly #line: DirectLine;
  readonly #calls = new Map<number, Call>();
  /** Messages to be read later: behind one whose classes are being loaded, or of a client that takes no answers. */
  #late: Uint8Array[] | undefined;
  #isEnded = false;

  constructor(server: ManagerServer, connection: AnyConnection, id: number) {
    this.#server = server;
    this.id = id;
    this.#line = new DirectLine(connection);
    this.#line.keepOpen(true);
    this.#line.post(encodeMessage([HELLO, server.server], "hello").parts);
  }

  /** Serves the client until it is gone. */
  start(): void {
    this.#line.start({
      onMessage: (message) => this.#receive(message),
      onEnd: () => this.#leave(),
    });
  }

  /** Ends it from here; answers that were given still go out. */
  end(): void {
    this.#line.close();
  }

  #leave(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#line.close();
    for (const call of this.#calls.values()) call.end("gone");
    this.#server.sessionEnded(this);
  }

  #receive(message: Uint8Array): void {
    if (this.#isEnded) return;
    if (this.#late !== undefined) {
      this.#late.push(message);
      return;
    }
    try {
      const loading = this.#onMessage(message);
      if (loading !== undefined) {
        this.#line.pause();
        this.#goOnAfter(loading.then(() => this.#onMessage(message)));
      } else if (this.#line.unsentBytes > MAX_UNSENT_BYTES) {
        this.#goOnAfter(this.#line.pausedUntilSent());
      } else this.#line.spin();
    } catch {
      // It sent something that is no request: the rest of it is not read.
      this.#leave();
    }
  }

  /** Keeps what comes for later. */
  #goOnAfter(reason: Promise<unknown>): void {
    this.#late = [];
    reason.then(
      () => {
        const late = this.#late ?? [];
        this.#late = undefined;
        this.#line.resume();
        for (const message of late) this.#receive(message);
      },
      () => this.#leave(),
    );
  }

  /**
   * @returns a promise when it is to be taken again after it.
   * @throws when it makes no sense.
   */
  #onMessage(message: Uint8Array): Promise<unknown> | undefined {
    const { header, value } = readMessage(message);
    const [kind, id, ...rest] = header;
    const { refTable } = this.#server;
    if (kind === RequestKind.unpin) {
      refTable.unpin(text(id));
      return undefined;
    }
    const number = integer(id);
    switch (kind) {
      case RequestKind.call:
        return this.#call(number, rest, value);
      case RequestKind.create:
        return this.#create(number, text(rest[0]), value);
      case RequestKind.cancel:
        this.#calls.get(number)?.end("cancelled");
        break;
      case RequestKind.retain:
        refTable.retain(this, number, text(rest[0]));
        break;
      case RequestKind.release:
        refTable.release(this, number);
        break;
      case RequestKind.pin: {
        const pinId = text(rest[0]);
        // Only who has a reference can pass it on.
        if (this.refs.has(number)) refTable.pin(number, pinId, this.sent);
        break;
      }
      case RequestKind.count:
        this.#succeed(number, refTable.size);
        break;
      default:
        throw new TypeError("Expected a request");
    }
    return undefined;
  }

  #call(id: number, rest: readonly unknown[], value: Uint8Array): Promise<unknown> | undefined {
    const [object, method, timeout, flow] = rest;
    const name = text(method);
    if (typeof object !== "number" || typeof timeout !== "number" || typeof flow !== "number") {
      throw new TypeError("Expected a call");
    }
    const call = new Call(this.id, flow, timeout);
    return this.#answer(id, call, value, (args) => {
      const entry = this.#server.refTable.held(this, object);
      return this.#server.invoke(entry, call, name, args);
    });
  }

  #create(id: number, kind: string, value: Uint8Array): Promise<unknown> | undefined {
    const call = new Call(this.id, 0, Infinity);
    return this.#answer(id, call, value, (args) => this.#server.make(kind, args));
  }

  /** Answers one request. @returns a promise when it is to be taken again after it. */
  #answer(
    id: number,
    call: Call,
    value: Uint8Array,
    work: (args: unknown[]) => unknown,
  ): Promise<unknown> | undefined {
    if (this.#calls.has(id)) throw new TypeError("Expected another id");
    let args: unknown[];
    try {
      args = readArguments(value);
    } catch (error) {
      const loading = loadOwnClasses(error);
      if (loading === undefined) this.#fail(id, call, error);
      return loading;
    }
    let result: unknown;
    try {
      if (this.#calls.size >= MAX_CALLS) {
        throw new InvalidStateError(`More than ${MAX_CALLS} calls of this client wait already.`);
      }
      result = work(args);
    } catch (error) {
      explainUnregistered(error, { args });
      this.#fail(id, call, error);
      return undefined;
    }
    if (isThenable(result)) {
      this.#calls.set(id, call);
      result.then(
        (outcome) => this.#succeed(id, outcome),
        (error: unknown) => {
          explainUnregistered(error, { args });
          this.#fail(id, call, error);
        },
      );
    } else this.#succeed(id, result);
    return undefined;
  }

  #succeed(id: number, value: unknown): void {
    this.#calls.delete(id);
    let encoded;
    this.#server.receiver = this;
    try {
      encoded = encodeMessage(value, "result", this.#server);
    } catch (error) {
      this.#settleGranted(value);
      this.#fail(id, undefined, error);
      return;
    } finally {
      this.#server.receiver = undefined;
    }
    const { parts, moves } = encoded;
    const isGiven = moves !== undefined || value instanceof Outgoing;
    const onLost = (): void => {
      loseMoves(moves);
      this.#settleGranted(value);
    };
    this.#post(AnswerStatus.value, id, parts, isGiven ? onLost : undefined);
  }

  #fail(id: number, call: Call | undefined, error: unknown): void {
    this.#calls.delete(id);
    const ended: CallEnd | undefined = call?.ended;
    if (ended !== undefined) this.#post(AnswerStatus.withdrawn, id, []);
    else {
      const thrown = encodeThrown(error, { destination: "process", root: "error" });
      this.#post(AnswerStatus.error, id, messageParts(thrown));
    }
  }

  #post(status: number, id: number, value: readonly Uint8Array[], onLost?: () => void): void {
    if (this.#isEnded) onLost?.();
    else this.#line.post([...writeHeader([status, id]), ...value], onLost);
  }

  /** An object that was made for nobody goes again. */
  #settleGranted(value: unknown): void {
    if (value instanceof Outgoing) this.#server.refTable.settle(value.entry);
  }
}

function readArguments(value: Uint8Array): unknown[] {
  const args = decodeMessage(value);
  if (Array.isArray(args)) return args as unknown[];
  throw new TypeError("Expected arguments to be a list");
}

function text(word: unknown): string {
  if (typeof word === "string") return word;
  throw new TypeError("Expected text");
}

function integer(word: unknown): number {
  if (Number.isSafeInteger(word)) return word as number;
  throw new TypeError("Expected an integer");
}
