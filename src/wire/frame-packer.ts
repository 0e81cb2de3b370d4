import { SerializationError } from "../errors/index.ts";
import { ByteReader, malformed } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readColumn, writeColumn } from "./columns.ts";
import { EXTENSION, Tag } from "./tags.ts";

/** Longer strings are better counted by size, which frames do not do. */
const MAX_PLAIN_CHARS = 64 * 1024;

/**
 * Tells whether a frame can carry the value as it is: null, undefined, booleans, numbers, and strings
 * below 64 Ki characters.
 */
export function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "number":
    case "boolean":
    case "undefined":
      return true;
    case "string":
      return value.length < MAX_PLAIN_CHARS;
    default:
      return value === null;
  }
}

/** Tells whether a frame can carry every one of these as it is. */
export function arePlain(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "number" && !isPlain(value)) return false;
  }
  return true;
}

let writer: ByteWriter | undefined;

/**
 * Packs a frame of plain values, byte arrays and arrays of these. Byte arrays are copied.
 *
 * @returns bytes that nobody writes again; it may share memory with other small frames.
 * @throws SerializationError on anything else, which is a mistake of the caller.
 */
export function packFrame(frame: readonly unknown[]): Uint8Array {
  // No code of a user runs in here, so one writer does.
  const target = (writer ??= new ByteWriter());
  target.begin();
  try {
    packArray(target, frame);
  } catch (error) {
    target.abandon();
    throw error;
  }
  return target.finish();
}

function packArray(target: ByteWriter, items: readonly unknown[]): void {
  if (writeColumn(target, items)) return;
  target.arrayHeader(items.length);
  for (let i = 0; i < items.length; i++) packItem(target, items[i]);
}

function packItem(target: ByteWriter, item: unknown): void {
  switch (typeof item) {
    case "number":
      target.number(item);
      return;
    case "string":
      target.string(item);
      return;
    case "boolean":
      target.byte(item ? 0xc3 : 0xc2);
      return;
    case "undefined":
      target.tag(Tag.undefined);
      return;
    case "object":
      if (item === null) target.byte(0xc0);
      else if (Array.isArray(item)) packArray(target, item);
      else if (item instanceof Uint8Array) target.binary(item);
      else break;
      return;
  }
  throw new SerializationError(`A frame cannot carry ${typeof item}s: encode the value first.`);
}

/**
 * Reads a frame.
 *
 * @returns what was packed; byte arrays are views of `bytes`, which must not be written any more.
 * @throws SerializationError when the bytes are not a frame.
 */
export function unpackFrame(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes, 0, bytes.length);
  let frame: unknown;
  try {
    frame = unpackItem(reader);
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    // Nested too deeply for the stack, or a string longer than the engine has.
    throw new SerializationError("A frame could not be read.", { cause: error });
  }
  if (reader.position !== bytes.length) throw malformed("something follows the frame");
  return frame;
}

function unpackItem(reader: ByteReader): unknown {
  const token = reader.byte();
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token >= 0x90 && token < 0xa0) return unpackArray(reader, token & 0x0f);
  if (token >= 0xa0 && token < 0xc0) return reader.shortString(token & 0x1f);
  switch (token) {
    case EXTENSION:
      return unpackExtension(reader);
    case 0xc4:
      return reader.view(reader.byte());
    case 0xc5:
      return reader.view(reader.uint16());
    case 0xc6:
      return reader.view(reader.uint32());
    case 0xdc:
      return unpackArray(reader, reader.uint16());
    case 0xdd:
      return unpackArray(reader, reader.uint32());
    default:
      return reader.scalar(token);
  }
}

function unpackArray(reader: ByteReader, announced: number): unknown[] {
  const count = reader.count(announced);
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items.push(unpackItem(reader));
  return items;
}

function unpackExtension(reader: ByteReader): unknown {
  const tag = reader.byte();
  if (tag === Tag.undefined) return undefined;
  if (tag === Tag.column) return readColumn(reader);
  if (tag === Tag.utf16) return reader.utf16();
  throw malformed("the frame holds a value of unknown kind");
}
