import { encodeSpecial } from "./encode-special.ts";
import { type EncodeParts, EncodeState } from "./encode-state.ts";
import { hasNamed, refuseHidden, refuseSymbols } from "./hidden-state.ts";
import { SPARSE_LENGTH, Tag } from "./tags.ts";
import { functionRefusal, SYMBOL_REFUSAL, Unsendable } from "./unsendable.ts";

/** Writes any value into the message. @throws Unsendable when it, or something in it, cannot travel. */
function writeValue(state: EncodeState, value: unknown): void {
  switch (typeof value) {
    case "string":
      state.writer.string(value);
      return;
    case "number":
      state.writer.number(value);
      return;
    case "object":
      if (value === null) state.writer.byte(0xc0);
      else if (!state.refer(value)) writeObject(state, value);
      return;
    case "boolean":
      state.writer.byte(value ? 0xc3 : 0xc2);
      return;
    case "undefined":
      state.writer.tag(Tag.undefined);
      return;
    case "bigint":
      state.writer.bigint(value);
      return;
    case "function":
      throw new Unsendable(value, functionRefusal(value));
    default:
      throw new Unsendable(value, SYMBOL_REFUSAL);
  }
}

function writeObject(state: EncodeState, value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    // An object literal may be an async iterable, or carry the brand of something else (`arguments`).
    if ((value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === undefined) {
      // Without properties nothing else would tell; with some it is left alone, as asking costs more than they do.
      if (writeFields(state, value) === 0) refuseHidden(value);
      return;
    }
  } else if (prototype === Array.prototype) {
    if (Array.isArray(value)) {
      writeArray(state, value);
      return;
    }
  } else if (prototype === null) {
    state.writer.tag(Tag.bare);
    if (writeFields(state, value) === 0) refuseHidden(value);
    return;
  }
  encodeSpecial(state, value);
}

/** @returns how many fields there are. */
function writeFields(state: EncodeState, value: object): number {
  const { writer } = state;
  const keys = Object.keys(value);
  const count = keys.length;
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length > 0) refuseSymbols(value, symbols);
  writer.mapHeader(count);
  for (let i = 0; i < count; i++) {
    const key = keys[i] as string;
    writer.string(key);
    writeValue(state, (value as Record<string, unknown>)[key]);
  }
  return count;
}

function writeArray(state: EncodeState, value: readonly unknown[]): void {
  const count = value.length;
  if ((count > SPARSE_LENGTH && hasHole(value)) || hasNamed(value)) {
    writeSparse(state, value);
    return;
  }
  writeItems(state, value);
}

/** Writes an array of which it is known that it has elements and nothing else. */
function writeItems(state: EncodeState, value: readonly unknown[]): void {
  const { writer } = state;
  const count = value.length;
  writer.arrayHeader(count);
  for (let i = 0; i < count; i++) {
    const item = value[i];
    if (item === undefined && !(i in value)) writer.tag(Tag.hole);
    else writeValue(state, item);
  }
}

function writeSparse(state: EncodeState, value: readonly unknown[]): void {
  const { writer } = state;
  writer.tag(Tag.sparse);
  writer.number(value.length);
  writeFields(state, value);
}

function hasHole(value: readonly unknown[]): boolean {
  for (let i = 0; i < value.length; i++) {
    if (value[i] === undefined && !Object.hasOwn(value, i)) return true;
  }
  return false;
}

const parts: EncodeParts = { write: writeValue, writeFields, writeItems, writeSparse };

/** A new encoder, for one message after another. */
export function newEncoder(): EncodeState {
  return new EncodeState(parts);
}
