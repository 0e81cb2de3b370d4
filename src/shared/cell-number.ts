import { badArgument, wrongType } from "../util/argument-error.ts";
import type { Place } from "../memory/index.ts";
import { checkElement, constructorOf, type ElementType } from "./element-types.ts";

/** Types of a {@link SharedValue}. */
export type ValueType = ElementType | "bool";

/** What a value of this type is in JavaScript. */
export type ValueOf<T extends ValueType> = T extends "bool"
  ? boolean
  : T extends "bigint64" | "biguint64"
    ? bigint
    : number;

/** A number in shared memory: all of it is read and written at once. */
export interface CellNumber<V> {
  load(): V;
  store(value: V): void;
  exchange(value: V): V;
  /** @returns what was there; the same as `expected` if it was replaced. */
  compareExchange(expected: V, replacement: V): V;
  /** @returns what was there. */
  add(n: V): V;
  /** Refuses what is no value of the type. */
  check(value: unknown, name: string): void;
}

/** The number of this type at a word of a cell. */
export function cellNumber<T extends ValueType>(
  type: T,
  place: Place,
  word: number,
): CellNumber<ValueOf<T>> {
  const offset = word * 4;
  const { buffer } = place.ints;
  const made =
    type === "bool"
      ? new CellBoolean(buffer, offset)
      : type === "float64"
        ? new CellFloat64(buffer, offset)
        : type === "float32"
          ? new CellFloat32(buffer, offset)
          : cellInteger(type, buffer, offset);
  return made as unknown as CellNumber<ValueOf<T>>;
}

function cellInteger(type: ElementType, buffer: ArrayBufferLike, offset: number): object {
  const Words = constructorOf(type);
  return new CellInteger(type, new Words(buffer, offset, 1) as Int32Array);
}

class CellInteger implements CellNumber<number> {
  readonly #type: ElementType;
  readonly #words: Int32Array;

  /** @param words - of any integer type, bigints too: `Atomics` treats them alike. */
  constructor(type: ElementType, words: Int32Array) {
    this.#type = type;
    this.#words = words;
  }

  load(): number {
    return Atomics.load(this.#words, 0);
  }

  store(value: number): void {
    Atomics.store(this.#words, 0, value);
  }

  exchange(value: number): number {
    return Atomics.exchange(this.#words, 0, value);
  }

  compareExchange(expected: number, replacement: number): number {
    return Atomics.compareExchange(this.#words, 0, expected, replacement);
  }

  add(n: number): number {
    return Atomics.add(this.#words, 0, n);
  }

  check(value: unknown, name: string): void {
    checkElement(this.#type, value, name);
  }
}

/**
 * Floats go through the integers of their bits, as `Atomics` knows no floats. The bits are put together in a
 * place of this thread's own.
 *
 * One class for each width, though they look alike: bigints and numbers in one class make V8 compile neither well (an
 * addition took 218 ns instead of 30).
 */
abstract class CellFloat<B> implements CellNumber<number> {
  protected abstract loadBits(): B;
  protected abstract compareExchangeBits(expected: B, replacement: B): B;
  protected abstract bitsOf(value: number): B;
  protected abstract valueOf(bits: B): number;
  abstract store(value: number): void;
  abstract exchange(value: number): number;
  abstract check(value: unknown, name: string): void;

  load(): number {
    return this.valueOf(this.loadBits());
  }

  compareExchange(expected: number, replacement: number): number {
    // What is equal counts, not what has the same bits: -0 is 0, and any NaN is NaN.
    for (;;) {
      const bits = this.loadBits();
      const value = this.valueOf(bits);
      const isExpected = value === this.valueOf(this.bitsOf(expected)) || bothNaN(value, expected);
      if (!isExpected) return value;
      if (this.compareExchangeBits(bits, this.bitsOf(replacement)) === bits) return value;
    }
  }

  add(n: number): number {
    for (;;) {
      const bits = this.loadBits();
      const value = this.valueOf(bits);
      if (this.compareExchangeBits(bits, this.bitsOf(value + n)) === bits) return value;
    }
  }
}

const scratch64 = new Float64Array(1);
const bits64 = new BigInt64Array(scratch64.buffer);
const scratch32 = new Float32Array(1);
const bits32 = new Int32Array(scratch32.buffer);

class CellFloat64 extends CellFloat<bigint> {
  readonly #words: BigInt64Array;

  constructor(buffer: ArrayBufferLike, offset: number) {
    super();
    this.#words = new BigInt64Array(buffer, offset, 1);
  }

  store(value: number): void {
    Atomics.store(this.#words, 0, this.bitsOf(value));
  }

  exchange(value: number): number {
    return this.valueOf(Atomics.exchange(this.#words, 0, this.bitsOf(value)));
  }

  check(value: unknown, name: string): void {
    checkElement("float64", value, name);
  }

  protected loadBits(): bigint {
    return Atomics.load(this.#words, 0);
  }

  protected compareExchangeBits(expected: bigint, replacement: bigint): bigint {
    return Atomics.compareExchange(this.#words, 0, expected, replacement);
  }

  protected bitsOf(value: number): bigint {
    scratch64[0] = value;
    return bits64[0]!;
  }

  protected valueOf(bits: bigint): number {
    bits64[0] = bits;
    return scratch64[0]!;
  }
}

class CellFloat32 extends CellFloat<number> {
  readonly #words: Int32Array;

  constructor(buffer: ArrayBufferLike, offset: number) {
    super();
    this.#words = new Int32Array(buffer, offset, 1);
  }

  store(value: number): void {
    Atomics.store(this.#words, 0, this.bitsOf(value));
  }

  exchange(value: number): number {
    return this.valueOf(Atomics.exchange(this.#words, 0, this.bitsOf(value)));
  }

  check(value: unknown, name: string): void {
    checkElement("float32", value, name);
  }

  protected loadBits(): number {
    return Atomics.load(this.#words, 0);
  }

  protected compareExchangeBits(expected: number, replacement: number): number {
    return Atomics.compareExchange(this.#words, 0, expected, replacement);
  }

  protected bitsOf(value: number): number {
    scratch32[0] = value;
    return bits32[0]!;
  }

  protected valueOf(bits: number): number {
    bits32[0] = bits;
    return scratch32[0]!;
  }
}

class CellBoolean implements CellNumber<boolean> {
  readonly #words: Uint8Array;

  constructor(buffer: ArrayBufferLike, offset: number) {
    this.#words = new Uint8Array(buffer, offset, 1);
  }

  load(): boolean {
    return Atomics.load(this.#words, 0) !== 0;
  }

  store(value: boolean): void {
    Atomics.store(this.#words, 0, Number(value));
  }

  exchange(value: boolean): boolean {
    return Atomics.exchange(this.#words, 0, Number(value)) !== 0;
  }

  compareExchange(expected: boolean, replacement: boolean): boolean {
    return Atomics.compareExchange(this.#words, 0, Number(expected), Number(replacement)) !== 0;
  }

  add(): boolean {
    throw badArgument("A bool cannot be added to: use exchange or compareExchange");
  }

  check(value: unknown, name: string): void {
    checkValue("bool", value, name);
  }
}

function bothNaN(a: number, b: number): boolean {
  return Number.isNaN(a) && Number.isNaN(b);
}

/** Refuses what is no value of the type. */
export function checkValue(type: ValueType, value: unknown, name: string): void {
  if (type !== "bool") checkElement(type, value, name);
  else if (typeof value !== "boolean") throw wrongType(name, "a boolean, for bool", value);
}
