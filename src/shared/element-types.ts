import { outOfRange, wrongType } from "../util/argument-error.ts";

/** Types of the numbers in shared memory. */
export type ElementType =
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "float32"
  | "float64"
  | "bigint64"
  | "biguint64";

/** The typed array of each {@link ElementType}. */
export interface TypedArrays {
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  float32: Float32Array;
  float64: Float64Array;
  bigint64: BigInt64Array;
  biguint64: BigUint64Array;
}

/** What an element of this type is in JavaScript. */
export type ElementOf<T extends ElementType> = T extends "bigint64" | "biguint64" ? bigint : number;

export interface TypedArrayConstructor<T extends ElementType> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArrays[T];
  readonly BYTES_PER_ELEMENT: number;
}

const CONSTRUCTORS: { readonly [T in ElementType]: TypedArrayConstructor<T> } = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  bigint64: BigInt64Array,
  biguint64: BigUint64Array,
};

/** Numbers of the types as they stand in cells, and of `bool`. Part of the ABI: never renumber. */
const CODES: { readonly [T in ElementType | "bool"]: number } = {
  int8: 1,
  uint8: 2,
  int16: 3,
  uint16: 4,
  int32: 5,
  uint32: 6,
  float32: 7,
  float64: 8,
  bigint64: 9,
  biguint64: 10,
  bool: 11,
};

/** @throws TypeError for a type there is not. */
export function constructorOf<T extends ElementType>(type: T): TypedArrayConstructor<T> {
  if (Object.hasOwn(CONSTRUCTORS, type)) return CONSTRUCTORS[type];
  throw unknownType(type, Object.keys(CONSTRUCTORS));
}

/** @throws TypeError for a type there is not. */
export function codeOf(type: ElementType | "bool"): number {
  if (Object.hasOwn(CODES, type)) return CODES[type];
  throw unknownType(type, Object.keys(CODES));
}

/** The type of a code; undefined for a code of another version. */
export function typeOfCode(code: number): ElementType | "bool" | undefined {
  for (const [type, known] of Object.entries(CODES)) {
    if (known === code) return type as ElementType | "bool";
  }
  return undefined;
}

function unknownType(type: unknown, known: string[]): Error {
  const expected = `one of ${known.join(", ")}`;
  return typeof type === "string"
    ? outOfRange("type", expected, type)
    : wrongType("type", expected, type);
}

/** Refuses what would silently become another number: strings, undefined, numbers for bigints. */
export function checkElement(type: ElementType, value: unknown, name = "value"): void {
  const expected = type === "bigint64" || type === "biguint64" ? "bigint" : "number";
  if (typeof value === expected) return;
  throw wrongType(name, `a ${expected}, for ${type}`, value);
}
