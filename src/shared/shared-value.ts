import { InvalidStateError } from "../errors/index.ts";
import { KIND, type Place } from "../memory/index.ts";
import { checkSharedName, closeCell, type Creation } from "../parking/index.ts";
import { Arrival, openBody, shareable, SyncObject, type Body } from "../sync/index.ts";
import { checkFunction } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { checkWait, type WaitOptions } from "../util/wait-options.ts";
import {
  cellNumber,
  type CellNumber,
  checkValue,
  type ValueOf,
  type ValueType,
} from "./cell-number.ts";
import {
  checkChoice,
  checkLock,
  describeLock,
  openLock,
  type LockChoice,
  type LockOf,
  type SharedLock,
} from "./companion-lock.ts";
import { codeOf, typeOfCode } from "./element-types.ts";
import { FIELD } from "./fields.ts";

/** Options of {@link SharedValue} and {@link SharedArray}. */
export interface LockedOptions<L extends LockChoice = true> {
  /**
   * `true` (default) gives it a lock of its own, `false` none, a lock is used for it too. A named object that is
   * there keeps the lock it has.
   */
  readonly lock?: L | undefined;
  /**
   * Up to 192 bytes. Every process of this user that uses the name has the same object, for as long as any
   * of them has it open.
   */
  readonly name?: string | undefined;
}

/** A value as this thread sees it. */
interface ValueBody<T extends ValueType> extends Body {
  readonly type: T;
  readonly number: CellNumber<ValueOf<T>>;
  readonly lock: SharedLock | undefined;
}

const valueOf: <T extends ValueType>(object: SharedValue<T, LockChoice>) => ValueBody<T> =
  openBody as never;

/**
 * A number or boolean that several processes and threads have together.
 *
 * Every single access is atomic, {@link SharedValue.add} and {@link SharedValue.update} too, which read and
 * write: `counter.value += 1` is two accesses, and loses counts. The lock is for what goes beyond one value.
 * Integers wrap around as those of typed arrays do.
 *
 * It takes no file of its own, but a place among the locks: thousands are fine.
 *
 * @example
 * const counter = new SharedValue("int32");
 * await pool.map(count, items.map((item) => [item, counter]));
 * // in count: counter.add(1)
 * @since 0.2.0
 */
export class SharedValue<
  T extends ValueType = ValueType,
  L extends LockChoice = true,
> extends SyncObject {
  /** Of which type it is. */
  readonly type: T;

  /**
   * @param initial - default: 0, or false; a named value that is there keeps its own.
   * @throws InvalidStateError when the name belongs to something else, or to a value of another type.
   */
  constructor(type: T, initial?: ValueOf<T>, options?: LockedOptions<L>);
  /** @internal */
  constructor(type: T | Arrival, initial?: ValueOf<T>, options: LockedOptions<L> = {}) {
    let stored = type as T;
    super(type instanceof Arrival ? type : creationOf(type, initial, options), (cell) => {
      if (type instanceof Arrival) stored = storedType(cell) as T;
      return {
        cell,
        type: stored,
        number: cellNumber(stored, cell, cell.base + FIELD.value),
        // What the user gave is what the user gets back.
        lock: typeof options.lock === "object" ? options.lock : openLock(cell),
      };
    });
    this.type = stored;
  }

  /** What it is now. Setting it twice in a row is two changes: see {@link SharedValue.add}. */
  get value(): ValueOf<T> {
    return valueOf(this).number.load();
  }

  set value(value: ValueOf<T>) {
    const { number } = valueOf(this);
    number.check(value, "value");
    number.store(value);
  }

  /** The lock that goes with it; undefined with `lock: false`. */
  get lock(): LockOf<L> {
    return valueOf(this).lock as LockOf<L>;
  }

  /**
   * Adds to it, at once and without the lock; a negative number takes away.
   * @returns what it was before.
   * @throws TypeError for a bool.
   */
  add(n: ValueOf<T>): ValueOf<T> {
    const { number } = valueOf(this);
    number.check(n, "n");
    return number.add(n);
  }

  /**
   * Sets it.
   * @returns what it was before.
   */
  exchange(value: ValueOf<T>): ValueOf<T> {
    const { number } = valueOf(this);
    number.check(value, "value");
    return number.exchange(value);
  }

  /**
   * Sets it if it is what is expected.
   * @returns what it was before: equal to `expected` if it was set.
   */
  compareExchange(expected: ValueOf<T>, replacement: ValueOf<T>): ValueOf<T> {
    const { number } = valueOf(this);
    number.check(expected, "expected");
    number.check(replacement, "replacement");
    return number.compareExchange(expected, replacement);
  }

  /**
   * Sets it to what a function makes of it, holding the lock if there is one.
   *
   * Should somebody change the value meanwhile without the lock, the function is called again: no change is
   * lost, whoever makes it.
   *
   * **Waiting**: for the lock. **Cancellation**: safe.
   * @returns what the function made.
   * @throws TimeoutError when the time was up; what the function throws, the value stays then.
   */
  async update(
    body: (value: ValueOf<T>) => ValueOf<T> | Promise<ValueOf<T>>,
    options?: WaitOptions,
  ): Promise<ValueOf<T>> {
    checkWait(options);
    checkFunction(body, "body");
    const { cell, number, lock } = valueOf(this);
    const change = async (): Promise<ValueOf<T>> => {
      for (;;) {
        const before = number.load();
        const after = await body(before);
        if (replace(number, before, after)) return after;
      }
    };
    // The handle may be closed meanwhile.
    cell.handles++;
    try {
      return await (lock === undefined ? change() : lock.run(change, options));
    } finally {
      closeCell(cell);
    }
  }

  /** As {@link SharedValue.update}, with a function that is not async; the thread sleeps while it waits. */
  updateSync(body: (value: ValueOf<T>) => ValueOf<T>, options?: WaitOptions): ValueOf<T> {
    checkWait(options);
    checkFunction(body, "body");
    const { cell, number, lock } = valueOf(this);
    const guard = lock?.holdSync(options);
    cell.handles++;
    try {
      for (;;) {
        const before = number.load();
        const after = body(before);
        if (replace(number, before, after)) return after;
      }
    } finally {
      guard?.release();
      closeCell(cell);
    }
  }

  static {
    shareable(
      SharedValue,
      KIND.value,
      ({ number, type }: ValueBody<ValueType>) => `${type} ${String(number.load())}`,
    );
  }
}

function replace<V>(number: CellNumber<V>, before: V, after: V): boolean {
  number.check(after, "body()");
  const found = number.compareExchange(before, after);
  return found === before || (Number.isNaN(found) && Number.isNaN(before));
}

const SHARED_VALUE: OptionTable<LockedOptions<LockChoice>> = {
  of: "SharedValue",
  checks: { name: checkSharedName, lock: checkChoice },
  bare: "name",
};

function creationOf<T extends ValueType>(
  type: T,
  initial: ValueOf<T> | undefined,
  options: LockedOptions<LockChoice>,
): Creation {
  const code = codeOf(type);
  checkOptions(options, SHARED_VALUE);
  const { lock = true, name } = options;
  if (initial !== undefined) checkValue(type, initial, "initial");
  return {
    kind: KIND.value,
    name,
    fill: (place) => {
      place.ints[place.base + FIELD.type] = code;
      describeLock(place, lock, false);
      if (initial === undefined) return;
      const number = cellNumber(type, place, place.base + FIELD.value);
      number.store(initial);
    },
    check: (place) => {
      const found = storedType(place);
      if (found !== type) {
        throw new InvalidStateError(
          `${JSON.stringify(name)} is a SharedValue of ${found}, not of ${type}: open it as that, or choose another name.`,
        );
      }
      checkLock(place, lock, name!);
    },
  };
}

function storedType({ ints, base }: Place): ValueType {
  const type = typeOfCode(Atomics.load(ints, base + FIELD.type));
  if (type !== undefined) return type;
  throw new InvalidStateError(
    "A SharedValue is of a type that this version of the package does not know: use the same version on both sides.",
  );
}
