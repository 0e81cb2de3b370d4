import { SerializationError } from "../errors/index.ts";
import { decodeValue, type Encoded, encodeValue } from "../wire/codec.ts";
import type { Move } from "../wire/moves.ts";
import { loadOwnClasses } from "../wire/own-classes.ts";
import { isChallenge, keyWanted } from "./handshake.ts";
import { MAX_MESSAGE_BYTES } from "./message-reader.ts";

/** Marks a value with large buffers beside it; what the codec writes never begins with it. */
const WITH_ATTACHMENTS = 2;

/** Bytes for the lengths of the largest number of attachments. */
const TABLE_BYTES = 1024 * 1024;

/**
 * The largest message that an end sends: what is above the usual limit is taken only by an end that was told to,
 * and both are, as a rule, by one program. Beyond it the receiver would end the connection.
 */
function sendLimit(ownLimit = 0): number {
  return Math.max(ownLimit, MAX_MESSAGE_BYTES);
}

/** @throws SerializationError when bytes are above {@link sendLimit}. */
export function checkLength(bytes: Uint8Array, ownLimit: number): void {
  const limit = sendLimit(ownLimit);
  if (bytes.length <= limit) return;
  throw new SerializationError(
    `A message of ${bytes.length} bytes is above the limit of ${limit}: send it in parts, or raise \`maxBytes\` at both ends.`,
  );
}

/** A value as the parts of one message. */
export interface ValueMessage {
  readonly parts: readonly Uint8Array[];
  readonly moves: readonly Move[] | undefined;
}

/** A message taken apart. */
export interface OpenedMessage {
  readonly bytes: Uint8Array;
  readonly attachments: readonly Uint8Array[] | undefined;
}

/**
 * @param root - what the value is called in an error.
 * @param own - `maxBytes` of this end; see {@link sendLimit}.
 * @throws SerializationError naming the path to what cannot travel.
 */
export function encodeMessage(
  value: unknown,
  root: string,
  own: { readonly maxBytes?: number | undefined } = {},
): ValueMessage {
  const encoded = encodeValue(value, {
    destination: "process",
    root,
    maxBytes: sendLimit(own.maxBytes) - TABLE_BYTES,
  });
  return { parts: messageParts(encoded), moves: encoded.moves };
}

/** The parts of a message with what was encoded. */
export function messageParts({ bytes, attachments }: Encoded): readonly Uint8Array[] {
  if (attachments === undefined) return [bytes];
  const buffers = attachments.map((item) =>
    item instanceof Uint8Array ? item : new Uint8Array(item as ArrayBuffer),
  );
  const table = Buffer.allocUnsafe(5 + 4 * (buffers.length + 1));
  table[0] = WITH_ATTACHMENTS;
  let at = table.writeUInt32BE(buffers.length, 1);
  for (const part of [bytes, ...buffers]) {
    if (part.length > 0xffffffff) {
      throw new SerializationError("value holds a buffer of more than 4 GiB: send it in parts.");
    }
    at = table.writeUInt32BE(part.length, at);
  }
  return [table, bytes, ...buffers];
}

/** @throws SerializationError when the message is not one of {@link encodeMessage}. */
export function decodeMessage(message: Uint8Array): unknown {
  if (message[0] !== WITH_ATTACHMENTS) return decodeValue(message, undefined);
  const { bytes, attachments } = openMessage(message);
  return decodeValue(bytes, attachments);
}

/** As {@link decodeMessage}, if need be after the classes of this package were loaded. */
export function decodeReceived<T>(message: Uint8Array): T | Promise<T> {
  try {
    return decodeMessage(message) as T;
  } catch (error) {
    // This end was moved before its first message came; otherwise `introduce` has seen it.
    if (isChallenge(message)) throw keyWanted();
    const loaded = loadOwnClasses(error);
    if (loaded === undefined) throw error;
    return loaded.then(() => decodeMessage(message) as T);
  }
}

/** A message in memory that nothing else shares. */
export function ownBytes(message: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = message;
  if (byteLength === buffer.byteLength) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(message);
}

/** @throws SerializationError when the message is not one of {@link messageParts}. */
export function openMessage(message: Uint8Array): OpenedMessage {
  if (message[0] !== WITH_ATTACHMENTS) return { bytes: message, attachments: undefined };
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const count = message.length < 5 ? -1 : view.getUint32(1);
  let at = 5 + 4 * (count + 1);
  if (count < 0 || at > message.length) throw broken();
  const parts: Uint8Array[] = [];
  for (let i = 0; i <= count; i++) {
    const length = view.getUint32(5 + 4 * i);
    if (length > message.length - at) throw broken();
    parts.push(message.subarray(at, at + length));
    at += length;
  }
  if (at !== message.length) throw broken();
  return { bytes: parts[0] as Uint8Array, attachments: parts.slice(1) };
}

function broken(): SerializationError {
  return new SerializationError(
    "A message could not be read: it is not a value. If the other side sends bytes, use recvBytes().",
  );
}
