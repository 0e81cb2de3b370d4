import type { Address } from "../connection/index.ts";
import { SerializationError } from "../errors/index.ts";
import { packFrame, unpackFrame } from "../wire/codec.ts";

/** First part of a server's first message: a server of another version is noticed by it. */
export const HELLO = "manycore-manager-2";

/**
 * Requests of a client: the header of a {@link Message}; `…` stands for its value.
 *
 * - `call`: id, object, method, timeout, flow … arguments
 * - `create`: id, kind … arguments
 * - `retain`: object, pinId
 * - `release`, `pin` (object, pinId), `unpin` (pinId): not answered
 * - `cancel`: id of a call
 * - `count`: id
 */
export const RequestKind = {
  call: 0,
  create: 1,
  retain: 2,
  release: 3,
  pin: 4,
  unpin: 5,
  cancel: 6,
  count: 7,
} as const;

/** Answer to a call: status, id … its result or error. */
export const AnswerStatus = { value: 0, error: 1, withdrawn: 2 } as const;

/** One message: a header, and the bytes of a value that is read apart from it. */
export interface Message {
  readonly header: readonly unknown[];
  /** A value that cannot be read fails its call, not the connection. */
  readonly value: Uint8Array;
}

/** Limit of a header: names of methods and kinds, pins, numbers. */
const MAX_HEADER_BYTES = 0xffff;

/** The parts of a message before its value. */
export function writeHeader(header: readonly unknown[]): Uint8Array[] {
  const packed = packFrame(header);
  if (packed.length > MAX_HEADER_BYTES) {
    throw new SerializationError(`A name of ${packed.length} bytes is too long for a manager.`);
  }
  return [Buffer.of(packed.length >> 8, packed.length), packed];
}

/** @throws SerializationError when it is none. */
export function readMessage(message: Uint8Array): Message {
  const end = message.length < 2 ? Infinity : 2 + (message[0]! << 8) + message[1]!;
  const header = end > message.length ? undefined : unpackFrame(message.subarray(2, end));
  if (Array.isArray(header)) return { header, value: message.subarray(end) };
  throw new SerializationError("What arrived is no message of a manager.");
}

/** A proxy inside a message. */
export interface Token {
  /** Which server, wherever it listens. */
  readonly server: string;
  readonly address: Address;
  /** The server's key, sealed with that of this family of processes; null: it is that key itself. */
  readonly key: Uint8Array | null;
  readonly id: number;
  readonly kind: string;
  /** Methods of an own class; empty for what the package itself knows. */
  readonly methods: readonly string[];
  /** Holds the object until the receiver has its own reference. */
  readonly pinId: string;
}
