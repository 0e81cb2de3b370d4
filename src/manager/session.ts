import type { Connection } from "../channel/index.ts";
import { EndOfStreamError, InvalidStateError } from "../errors/index.ts";
import { isThenable } from "../util/thenable.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import { encodeThrown } from "../wire/error-codec.ts";
import { loseMoves } from "../wire/moves.ts";
import { withOwnClasses } from "../wire/own-classes.ts";
import { Call, type CallEnd } from "./call.ts";
import { Outgoing } from "./outgoing.ts";
import { Answer, Ask, HELLO } from "./protocol.ts";
import type { Holder } from "./referents.ts";
import type { ManagerServer } from "./server.ts";

/** How many calls of one client may wait at a time. */
const MAX_CALLS = 65_536;
/** With this many bytes of answers that a client does not take, nothing more of it is read. */
const MAX_UNSENT_BYTES = 16 << 20;

/** One client of a server. */
export class Session implements Holder {
  readonly id: number;
  readonly refs: Map<number, number> = new Map();
  /** Holds what this client has sent to others; see {@link ManagerServer.sessionEnded}. */
  readonly sent: Holder = { refs: new Map() };
  readonly #server: ManagerServer;
  readonly #connection: Connection<unknown[]>;
  readonly #calls = new Map<number, Call>();
  #unsent = 0;
  #lastSend: Promise<void> = Promise.resolve();
  /** Answers of this turn: those to calls that came together go out in one write. */
  #answers: (() => void)[] = [];

  constructor(server: ManagerServer, connection: Connection<unknown[]>, id: number) {
    this.#server = server;
    this.#connection = connection;
    this.id = id;
  }

  /** Serves the client until it is gone. */
  async run(): Promise<void> {
    try {
      await this.#connection.send([HELLO, this.#server.server]);
      for (;;) {
        const frame: unknown = await this.#connection.recv();
        // One that says what is no question is none of ours: the rest of it is not read.
        if (!Array.isArray(frame) || !(await this.#hear(frame as unknown[]))) break;
        if (this.#unsent > MAX_UNSENT_BYTES) await this.#lastSend;
      }
    } catch {
      // Its end, in whatever way, is the end of the session.
    }
    this.#connection.close();
    for (const call of this.#calls.values()) call.end("gone");
    this.#server.sessionEnded(this);
  }

  /** Ends it from here; answers that were given still go out. */
  end(): void {
    this.#flush();
    this.#connection.close();
  }

  /** @returns false when it makes no sense. */
  async #hear(frame: unknown[]): Promise<boolean> {
    const [ask, id, ...rest] = frame;
    const { referents } = this.#server;
    if (typeof id === "string" && ask === Ask.unpin) {
      referents.unpin(id);
      return true;
    }
    if (!Number.isSafeInteger(id)) return false;
    const number = id as number;
    switch (ask) {
      case Ask.call:
        return this.#call(number, rest);
      case Ask.create:
        return this.#create(number, rest);
      case Ask.cancel:
        this.#calls.get(number)?.end("cancelled");
        return true;
      case Ask.retain:
        if (typeof rest[0] !== "string") return false;
        referents.retain(this, number, rest[0]);
        return true;
      case Ask.release:
        referents.release(this, number);
        return true;
      case Ask.pin:
        if (typeof rest[0] !== "string") return false;
        // Only who has a reference can pass it on.
        if (this.refs.has(number)) referents.pin(number, rest[0], this.sent);
        return true;
      case Ask.count:
        this.#succeed(number, referents.size);
        return true;
      default:
        return false;
    }
  }

  async #call(id: number, rest: unknown[]): Promise<boolean> {
    const [object, method, bytes, attachments, timeout, flow] = rest;
    if (
      typeof object !== "number" ||
      typeof method !== "string" ||
      typeof timeout !== "number" ||
      typeof flow !== "number"
    ) {
      return false;
    }
    const call = new Call(this.id, flow, timeout);
    return this.#answer(id, call, bytes, attachments, (args) => {
      const referent = this.#server.referents.held(this, object);
      return this.#server.invoke(referent, call, method, args);
    });
  }

  async #create(id: number, [kind, bytes, attachments]: unknown[]): Promise<boolean> {
    if (typeof kind !== "string") return false;
    const call = new Call(this.id, 0, Infinity);
    return this.#answer(id, call, bytes, attachments, (args) => this.#server.make(kind, args));
  }

  /** Answers one question; only reading its arguments holds up those behind it. */
  async #answer(
    id: number,
    call: Call,
    bytes: unknown,
    attachments: unknown,
    work: (args: unknown[]) => unknown,
  ): Promise<boolean> {
    const extra = attachments ?? undefined;
    if (!(bytes instanceof Uint8Array) || (extra !== undefined && !Array.isArray(extra))) {
      return false;
    }
    if (this.#calls.has(id)) return false;
    let result: unknown;
    try {
      if (this.#calls.size >= MAX_CALLS) {
        throw new InvalidStateError(`More than ${MAX_CALLS} calls of this client wait already.`);
      }
      const args = await readArguments(bytes, extra);
      result = work(args);
    } catch (error) {
      this.#fail(id, call, error);
      return true;
    }
    if (isThenable(result)) {
      this.#calls.set(id, call);
      result.then(
        (value) => this.#succeed(id, value),
        (error: unknown) => this.#fail(id, call, error),
      );
    } else this.#succeed(id, result);
    return true;
  }

  #succeed(id: number, value: unknown): void {
    this.#calls.delete(id);
    let encoded;
    this.#server.receiver = this;
    try {
      encoded = encodeValue(value, { destination: "process", root: "result" });
    } catch (error) {
      this.#settleGranted(value);
      this.#fail(id, undefined, error);
      return;
    } finally {
      this.#server.receiver = undefined;
    }
    const { bytes, attachments, moves } = encoded;
    this.#send([id, Answer.value, bytes, attachments ?? null], bytes.length, () => {
      loseMoves(moves);
      this.#settleGranted(value);
    });
  }

  #fail(id: number, call: Call | undefined, error: unknown): void {
    this.#calls.delete(id);
    const ended: CallEnd | undefined = call?.ended;
    if (ended !== undefined) {
      this.#send([id, Answer.withdrawn], 0);
      return;
    }
    const { bytes, attachments } = encodeThrown(error, { destination: "process", root: "error" });
    this.#send([id, Answer.error, bytes, attachments ?? null], bytes.length);
  }

  /** An object that was made for nobody goes again. */
  #settleGranted(value: unknown): void {
    if (value instanceof Outgoing) this.#server.referents.settle(value.referent);
  }

  #send(frame: unknown[], bytes: number, onLost: () => void = () => {}): void {
    this.#unsent += bytes;
    // After the microtasks, in which everything that has been read is answered.
    if (this.#answers.length === 0) process.nextTick(() => this.#flush());
    this.#answers.push(() => {
      this.#lastSend = this.#connection.send(frame).then(
        () => {
          this.#unsent -= bytes;
        },
        (error: unknown) => {
          // The client is gone, which ends the session by itself.
          onLost();
          if (!(error instanceof EndOfStreamError)) this.#connection.close();
        },
      );
    });
  }

  #flush(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const send of answers) send();
  }
}

async function readArguments(
  bytes: Uint8Array,
  attachments: unknown[] | undefined,
): Promise<unknown[]> {
  const args = await withOwnClasses(() => decodeValue(bytes, attachments));
  if (Array.isArray(args)) return args as unknown[];
  throw new TypeError("Expected arguments to be a list");
}
