import { SerializationError } from "../errors/index.ts";
import { writeBuffers } from "./buffer-table.ts";
import type { DecodeOptions, Encoded, EncodeOptions } from "./codec-types.ts";
import { readMessage } from "./decode.ts";
import { newEncoder } from "./encode.ts";
import { type EncodeState, WHOLE } from "./encode-state.ts";
import { explain } from "./explain.ts";
import { MAX_ATTACHMENTS } from "./limits.ts";
import { collectMoves, commitMoves, countMoves, endMoves } from "./moves.ts";
import { Lead } from "./tags.ts";
import { Unsendable } from "./unsendable.ts";

export type {
  DecodeOptions,
  Destination,
  Encoded,
  EncodeOptions,
  StreamPort,
} from "./codec-types.ts";
export { arePlain, isPlain, packFrame, unpackFrame } from "./frame-packer.ts";

/** Copies bytes that stand between two places. @returns false when it did not. */
export type Store = (bytes: Uint8Array, from: number, to: number) => boolean;

/** The encoder at rest; a getter or `encode` that encodes something itself finds none and makes one. */
let idle: EncodeState | undefined;

/**
 * Writes a value so that {@link decodeValue} on the other side gives an equal one.
 *
 * Travels as `structuredClone` would copy it, and besides: class and fields of errors, instances of
 * registered classes, URL and URLSearchParams, Buffers, null prototypes, and async iterables where
 * `streams` is given, and named properties of arrays. Instances of other classes arrive as plain objects of
 * their own enumerable fields, unless that would not be what they are: see `hidden-state.ts`.
 *
 * Buffers named in `transfer` are detached: for a process right here, for a thread by the `postMessage`
 * that must follow.
 *
 * @throws SerializationError naming the path to what cannot travel; nothing has happened then.
 */
export function encodeValue(value: unknown, options: EncodeOptions): Encoded;
/**
 * @param store - is offered a message that has nothing beside it, where it stands in memory that will be
 *   written again, and says whether it has taken a copy; what it throws is passed on.
 * @returns undefined when it has.
 */
export function encodeValue(
  value: unknown,
  options: EncodeOptions,
  store: Store,
): Encoded | undefined;
export function encodeValue(
  value: unknown,
  options: EncodeOptions,
  store?: Store,
): Encoded | undefined {
  const state = idle ?? newEncoder();
  idle = undefined;
  const { writer } = state;
  const outer = collectMoves(options.isForSeveral);
  let isOffered = false;
  try {
    state.begin(options);
    writer.byte(Lead.plain);
    if (options.isOwnArray === true) writeOwnArray(state, value as readonly unknown[]);
    else state.parts.write(state, value);
    if (options.maxBytes !== undefined) checkSize(state, options.maxBytes);
    if (state.buffers.length > 0) writeBuffers(state);
    if (state.moved !== undefined) finishTransfer(state);
    const { attachments, transfer } = state;
    if (store !== undefined && state.isAlone && countMoves() === 0) {
      isOffered = true;
      if (writer.offer(store)) return undefined;
      isOffered = false;
    }
    const bytes = writer.finish();
    if (state.buffers.length > 0) bytes[0] = Lead.withBuffers;
    return { bytes, attachments, transfer, moves: commitMoves() };
  } catch (error) {
    writer.abandon();
    throw isOffered ? error : explain(error, value, options);
  } finally {
    endMoves(outer);
    state.reset();
    idle = state;
  }
}

/**
 * Reads what {@link encodeValue} wrote.
 *
 * The bytes may come from anybody: only plain data, the classes of the language and registered classes
 * come out, and memory in proportion to the bytes is all that is taken. (A registered class's own
 * `decode` does what it does.)
 *
 * @param attachments - what travelled beside the bytes; taken over, not copied.
 * @param length - how many of the bytes are the message.
 * @throws SerializationError when the bytes are not such a message, or need a class that is not
 *   registered here; `cause` is what went wrong.
 */
export function decodeValue(
  bytes: Uint8Array,
  attachments: readonly unknown[] | undefined,
  options: DecodeOptions = NO_OPTIONS,
  length: number = bytes.length,
): unknown {
  try {
    return readMessage(bytes, length, attachments, options);
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new SerializationError(`A message could not be read: ${reason}.`, { cause: error });
  }
}

function writeOwnArray(state: EncodeState, value: readonly unknown[]): void {
  if (!state.refer(value)) state.parts.writeItems(state, value);
}

const NO_OPTIONS: DecodeOptions = {};

/** Refuses what is too large while nothing has been moved yet. */
function checkSize(state: EncodeState, maxBytes: number): void {
  const { buffers, options, writer } = state;
  let bytes = writer.length;
  let pieces = 0;
  for (const { buffer, from, to } of buffers) {
    const isUncounted = options.destination === "thread" && options.isAlone !== true;
    if (isUncounted || buffer instanceof SharedArrayBuffer) continue;
    bytes += to - from;
    pieces++;
  }
  if (bytes > maxBytes) {
    const what = `takes ${bytes} bytes, more than the ${maxBytes} of one message`;
    throw new Unsendable(WHOLE, `${what}: send it in parts, or put it into a file or SharedMemory`);
  }
  if (pieces > MAX_ATTACHMENTS) {
    const what = `holds ${pieces} large buffers, more than the ${MAX_ATTACHMENTS} of one message`;
    throw new Unsendable(WHOLE, `${what}: put them into fewer, or send it in parts`);
  }
}

/** Whatever else the user wanted moved goes too, as with `postMessage`. */
function finishTransfer(state: EncodeState): void {
  for (const item of state.moved ?? []) {
    if (state.options.destination === "thread") {
      if (state.transfer?.includes(item) !== true) (state.transfer ??= []).push(item);
    } else if (item instanceof ArrayBuffer && state.bufferIndex?.has(item) !== true) {
      structuredClone(item, { transfer: [item] });
    }
  }
}
