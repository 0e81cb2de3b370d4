import { InvalidStateError } from "../errors/index.ts";
import { KIND, type Place } from "../memory/index.ts";
import { Arrival, openBody, shareable } from "../sync/index.ts";
import {
  checkChoice,
  checkLock,
  describeLock,
  openLock,
  type LockChoice,
  type LockOf,
  type SharedLock,
} from "./companion-lock.ts";
import {
  checkElement,
  codeOf,
  constructorOf,
  typeOfCode,
  type ElementOf,
  type ElementType,
  type TypedArrays,
} from "./element-types.ts";
import { FIELD } from "./fields.ts";
import {
  checkBytes,
  openObject,
  refuseIndex,
  SegmentObject,
  type SegmentBody,
  type SegmentCreation,
} from "./segment-object.ts";
import { SEGMENT_CHECKS, checkPersistent, type SegmentOptions } from "./shared-memory.ts";
import { wrongType as wrongArgument } from "../util/argument-error.ts";
import { checkPosition, integer } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import type { LockedOptions } from "./shared-value.ts";

/** Options of {@link SharedArray}. */
export interface SharedArrayOptions<L extends LockChoice = true>
  extends LockedOptions<L>, SegmentOptions {}

/** An array as this thread sees it. */
interface ArrayBody<T extends ElementType> extends SegmentBody {
  readonly type: T;
  readonly array: TypedArrays[T];
  readonly lock: SharedLock | undefined;
}

const arrayOf: <T extends ElementType>(object: SharedArray<T, LockChoice>) => ArrayBody<T> =
  openBody as never;

/** Memory has to have some bytes, an array need not. */
const LEAST_BYTES = 8;

/**
 * An array of numbers that several processes and threads have together: {@link SharedArray.array} is a typed
 * array over memory that all of them see.
 *
 * Its elements are read and written without the lock; take {@link SharedArray.lock} for what belongs together, or
 * use `Atomics` on arrays of integers.
 *
 * @example
 * const sums = new SharedArray("float64", 1000);
 * await sums.lock.run(() => {
 *   sums.array[0] += 1;
 * });
 * @since 0.2.0
 */
export class SharedArray<
  T extends ElementType = ElementType,
  L extends LockChoice = true,
> extends SegmentObject {
  /** Of which type its elements are. */
  readonly type: T;

  /**
   * @param lengthOrValues - how many zeros, or the values. A named array that is there must have as many
   *   elements, and keeps its own.
   * @throws InvalidStateError when the name belongs to something else, or there is not enough memory.
   */
  constructor(
    type: T,
    lengthOrValues: number | Iterable<ElementOf<T>>,
    options?: SharedArrayOptions<L>,
  );
  /** @internal */
  constructor(
    type: T | Arrival,
    lengthOrValues?: number | Iterable<ElementOf<T>>,
    options: SharedArrayOptions<L> = {},
  ) {
    let stored = type as T;
    super(type instanceof Arrival ? type : creationOf(type, lengthOrValues, options), (segment) => {
      const { cell, memory } = segment;
      if (type instanceof Arrival) stored = storedType(cell) as T;
      return {
        ...segment,
        array: viewOf(stored, memory, storedLength(cell)),
        lock: typeof options.lock === "object" ? options.lock : openLock(cell),
        type: stored,
      };
    });
    this.type = stored;
  }

  /**
   * Opens an array that there is; its length and its lock are what it was made with.
   * @throws InvalidStateError when there is none of this name, or it is of another type.
   */
  static open<T extends ElementType>(type: T, name: string): SharedArray<T, LockChoice> {
    codeOf(type);
    const array = openObject<SharedArray<T, LockChoice>>(KIND.array, name, SharedArray);
    if (array.type === type) return array;
    const found = array.type;
    array.close();
    throw wrongType(name, found, type);
  }

  /** The elements, in shared memory. Sent by itself it is copied: send the SharedArray. */
  get array(): TypedArrays[T] {
    return arrayOf(this).array;
  }

  /** The lock that goes with it; undefined with `lock: false`. */
  get lock(): LockOf<L> {
    return arrayOf(this).lock as LockOf<L>;
  }

  /** How many elements it has; that never changes. */
  get length(): number {
    return this.array.length;
  }

  /** The element at an index; negative ones count from the end. Undefined beyond either end. */
  at(index: number): ElementOf<T> | undefined {
    const { array } = this;
    checkPosition(index, "index");
    return array.at(index) as ElementOf<T> | undefined;
  }

  /**
   * Sets the element at an index; negative ones count from the end.
   * @throws RangeError beyond either end.
   */
  set(index: number, value: ElementOf<T>): void {
    const { array } = this;
    checkElement(this.type, value);
    if (!Number.isInteger(index)) refuseIndex(index, array.length);
    const at = index < 0 ? array.length + index : index;
    if (at < 0 || at >= array.length) refuseIndex(index, array.length);
    array[at] = value as never;
  }

  /** A copy of some of the elements, in memory of this thread's own. */
  slice(start?: number, end?: number): TypedArrays[T] {
    const { array } = this;
    if (start !== undefined) checkPosition(start, "start");
    if (end !== undefined) checkPosition(end, "end");
    return array.slice(start, end) as TypedArrays[T];
  }

  [Symbol.iterator](): IterableIterator<ElementOf<T>> {
    return this.array[Symbol.iterator]() as IterableIterator<ElementOf<T>>;
  }

  static {
    shareable(
      SharedArray,
      KIND.array,
      ({ type, array }: ArrayBody<ElementType>) => `${type} × ${array.length}`,
    );
  }
}

const SHARED_ARRAY: OptionTable<SharedArrayOptions<LockChoice>> = {
  of: "SharedArray",
  checks: { ...SEGMENT_CHECKS, lock: checkChoice },
  bare: "name",
};

function lengthOf(length: unknown): number {
  integer(0)(length, "lengthOrValues");
  return length as number;
}

function creationOf<T extends ElementType>(
  type: T,
  lengthOrValues: number | Iterable<ElementOf<T>> | undefined,
  options: SharedArrayOptions<LockChoice>,
): SegmentCreation {
  const Elements = constructorOf(type);
  checkOptions(options, SHARED_ARRAY);
  const { lock = true, name, persistent } = options;
  checkPersistent(name, persistent);
  const values = typeof lengthOrValues === "number" ? undefined : listOf(type, lengthOrValues);
  const length = values?.length ?? lengthOf(lengthOrValues);
  return {
    kind: KIND.array,
    name,
    isPersistent: persistent,
    size: Math.max(checkBytes(length * Elements.BYTES_PER_ELEMENT), LEAST_BYTES),
    describe: (place) => {
      place.ints[place.base + FIELD.type] = codeOf(type);
      place.floats[(place.base + FIELD.length) / 2] = length;
      describeLock(place, lock, persistent);
    },
    fill: (buffer) => {
      if (values !== undefined) viewOf(type, buffer, length).set(values as never);
    },
    check: (place) => {
      const found = storedType(place);
      if (found !== type) throw wrongType(name!, found, type);
      if (storedLength(place) !== length) {
        throw new InvalidStateError(
          `${JSON.stringify(name)} has ${storedLength(place)} elements, not ${length}: give the same length, or use SharedArray.open.`,
        );
      }
      checkLock(place, lock, name!);
    },
  };
}

/** Typed arrays are taken as they are; other values are looked at one by one. */
function listOf<T extends ElementType>(
  type: T,
  values: Iterable<ElementOf<T>> | undefined,
): ArrayLike<ElementOf<T>> {
  if (values === null || typeof values !== "object" || !(Symbol.iterator in values)) {
    throw wrongArgument("lengthOrValues", "a length or an iterable of values", values);
  }
  if (values instanceof SharedArray) return listOf(type, values.array as never);
  const list = ArrayBuffer.isView(values)
    ? (values as unknown as ArrayLike<ElementOf<T>>)
    : [...values];
  const count = ArrayBuffer.isView(values) ? Math.min(list.length, 1) : list.length;
  for (let i = 0; i < count; i++) {
    const value: unknown = list[i];
    // The name is made only where it is needed: there may be millions.
    if (typeof value !== typeof list[0] || i === 0) {
      checkElement(type, value, `lengthOrValues[${i}]`);
    }
  }
  return list;
}

function viewOf<T extends ElementType>(
  type: T,
  buffer: ArrayBuffer,
  length: number,
): TypedArrays[T] {
  const Elements = constructorOf(type);
  if (length * Elements.BYTES_PER_ELEMENT <= buffer.byteLength) {
    return new Elements(buffer, 0, length);
  }
  throw new InvalidStateError(
    `The entry of a SharedArray is damaged: it says ${length} elements of ${type}, and has ${buffer.byteLength} bytes. End the programs that use it and remove the namespace.`,
  );
}

function storedLength({ floats, base }: Place): number {
  const length = floats[(base + FIELD.length) / 2]!;
  return Number.isSafeInteger(length) && length >= 0 ? length : Infinity;
}

function storedType({ ints, base }: Place): ElementType {
  const type = typeOfCode(Atomics.load(ints, base + FIELD.type));
  if (type !== undefined && type !== "bool") return type;
  throw new InvalidStateError(
    "A SharedArray is of a type that this version of the package does not know: use the same version on both sides.",
  );
}

function wrongType(name: string, found: ElementType, type: ElementType): InvalidStateError {
  return new InvalidStateError(
    `${JSON.stringify(name)} is a SharedArray of ${found}, not of ${type}: open it as that, or choose another name.`,
  );
}
