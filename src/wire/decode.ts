import { ByteReader, malformed } from "./byte-reader.ts";
import type { DecodeOptions } from "./codec-types.ts";
import { readBuffers } from "./buffer-table.ts";
import { decodeSpecial } from "./decode-special.ts";
import { type DecodedBuffer, type DecodeParts, DecodeState } from "./decode-state.ts";
import { readExpected, Shapes } from "./shapes.ts";
import { EXTENSION, Lead, Tag } from "./tags.ts";

/**
 * Reads one message. Throws all kinds of errors on bytes nobody wrote; the caller makes them one kind.
 */
export function readMessage(
  bytes: Uint8Array,
  length: number,
  attachments: readonly unknown[] | undefined,
  options: DecodeOptions,
): unknown {
  let end = length;
  let buffers: DecodedBuffer[] | undefined;
  const lead = bytes[0];
  if (lead === Lead.withBuffers) {
    const found = readBuffers(bytes, length, attachments);
    buffers = found.buffers;
    end = found.start;
  } else if (lead !== Lead.plain) throw malformed("it does not begin as one");
  const reader = new ByteReader(bytes, 1, end);
  const state = new DecodeState(reader, buffers, attachments, options, parts);
  const value = readValue(state);
  if (reader.position !== end) throw malformed("something follows it");
  return value;
}

function readValue(state: DecodeState): unknown {
  const { reader } = state;
  const token = reader.byte();
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token < 0x90) return readObject(state, token & 0x0f);
  if (token < 0xa0) return readArray(state, token & 0x0f);
  if (token < 0xc0) return reader.shortString(token & 0x1f);
  switch (token) {
    case EXTENSION:
      return readExtension(state);
    case 0xcf:
      return reader.bigUint64();
    case 0xd3:
      return reader.bigInt64();
    case 0xdc:
      return readArray(state, reader.uint16());
    case 0xdd:
      return readArray(state, reader.uint32());
    case 0xde:
      return readObject(state, reader.uint16());
    case 0xdf:
      return readObject(state, reader.uint32());
    default:
      return reader.scalar(token);
  }
}

function readObject(state: DecodeState, announced: number): object {
  const { reader } = state;
  const count = reader.count(announced);
  const { shapes } = state;
  if (shapes === undefined || count === 0) return readFields(state, state.keep({}), count);
  const start = reader.position;
  const firstKey = reader.text();
  const shape = shapes.guess(firstKey, count);
  if (shape === undefined) {
    reader.position = start;
    const object = readFields(state, state.keep({}), count);
    shapes.learn(object);
    return object;
  }
  const { keys } = shape;
  const object: Record<string, unknown> = state.keep({ ...shape.template });
  object[firstKey] = readValue(state);
  for (let i = 1; i < count; i++) {
    const key = keys[i] as string;
    if (!readExpected(reader, key)) {
      shapes.forget(firstKey);
      for (const wrong of keys.slice(i)) Reflect.deleteProperty(object, wrong);
      return readFields(state, object, count - i);
    }
    object[key] = readValue(state);
  }
  return object;
}

function readFields<T extends object>(state: DecodeState, object: T, count: number): T {
  const { reader } = state;
  for (let i = 0; i < count; i++) {
    const key = reader.text();
    const value = readValue(state);
    // Assigning would change the prototype instead of making a property.
    if (key === "__proto__") define(object, key, value);
    else (object as Record<string, unknown>)[key] = value;
  }
  return object;
}

/** As {@link readFields}, for objects whose prototype may have setters: they must not run. */
function readOwnFields<T extends object>(state: DecodeState, object: T): T {
  const { reader } = state;
  const count = reader.mapCount();
  for (let i = 0; i < count; i++) define(object, reader.text(), readValue(state));
  return object;
}

function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** Up to this length the engine keeps the elements of an array in one block, so it can be made at once. */
const MAX_BLOCK = 1 << 24;

/** From this many elements on it pays to remember what they look like. */
const MANY = 8;

function readArray(state: DecodeState, announced: number): unknown[] {
  const { reader } = state;
  const count = reader.count(announced);
  // oxlint-disable-next-line unicorn/no-new-array -- twice as fast as growing; the budget has bounded it
  const array = state.keep<unknown[]>(count <= MAX_BLOCK ? new Array(count) : []);
  if (count >= MANY) state.shapes ??= new Shapes();
  for (let i = 0; i < count; i++) {
    if (reader.skipHole()) {
      if (i >= array.length) array.length = i + 1;
    } else array[i] = readValue(state);
  }
  return array;
}

function readExtension(state: DecodeState): unknown {
  const { reader } = state;
  const tag = reader.byte();
  switch (tag) {
    case Tag.undefined:
      return undefined;
    case Tag.reference:
      return state.referred(reader.unsigned());
    case Tag.utf16:
      return reader.utf16();
    default:
      return decodeSpecial(state, tag);
  }
}

const parts: DecodeParts = { read: readValue, readOwnFields };
