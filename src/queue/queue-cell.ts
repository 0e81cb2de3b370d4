import { outOfRange, wrongType } from "../util/argument-error.ts";
import { InvalidStateError } from "../errors/index.ts";
import { CELL, KIND, type Place } from "../memory/index.ts";
import {
  closeCell,
  openCell,
  participant,
  segmentPath,
  type Handle,
  type LocalCell,
} from "../parking/index.ts";
import { type Check, integer } from "../util/checks.ts";
import { createRing } from "./ring-file.ts";
import { MAX_CAPACITY, MIN_CAPACITY } from "./ring-layout.ts";

/** Which class a queue is of; stands in `aux` of its cell, part of the ABI. */
const FLAVOUR = { Queue: 1, JoinableQueue: 2, SimpleQueue: 3 } as const;
export type Flavour = keyof typeof FLAVOUR;

const NAMES: readonly string[] = ["thing", ...Object.keys(FLAVOUR)];
const DEFAULT_CAPACITY = 4 * 1024 * 1024;
/** The largest count that a word holds. */
const MAX_SIZE = 2 ** 31 - 1;

/** Settings of a new queue. */
export interface QueueSettings {
  readonly flavour: Flavour;
  readonly name?: string | undefined;
  readonly maxSize?: number | undefined;
  readonly capacityBytes?: number | undefined;
}

/**
 * Opens the queue of this name, or makes one: its cell, a cell each for those who wait for room and for
 * the end of work, and its ring.
 *
 * @returns where it is; one handle of this thread keeps it open.
 */
export function openQueue(settings: QueueSettings): { cell: LocalCell; handle: Handle } {
  const maxSize = limitOf(settings.maxSize);
  const capacity = capacityOf(settings.capacityBytes);
  const { arena } = participant();
  return arena.exclusively(() => {
    let isNew = false;
    const cell = openCell({
      kind: KIND.queue,
      name: settings.name,
      fill({ ints, base }) {
        isNew = true;
        ints[base + CELL.aux] = FLAVOUR[settings.flavour];
      },
      check: (place) => checkFlavour(place, settings),
    });
    const { index, generation } = cell;
    const handle: Handle = { folder: arena.folder, index, generation };
    if (!isNew) return { cell, handle };
    try {
      createRing(segmentPath(arena.folder, index, generation), capacity, maxSize);
      extend(extend(cell));
    } catch (error) {
      closeCell(cell);
      throw error;
    }
    return { cell, handle };
  });
}

/** Hangs one more cell on a cell. */
function extend({ ints, base }: Place): Place {
  const { arena } = participant();
  const { index } = arena.create(KIND.extension, undefined, 0, () => {});
  Atomics.store(ints, base + CELL.extra, index + 1);
  return arena.cell(index);
}

function checkFlavour({ ints, base }: Place, { flavour, name }: QueueSettings): void {
  const present = Atomics.load(ints, base + CELL.aux);
  if (present === FLAVOUR[flavour]) return;
  throw new InvalidStateError(
    `${JSON.stringify(name)} is a ${NAMES[present] ?? "thing"} here, not a ${flavour}: choose another name.`,
  );
}

/** A limit of items as users give it: 0 and less is none, as in Python. */
export function checkMaxSize(value: unknown, name: string): void {
  const expected = `an integer up to ${MAX_SIZE}, or Infinity for no limit`;
  if (typeof value !== "number") throw wrongType(name, expected, value);
  if (value === Infinity) return;
  if (!Number.isSafeInteger(value) || value > MAX_SIZE) throw outOfRange(name, expected, value);
}

/** A limit of items as the ring has it: 0 is none. */
export function limitOf(value: number | undefined): number {
  return value === undefined || value === Infinity ? 0 : Math.max(0, value);
}

/** A number of bytes for items, as users give it. */
export const checkCapacity: Check = integer(1, MAX_CAPACITY);

function capacityOf(value: number | undefined): number {
  if (value === undefined) return DEFAULT_CAPACITY;
  return Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(value)));
}
