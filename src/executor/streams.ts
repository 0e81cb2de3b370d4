import { EndOfStreamError, InvalidStateError } from "../errors/index.ts";
import { type AsyncScope, captureScope } from "../util/async-scope.ts";
import { deferred, type Deferred } from "../util/deferred.ts";
import { StreamReader } from "./stream-reader.ts";
import { decodeValue, encodeValue, type Destination, type StreamPort } from "../wire/codec.ts";
import { decodeThrown, encodeThrown } from "../wire/error-codec.ts";
import { maxValueBytes } from "../wire/limits.ts";
import type { Channel } from "../wire/index.ts";
import { MessageKind } from "./protocol.ts";
import { transferListOf } from "./transfer.ts";

type Kind = "iterable" | "readable";

/** A source that the other side can read: opened by the first demand. */
export type StreamSource = AsyncIterable<unknown> | Iterable<unknown> | ReadableStream<unknown>;

/**
 * A stream among the arguments of a task. What it has given away is gone, whichever worker got it and
 * whatever became of that: so it is the task that remembers it, not the channel of one worker.
 */
export interface ArgumentStream {
  readonly id: number;
  readonly source: StreamSource;
  /** The context of the call, in which it is read. */
  readonly scope: AsyncScope;
  /** Somebody has begun to read it. */
  isOpened: boolean;
}

interface Source {
  readonly source: StreamSource;
  /** Told before its first item is taken. */
  readonly argument: ArgumentStream | undefined;
  /** The context of the call that gave it. */
  readonly scope: AsyncScope;
  iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  credit: number;
  pumping: boolean;
  readonly finished: Deferred<void>;
}

/**
 * The streams of one channel: async iterables that are arguments or results stay where they are and
 * are read from the other side, item by item.
 *
 * The reader grants credit (`pull`), the source sends at most that many items; so neither side holds
 * more than a window, however slow the other is. Each side numbers its own sources: `pull` and `stop`
 * speak of the receiver's, `item`, `end` and `streamError` of the sender's.
 */
export class StreamHub implements StreamPort {
  readonly #channel: Channel;
  readonly #destination: Destination;
  readonly #sources: Map<number, Source> = new Map();
  readonly #readers: Map<number, StreamReader> = new Map();
  #nextId = 1;
  #gone: Error | undefined;

  constructor(channel: Channel, destination: Destination) {
    this.#channel = channel;
    this.#destination = destination;
  }

  exportStream(source: StreamSource): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#add(id, source, undefined);
    return id;
  }

  /** Offers a stream of a task's arguments, whose id is unique on this side. */
  offer(argument: ArgumentStream): void {
    this.#add(argument.id, argument.source, argument);
  }

  #add(id: number, source: StreamSource, argument: ArgumentStream | undefined): void {
    this.#sources.set(id, {
      source,
      argument,
      scope: argument?.scope ?? captureScope(),
      iterator: undefined,
      credit: 0,
      pumping: false,
      finished: deferred(),
    });
  }

  /**
   * Takes a source back that the other side will not read, or not on.
   *
   * @param reason - for whoever still reads it there: the stream ends with this error.
   */
  withdraw(id: number, reason?: { readonly error: unknown }): void {
    const source = this.#sources.get(id);
    if (source === undefined) return;
    if (reason !== undefined) this.#sendError(id, reason.error);
    void this.#release(id, source);
  }

  /** Settles when the source is exhausted, failed, or not wanted any more. */
  finished(id: number): Promise<void> {
    return this.#sources.get(id)?.finished.promise ?? Promise.resolve();
  }

  importStream(id: number, kind: Kind): AsyncIterable<unknown> | ReadableStream<unknown> {
    const reader = new StreamReader({
      pull: (count) => this.#channel.send([MessageKind.pull, id, count]),
      stop: () => {
        this.#readers.delete(id);
        this.#channel.send([MessageKind.stop, id]);
      },
    });
    this.#readers.set(id, reader);
    if (this.#gone !== undefined) this.#conclude(id, { error: this.#gone });
    if (kind === "iterable") return reader;
    return new ReadableStream<unknown>(
      {
        pull: async (controller) => {
          const { done, value } = await reader.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: async () => {
          await reader.return();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Takes one of the stream messages. @returns false when the frame is another kind. */
  accept(frame: readonly unknown[], attachments: unknown[] | undefined): boolean {
    const [kind, id, payload] = frame as [number, number, unknown];
    const source = this.#sources.get(id);
    switch (kind) {
      case MessageKind.pull:
        if (source !== undefined) {
          source.credit += payload as number;
          source.scope.runInAsyncScope(() => void this.#pump(id, source));
        }
        return true;
      case MessageKind.stop:
        if (source !== undefined) void this.#release(id, source);
        return true;
      case MessageKind.item:
        this.#receive(id, payload as Uint8Array, attachments);
        return true;
      case MessageKind.end:
        this.#conclude(id, undefined);
        return true;
      case MessageKind.streamError:
        if (this.#readers.has(id)) {
          const error = decodeThrown(payload as Uint8Array, attachments, { streams: this });
          this.#conclude(id, { error });
        }
        return true;
      default:
        return false;
    }
  }

  /** The other side is gone: readers here fail with `error`, sources here are released. */
  fail(error: Error): void {
    this.#gone = error;
    for (const id of this.#readers.keys()) this.#conclude(id, { error });
    for (const [id, source] of this.#sources) void this.#release(id, source);
  }

  /** Ends a stream that is read here: its reader fails with `error`, its source is told to stop. */
  abort(id: number, error: unknown): void {
    if (!this.#readers.has(id)) return;
    this.#channel.send([MessageKind.stop, id]);
    this.#conclude(id, { error });
  }

  #receive(id: number, bytes: Uint8Array, attachments: unknown[] | undefined): void {
    const reader = this.#readers.get(id);
    if (reader === undefined) return;
    try {
      reader.push(decodeValue(bytes, attachments, { streams: this }));
    } catch (error) {
      this.abort(id, error);
    }
  }

  #conclude(id: number, failure: { readonly error: unknown } | undefined): void {
    const reader = this.#readers.get(id);
    this.#readers.delete(id);
    reader?.end(failure);
  }

  async #pump(id: number, source: Source): Promise<void> {
    if (source.pumping) return;
    source.pumping = true;
    try {
      while (source.credit > 0 && this.#sources.has(id)) {
        source.credit--;
        if (source.iterator === undefined) {
          if (source.argument !== undefined) source.argument.isOpened = true;
          source.iterator = openSource(source.source);
        }
        const { done, value } = await source.iterator.next();
        if (!this.#sources.has(id)) return;
        if (done === true) {
          this.#sources.delete(id);
          this.#channel.send([MessageKind.end, id]);
          source.finished.resolve();
          return;
        }
        const item = encodeValue(value, {
          destination: this.#destination,
          root: "item",
          maxBytes: maxValueBytes(this.#destination),
          transfer: transferListOf(value),
          streams: this,
        });
        this.#channel.send([MessageKind.item, id, item.bytes], item.attachments, item.transfer);
      }
    } catch (error) {
      if (this.#sources.has(id)) this.#sendError(id, error);
      await this.#release(id, source);
    } finally {
      source.pumping = false;
    }
  }

  #sendError(id: number, error: unknown): void {
    const thrown = encodeThrown(error, { destination: this.#destination, root: "error" });
    this.#channel.send(
      [MessageKind.streamError, id, thrown.bytes],
      thrown.attachments,
      thrown.transfer,
    );
  }

  async #release(id: number, source: Source): Promise<void> {
    if (!this.#sources.delete(id)) return;
    try {
      await source.scope.runInAsyncScope(() => source.iterator?.return?.());
    } catch (error) {
      // The reader has left; only the program's own handler can hear of a clean-up that fails.
      process.emitWarning(error instanceof Error ? error : String(error));
    } finally {
      source.finished.resolve();
    }
  }
}

/** Sources that can be read once, and are being read or were. */
const spent: WeakSet<object> = new WeakSet();

/**
 * Begins to read a source.
 *
 * @throws InvalidStateError when it can be read once and was begun before: a second reader would get
 *   the rest, or nothing, and take that for the whole.
 */
export function openSource(source: StreamSource): AsyncIterator<unknown> | Iterator<unknown> {
  if (spent.has(source)) {
    throw new InvalidStateError(
      "The stream was given to another task or reader before, which has begun to read it, and it can be read once. " +
        "Make one for each, or give an object whose [Symbol.asyncIterator]() makes a new iterator each time.",
    );
  }
  const iterator =
    Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : (source as Iterable<unknown>)[Symbol.iterator]();
  if ((iterator as unknown) === source || isStream(source)) spent.add(source);
  return iterator;
}

/** A stream of the platform or of Node: each iterator of it goes on where the last one stopped. */
function isStream(source: object): boolean {
  return "getReader" in source || ("pipe" in source && "read" in source);
}

/** The error of readers whose other side went away for no named reason. */
export function streamClosedError(): EndOfStreamError {
  return new EndOfStreamError("The worker that produced this stream is gone.");
}
