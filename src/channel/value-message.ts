import { SerializationError } from "../errors/index.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import type { Move } from "../wire/moves.ts";

/** Marks a value with large buffers beside it; what the codec writes never begins with it. */
const WITH_ATTACHMENTS = 2;

/** A value as the parts of one message. */
export interface ValueMessage {
  readonly parts: readonly Uint8Array[];
  readonly moves: readonly Move[] | undefined;
}

/** @throws {@link SerializationError} naming the path to what cannot travel. */
export function encodeMessage(value: unknown): ValueMessage {
  const { bytes, attachments, moves } = encodeValue(value, {
    destination: "process",
    root: "value",
  });
  if (attachments === undefined) return { parts: [bytes], moves };
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
  return { parts: [table, bytes, ...buffers], moves };
}

/** @throws {@link SerializationError} when the message is not one of {@link encodeMessage}. */
export function decodeMessage(message: Uint8Array): unknown {
  if (message[0] !== WITH_ATTACHMENTS) return decodeValue(message, undefined);
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
  return decodeValue(parts[0] as Uint8Array, parts.slice(1));
}

function broken(): SerializationError {
  return new SerializationError(
    "A message could not be read: it is not a value. If the other side sends bytes, use recvBytes().",
  );
}
