import type { Address } from "../connection/index.ts";
import { SerializationError } from "../errors/index.ts";
import { packFrame, unpackFrame } from "../wire/codec.ts";

/** The first thing a server says, so that one of another version is noticed. */
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
export const Ask = {
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
export const Answer = { value: 0, error: 1, withdrawn: 2 } as const;

/** One message: a few words, and the bytes of a value that is read apart from them. */
export interface Message {
  readonly words: readonly unknown[];
  /** A value that cannot be read fails its call, not the connection. */
  readonly value: Uint8Array;
}

/** Words are short: names of methods and kinds, pins, numbers. */
const MAX_WORDS_BYTES = 0xffff;

/** The parts of a message that go before its value. */
export function writeWords(words: readonly unknown[]): Uint8Array[] {
  const packed = packFrame(words);
  if (packed.length > MAX_WORDS_BYTES) {
    throw new SerializationError(`A name of ${packed.length} bytes is too long for a manager.`);
  }
  return [Buffer.of(packed.length >> 8, packed.length), packed];
}

/** @throws SerializationError when it is none. */
export function readMessage(message: Uint8Array): Message {
  const end = message.length < 2 ? Infinity : 2 + (message[0]! << 8) + message[1]!;
  const words = end > message.length ? undefined : unpackFrame(message.subarray(2, end));
  if (Array.isArray(words)) return { words, value: message.subarray(end) };
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
