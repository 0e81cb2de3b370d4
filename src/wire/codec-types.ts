import type { Move } from "./moves.ts";

/** The destination of a value: what may travel, and how, depends on it. */
export type Destination = "process" | "thread";

/** Turns async iterables into stream ids and back; each channel has its own. */
export interface StreamPort {
  exportStream(
    source: AsyncIterable<unknown> | ReadableStream<unknown>,
    kind: "iterable" | "readable",
  ): number;
  importStream(
    id: number,
    kind: "iterable" | "readable",
  ): AsyncIterable<unknown> | ReadableStream<unknown>;
}

/** Options of `encodeValue`. */
export interface EncodeOptions {
  readonly destination: Destination;
  /** Name of the value in messages: `args`, `result`, `error`, `progress`. Paths read `args[0].callback`. */
  readonly root: string;
  /** Objects that are moved instead of copied (ArrayBuffer, MessagePort, …): the user's `transfer` option. */
  readonly transfer?: readonly unknown[] | undefined;
  /**
   * Gives memory of at least that many bytes for the copy of a large buffer, which the caller may use again
   * when the message has been read. Without it the copy is made for the receiver to keep.
   */
  readonly lend?: ((bytes: number) => ArrayBufferLike) | undefined;
  /**
   * For processes: large buffers are not copied, since the caller sends the message before anything else
   * happens, and a channel has copied what it was sent when `send` returns.
   */
  readonly isSentAtOnce?: boolean | undefined;
  /** Carries async iterables; without it they cannot travel. */
  readonly streams?: StreamPort | undefined;
  /** More than this is refused; see `limits.ts`. Default: no limit but that of the one who sends it. */
  readonly maxBytes?: number | undefined;
  /** The value is an array that the caller has made, so it has no named properties: they are not looked for. */
  readonly isOwnArray?: boolean | undefined;
  /** Nothing travels beside the bytes: large buffers are among them. */
  readonly isAlone?: boolean | undefined;
  /** Several will read it, each for itself: what can be given away once is refused, and this says why. */
  readonly isForSeveral?: string | undefined;
}

/** Options of `decodeValue`. */
export interface DecodeOptions {
  readonly streams?: StreamPort | undefined;
}

/** A value on its way. */
export interface Encoded {
  /** Owned by the caller, never written again. */
  readonly bytes: Uint8Array;
  /** Values that travel beside the bytes, referenced by index. */
  readonly attachments: unknown[] | undefined;
  /** Attachments that `postMessage` is to move; only for threads. */
  readonly transfer: unknown[] | undefined;
  /** Objects that were given away with it; to be given up when it will not be read. */
  readonly moves?: readonly Move[] | undefined;
}
