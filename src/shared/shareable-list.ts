import { inspect } from "node:util";
import { InvalidStateError } from "../errors/index.ts";
import { KIND } from "../memory/index.ts";
import { Arrival, openBody, shareable } from "../sync/index.ts";
import { describeLock, openLock, type SharedLock } from "./companion-lock.ts";
import { capacityFor, decodeItem, encodeItem, sameItem, type ShareableItem } from "./list-item.ts";
import { ListLayout } from "./list-layout.ts";
import {
  checkBytes,
  openObject,
  refuseIndex,
  SegmentObject,
  type SegmentBody,
  type SegmentCreation,
} from "./segment-object.ts";
import { checkPosition, iterable } from "../util/checks.ts";
import { checkOptions, type OptionTable } from "../util/option-table.ts";
import { SEGMENT_CHECKS, checkPersistent, type SegmentOptions } from "./shared-memory.ts";

/** A write takes microseconds; only a process that was stopped in the midst of one makes others wait. */
const WRITE_TIMEOUT_MS = 10_000;

/** A list as this thread sees it. */
interface ListBody extends SegmentBody {
  readonly layout: ListLayout;
  readonly lock: SharedLock | undefined;
}

const listOf: (object: ShareableList) => ListBody = openBody as never;

/**
 * A list of a fixed length in memory that several processes and threads share. Its slots hold numbers, bigints of
 * 64 bits, strings, booleans, null and bytes; a slot may change its type.
 *
 * A slot for a string or bytes has room for the first value, in UTF-8 and rounded up to the next multiple
 * of 8 above; any other has 8 bytes. Each get and each set is atomic, and a process that dies while it writes leaves
 * the value that was there. What goes beyond one slot needs a {@link Lock}.
 *
 * @example
 * const list = new ShareableList(["howdy", 273.154, 100, false, null], { name: "settings" });
 * list.set(0, "hello");
 * // in another program
 * ShareableList.open("settings").get(0); // "hello"
 * @since 0.2.0
 */
export class ShareableList extends SegmentObject {
  /**
   * @param values - any iterable; another list is copied, with room for what it holds now.
   * @throws TypeError for a value that a list cannot hold.
   * @throws InvalidStateError when the name is taken, or there is not enough memory.
   */
  constructor(values: Iterable<ShareableItem>, options?: SegmentOptions);
  /** @internal */
  constructor(values: Iterable<ShareableItem> | Arrival, options: SegmentOptions = {}) {
    super(values instanceof Arrival ? values : creationOf(values, options), (segment) => ({
      ...segment,
      layout: new ListLayout(segment.memory),
      lock: openLock(segment.cell),
    }));
  }

  /**
   * Opens a list that there is.
   * @throws InvalidStateError when there is none of this name.
   */
  static open(name: string): ShareableList {
    return openObject(KIND.list, name, ShareableList);
  }

  /** How many slots it has; that never changes. */
  get length(): number {
    return listOf(this).layout.length;
  }

  /**
   * The value of a slot; negative ones count from the end. Bytes are a copy.
   * @throws RangeError beyond either end.
   */
  get(index: number): ShareableItem {
    const { layout } = listOf(this);
    const at = slotAt(layout, index);
    return itemAt(layout, at);
  }

  /** As {@link ShareableList.get}, but undefined beyond either end, as `at` of an array. */
  at(index: number): ShareableItem | undefined {
    const { length } = this;
    checkPosition(index, "index");
    return index >= -length && index < length ? this.get(index) : undefined;
  }

  /**
   * Changes a slot; negative ones count from the end.
   * @throws RangeError beyond either end, or when the slot has no room for the value: it keeps the one it has.
   * @throws TypeError for a value that a list cannot hold.
   */
  set(index: number, value: ShareableItem): void {
    const { layout, lock } = listOf(this);
    const at = slotAt(layout, index);
    const { kind, data } = encodeItem(value);
    const capacity = layout.capacity(at);
    if (data.length > capacity) {
      throw new RangeError(
        `Slot ${at} has room for ${capacity} bytes, and this value has ${data.length}: make the list with a longer first value there.`,
      );
    }
    const guard = lock?.holdSync({ timeout: WRITE_TIMEOUT_MS });
    try {
      layout.write(at, kind, data);
    } finally {
      guard?.release();
    }
  }

  /** How many slots hold this value. */
  count(value: ShareableItem): number {
    let count = 0;
    for (const item of this) if (sameItem(item, value)) count++;
    return count;
  }

  /** The first slot that holds this value; -1 if there is none. */
  indexOf(value: ShareableItem): number {
    const { length } = this;
    for (let i = 0; i < length; i++) if (sameItem(this.get(i), value)) return i;
    return -1;
  }

  /** Whether a slot holds this value. */
  includes(value: ShareableItem): boolean {
    return this.indexOf(value) !== -1;
  }

  *[Symbol.iterator](): IterableIterator<ShareableItem> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }

  static {
    shareable(ShareableList, KIND.list, ({ layout }: ListBody) => {
      const { length } = layout;
      return inspect(Array.from({ length }, (_, at) => itemAt(layout, at)));
    });
  }
}

function itemAt(layout: ListLayout, at: number): ShareableItem {
  const value = decodeItem(layout.read(at));
  if (value !== undefined) return value;
  throw new InvalidStateError(
    `Slot ${at} of this ShareableList is damaged: something wrote over its memory. Close the list and make it again.`,
  );
}

function slotAt({ length }: ListLayout, index: number): number {
  if (!Number.isInteger(index)) refuseIndex(index, length);
  const at = index < 0 ? length + index : index;
  if (at < 0 || at >= length) refuseIndex(index, length);
  return at;
}

const SHAREABLE_LIST: OptionTable<SegmentOptions> = {
  of: "ShareableList",
  checks: SEGMENT_CHECKS,
  bare: "name",
};

function creationOf(values: Iterable<ShareableItem>, options: SegmentOptions): SegmentCreation {
  iterable(values, "values");
  checkOptions(options, SHAREABLE_LIST);
  const { name, persistent } = options;
  checkPersistent(name, persistent);
  const items = [...values].map((value, at) => encodeItem(value, `values[${at}]`));
  const capacities = items.map((item) => capacityFor(item));
  return {
    kind: KIND.list,
    name,
    isPersistent: persistent,
    size: checkBytes(ListLayout.sizeFor(capacities)),
    onPresent: "refuse",
    describe: (place) => describeLock(place, true, persistent),
    fill: (buffer) => {
      const layout = new ListLayout(buffer);
      layout.format(capacities);
      for (const [index, { kind, data }] of items.entries()) layout.write(index, kind, data);
    },
  };
}
