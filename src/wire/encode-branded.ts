import { types } from "node:util";
import { bufferRow, viewKind, viewRow } from "./buffer-table.ts";
import type { EncodeState } from "./encode-state.ts";
import { refuseExtras, refuseProperties } from "./hidden-state.ts";
import { Tag } from "./tags.ts";
import { Unsendable } from "./unsendable.ts";
import { Date } from "../util/platform.ts";

/** A class whose instances the engine itself knows, whatever their prototype is. */
interface Brand {
  readonly is: (value: object) => boolean;
  readonly write: (state: EncodeState, value: never) => void;
}

const DATE: Brand = { is: types.isDate, write: writeDate };
const MAP: Brand = { is: types.isMap, write: writeMap };
const SET: Brand = { is: types.isSet, write: writeSet };
const VIEW: Brand = { is: (value) => ArrayBuffer.isView(value), write: writeView };
const BUFFER: Brand = { is: types.isAnyArrayBuffer, write: writeMemory };
const REGEXP: Brand = { is: types.isRegExp, write: writeRegExp };
const BOXED: Brand = { is: types.isBoxedPrimitive, write: writeBoxed };

const BRANDS: readonly Brand[] = [DATE, MAP, SET, VIEW, BUFFER, REGEXP, BOXED];

/**
 * Brands by the prototypes of this realm: nothing else needs to be asked about an instance. Shared memory
 * is not among them, nor are the boxed: whether they travel is another question.
 */
const BY_PROTOTYPE: ReadonlyMap<object, Brand> = new Map<object, Brand>([
  [Date.prototype, DATE],
  [Map.prototype, MAP],
  [Set.prototype, SET],
  [RegExp.prototype, REGEXP],
  [ArrayBuffer.prototype, BUFFER],
  ...[
    Buffer,
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map(({ prototype }): [object, Brand] => [prototype, VIEW]),
]);

/**
 * Writes an instance of exactly one of the language's own classes: most of what is neither a plain object
 * nor an array, at a fraction of what {@link writeBranded} takes with the questions before it.
 *
 * @returns false when it is something else, or may not travel for other reasons; nothing was written then.
 */
export function writeIntrinsic(state: EncodeState, value: object): boolean {
  const brand = BY_PROTOTYPE.get(Object.getPrototypeOf(value) as object);
  if (brand === undefined || !brand.is(value)) return false;
  if (brand === VIEW && types.isSharedArrayBuffer((value as ArrayBufferView).buffer)) return false;
  if (brand === BUFFER && types.isSharedArrayBuffer(value)) return false;
  brand.write(state, value as never);
  refuseProperties(value);
  return true;
}

/** Writes what the language brands, also when it is derived or of another realm. @returns false for all else. */
export function writeBranded(state: EncodeState, value: object): boolean {
  const brand = BRANDS.find(({ is }) => is(value));
  if (brand === undefined) return false;
  brand.write(state, value as never);
  refuseExtras(value);
  return true;
}

function writeDate({ writer }: EncodeState, value: Date): void {
  writer.tag(Tag.date);
  writer.number(Date.prototype.getTime.call(value));
}

function writeMap(state: EncodeState, value: Map<unknown, unknown>): void {
  const { writer, parts } = state;
  writer.tag(Tag.map);
  // A copy, since a getter met on the way may change the original.
  const entries = [...Map.prototype.entries.call(value)];
  writer.number(entries.length);
  for (const [key, item] of entries) {
    parts.write(state, key);
    parts.write(state, item);
  }
}

function writeSet(state: EncodeState, value: Set<unknown>): void {
  const { writer, parts } = state;
  writer.tag(Tag.set);
  const items = [...Set.prototype.values.call(value)];
  writer.number(items.length);
  for (const item of items) parts.write(state, item);
}

function writeView(state: EncodeState, view: ArrayBufferView): void {
  const { writer } = state;
  const kind = viewKind(view);
  if (kind < 0) {
    throw new Unsendable(view, "is a view of a kind that cannot travel: send its ArrayBuffer");
  }
  writer.tag(Tag.view);
  writer.byte(kind);
  writer.number(viewRow(state, view));
  writer.number(view.byteOffset);
  writer.number(kind === 1 ? view.byteLength : (view as Uint8Array).length);
}

function writeMemory(state: EncodeState, value: ArrayBufferLike): void {
  state.writer.tag(Tag.arrayBuffer);
  state.writer.number(bufferRow(state, value));
}

function writeRegExp({ writer }: EncodeState, value: RegExp): void {
  writer.tag(Tag.regexp);
  writer.string(value.source);
  writer.string(value.flags);
}

function writeBoxed(state: EncodeState, value: object): void {
  state.writer.tag(Tag.boxed);
  state.parts.write(state, value.valueOf());
}
