import { outOfRange, wrongType } from "../util/argument-error.ts";
import { ItemKind } from "./list-layout.ts";

/** What a {@link ShareableList} can hold. */
export type ShareableItem = number | bigint | string | boolean | null | Uint8Array;

/** A value as bytes. */
export interface EncodedItem {
  readonly kind: number;
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const UNIT = 8;

/** @throws TypeError for what a list cannot hold, RangeError for a bigint of more than 64 bits. */
export function encodeItem(value: unknown, name = "value"): EncodedItem {
  switch (typeof value) {
    case "number":
      return {
        kind: ItemKind.number,
        data: new Uint8Array(Float64Array.of(value).buffer),
      };
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) {
        throw outOfRange(name, "a bigint of at most 64 bits", value);
      }
      return { kind: ItemKind.bigint, data: new Uint8Array(BigInt64Array.of(value).buffer) };
    case "string":
      return { kind: ItemKind.string, data: new TextEncoder().encode(value) };
    case "boolean":
      return { kind: value ? ItemKind.true : ItemKind.false, data: NOTHING };
    default:
      if (value === null) return { kind: ItemKind.null, data: NOTHING };
      if (value instanceof Uint8Array) return { kind: ItemKind.bytes, data: value };
      throw wrongType(name, "a number, bigint, string, boolean, null or Uint8Array", value);
  }
}

/** Reads what {@link encodeItem} made; undefined when it is no such thing. */
export function decodeItem({ kind, data }: EncodedItem): ShareableItem | undefined {
  switch (kind) {
    case ItemKind.null:
      return null;
    case ItemKind.false:
      return false;
    case ItemKind.true:
      return true;
    case ItemKind.number:
      return data.length === UNIT ? new Float64Array(data.buffer)[0] : undefined;
    case ItemKind.bigint:
      return data.length === UNIT ? new BigInt64Array(data.buffer)[0] : undefined;
    case ItemKind.string:
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(data);
    case ItemKind.bytes:
      return data;
    default:
      return undefined;
  }
}

/**
 * Bytes that the slot of a first value gets: 8 for what has a fixed size, for texts and bytes the next multiple
 * of 8 above their length, as in Python.
 */
export function capacityFor({ kind, data }: EncodedItem): number {
  if (kind !== ItemKind.string && kind !== ItemKind.bytes) return UNIT;
  return UNIT * (Math.floor(data.length / UNIT) + 1);
}

/** Whether two values of lists are the same: numbers as with `===`, bytes by their contents. */
export function sameItem(a: ShareableItem, b: ShareableItem): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
