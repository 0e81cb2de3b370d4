import { type ByteReader, malformed } from "./byte-reader.ts";
import { classNamed, type RegisteredClass } from "./class-registry.ts";
import { makeView } from "./buffer-table.ts";
import { readError } from "./error-fields.ts";
import type { DecodedBuffer, DecodeState } from "./decode-state.ts";
import { notRegistered } from "./own-classes.ts";
import { Tag } from "./tags.ts";
import { Date } from "../util/platform.ts";
import { noteUnregistered } from "./unregistered.ts";

/** Reads what follows the tag of an object that is neither a plain object nor a dense array. */
export function decodeSpecial(state: DecodeState, tag: number): unknown {
  const { reader } = state;
  switch (tag) {
    case Tag.bigint:
      return readBigint(reader);
    case Tag.date:
      return state.keep(new Date(state.parts.read(state) as number));
    case Tag.regexp:
      return state.keep(new RegExp(reader.text(), reader.text()));
    case Tag.map:
      return readMap(state);
    case Tag.set:
      return readSet(state);
    case Tag.sparse:
      return readSparse(state);
    case Tag.bare:
      return state.parts.readOwnFields(state, state.keep(Object.create(null) as object));
    case Tag.boxed:
      return readBoxed(state);
    case Tag.arrayBuffer:
      return state.keep(bufferAt(state).memory);
    case Tag.view:
      return readView(state);
    case Tag.error:
      return readError(state);
    case Tag.instance:
      return readInstance(state);
    case Tag.custom:
      return readCustom(state);
    case Tag.unregistered:
      return readUnregistered(state);
    default:
      return readPlatform(state, tag);
  }
}

function readBigint(reader: ByteReader): bigint {
  const isNegative = reader.unsigned() === 1;
  const bytes = reader.view(reader.unsigned());
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  const magnitude = hex === "" ? 0n : BigInt(`0x${hex}`);
  return isNegative ? -magnitude : magnitude;
}

function readMap(state: DecodeState): Map<unknown, unknown> {
  const { reader } = state;
  const map = state.keep(new Map<unknown, unknown>());
  const size = reader.count(reader.unsigned());
  for (let i = 0; i < size; i++) map.set(state.parts.read(state), state.parts.read(state));
  return map;
}

function readSet(state: DecodeState): Set<unknown> {
  const { reader } = state;
  const set = state.keep(new Set<unknown>());
  const size = reader.count(reader.unsigned());
  for (let i = 0; i < size; i++) set.add(state.parts.read(state));
  return set;
}

/** Longer arrays that are mostly holes get no memory for the holes. */
const SHORT_ARRAY = 64;

function readSparse(state: DecodeState): unknown[] {
  const array: unknown[] = state.keep([]);
  const length = state.reader.unsigned();
  if (length > SHORT_ARRAY) {
    // Setting the length would allocate all of it. An element with attributes makes the engine keep
    // this array as a table instead, however long it says it is.
    Object.defineProperty(array, 0, { value: 0, configurable: true });
    Reflect.deleteProperty(array, 0);
  }
  array.length = length;
  state.parts.readOwnFields(state, array);
  if (array.length !== length) throw malformed("an array is longer than it says");
  return array;
}

function readBoxed(state: DecodeState): object {
  const place = state.reserve();
  const value = state.parts.read(state);
  if (value === null || value === undefined || typeof value === "object") {
    throw malformed("a boxed primitive was expected");
  }
  return state.fill(place, Object(value) as object);
}

function bufferAt(state: DecodeState): DecodedBuffer {
  const buffer = state.buffers?.[state.reader.unsigned()];
  if (buffer === undefined) throw malformed("a buffer is missing");
  return buffer;
}

function readView(state: DecodeState): ArrayBufferView {
  const { reader } = state;
  const kind = reader.byte();
  const buffer = bufferAt(state);
  return state.keep(makeView(kind, buffer, reader.unsigned(), reader.unsigned()));
}

function readInstance(state: DecodeState): object {
  const { Class } = registered(state.reader.text());
  return state.parts.readOwnFields(state, state.keep(Object.create(Class.prototype) as object));
}

function readUnregistered(state: DecodeState): unknown {
  const name = state.reader.text();
  const value = state.parts.read(state);
  if (typeof value !== "object" || value === null) throw malformed("an object was expected");
  noteUnregistered(value, name);
  return value;
}

function readCustom(state: DecodeState): object {
  const place = state.reserve();
  const { Class, decode } = registered(state.reader.text());
  const data = state.parts.read(state);
  const made = decode === undefined ? assign(Class.prototype as object, data) : decode(data);
  if (made === null || (typeof made !== "object" && typeof made !== "function")) {
    throw new TypeError(`The \`decode\` registered for ${Class.name} did not return an object.`);
  }
  return state.fill(place, made);
}

function assign(prototype: object, data: unknown): object {
  return Object.create(prototype, Object.getOwnPropertyDescriptors(Object(data))) as object;
}

function registered(name: string): RegisteredClass {
  const found = classNamed(name);
  if (found !== undefined) return found;
  throw notRegistered(name);
}

function readPlatform(state: DecodeState, tag: number): unknown {
  const { reader, attachments } = state;
  switch (tag) {
    case Tag.attached: {
      const index = reader.unsigned();
      if (attachments === undefined || index >= attachments.length) {
        throw malformed("an attachment is missing");
      }
      return state.keep(attachments[index] as object);
    }
    case Tag.url:
      return state.keep(new URL(reader.text()));
    case Tag.searchParams:
      return state.keep(new URLSearchParams(reader.text()));
    case Tag.iterable:
    case Tag.readable: {
      const { streams } = state.options;
      if (streams === undefined) throw malformed("it holds a stream, which nothing here can read");
      const kind = tag === Tag.iterable ? "iterable" : "readable";
      return state.keep(streams.importStream(reader.unsigned(), kind));
    }
    default:
      throw malformed(`it holds a value of unknown kind ${tag}`);
  }
}
