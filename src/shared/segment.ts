import { InvalidStateError } from "../errors/index.ts";
import { CELL, createSegment, openSegment, type Place } from "../memory/index.ts";
import { os, type Mapping } from "../os/index.ts";
import {
  closeCell,
  endIfUnused,
  participant,
  segmentPath,
  type LocalCell,
} from "../parking/index.ts";
import { markUnmovable } from "../util/unmovable.ts";

/** One handle's share in a segment. */
export interface SegmentUse {
  readonly segment: Segment;
  isClosed: boolean;
}

/** The segments this thread has mapped, by cell. */
const mapped = new Map<LocalCell, Segment>();

/** Handles that were dropped without `close`. */
const dropped = new FinalizationRegistry<SegmentUse>((use) => use.segment.onDropped(use));

/** Buffers that nobody has any more, nor a view of them. */
const collected = new FinalizationRegistry<Segment>((segment) => segment.onCollected());

/**
 * The memory behind a cell as this thread has it mapped: once, with one ArrayBuffer for all its handles. (An
 * ArrayBuffer for each would let the engine believe that so much more memory is in use, and collect.)
 *
 * When the last handle is closed, private zeros are put in place of the memory: views that are still about read 0
 * and write nowhere. If a handle was dropped instead, its views may be in use, and the memory stays until the
 * buffer is collected. Then the addresses are given back. As long as the memory is mapped, the segment
 * itself holds the cell open: see `SegmentReaper`.
 */
export class Segment {
  readonly #cell: LocalCell;
  readonly #address: bigint;
  readonly #size: number;
  #buffer: WeakRef<ArrayBuffer>;
  #isAttached = true;
  /** A handle was dropped, and a buffer of that time is about. */
  #isLeaked = false;
  #uses = 0;
  /** Buffers that are about: one, or two while an old one waits for its callback. */
  #buffers = 0;

  private constructor(cell: LocalCell, { address, buffer }: Mapping) {
    this.#cell = cell;
    this.#address = address;
    this.#size = buffer.byteLength;
    this.#buffer = this.#watch(buffer);
    cell.handles++;
    mapped.set(cell, this);
  }

  /** Makes the file of a new cell; `CELL.number` holds its size. */
  static create(cell: LocalCell): Segment {
    return new Segment(cell, createSegment(pathOf(cell), sizeOf(cell)));
  }

  /** The segment of a cell that is there. */
  static of(cell: LocalCell): Segment {
    return mapped.get(cell) ?? new Segment(cell, openSegment(pathOf(cell), sizeOf(cell)));
  }

  /** The memory. Whoever has it keeps it mapped, and whoever takes it without {@link Segment.use} must not keep it. */
  get buffer(): ArrayBuffer {
    const present = this.#buffer.deref();
    if (present !== undefined) return present;
    const buffer = os().view(this.#address, this.#size);
    this.#buffer = this.#watch(buffer);
    return buffer;
  }

  /** One more handle. */
  use(handle: object): SegmentUse {
    const use: SegmentUse = { segment: this, isClosed: false };
    this.#uses++;
    dropped.register(handle, use, use);
    return use;
  }

  /** A handle was closed. */
  close(use: SegmentUse): void {
    if (use.isClosed) return;
    use.isClosed = true;
    dropped.unregister(use);
    this.#uses--;
    if (!this.#isLeaked) this.#settle();
  }

  /** Gives up what has no handle yet. */
  abandon(): void {
    this.#settle();
  }

  onDropped(use: SegmentUse): void {
    use.isClosed = true;
    this.#uses--;
    if (this.#buffers > 0) {
      this.#isLeaked = true;
      return;
    }
    this.#settle();
    endIfUnused(this.#cell);
  }

  onCollected(): void {
    if (--this.#buffers > 0) return;
    this.#isLeaked = false;
    this.#settle();
    endIfUnused(this.#cell);
  }

  #watch(buffer: ArrayBuffer): WeakRef<ArrayBuffer> {
    markUnmovable(buffer);
    forbidTransfer(buffer);
    this.#buffers++;
    collected.register(buffer, this);
    return new WeakRef(buffer);
  }

  #settle(): void {
    if (this.#uses > 0) return;
    const range = { address: this.#address, buffer: { byteLength: this.#size } };
    const wasAttached = this.#isAttached;
    this.#isAttached = false;
    if (this.#buffers === 0) os().unmap(this.#address, this.#size);
    else if (wasAttached) os().detach(range);
    // Last: as long as the memory is mapped the cell has to be open.
    if (!wasAttached) return;
    mapped.delete(this.#cell);
    closeCell(this.#cell);
  }
}

/**
 * `buffer.transfer()` (Node 22) would give the memory to another ArrayBuffer, of which nothing tells whether it
 * is in use.
 */
function forbidTransfer(buffer: ArrayBuffer): void {
  const transfer = (): never => {
    throw new TypeError(
      "Shared memory cannot be transferred: copy it with `slice()`, or send the object it belongs to",
    );
  };
  for (const name of ["transfer", "transferToFixedLength"]) {
    if (name in buffer) Object.defineProperty(buffer, name, { value: transfer });
  }
}

/** Writes the size of a new segment. */
export function setSize({ floats, base }: Place, bytes: number): void {
  floats[(base + CELL.number) / 2] = bytes;
}

/** Bytes of a segment, as its cell says. */
function sizeOf({ floats, base }: Place): number {
  const size = floats[(base + CELL.number) / 2]!;
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new InvalidStateError(
    `An object in ${participant().arena.folder} is damaged: it says it has ${size} bytes. End the programs that use it and remove the namespace.`,
  );
}

function pathOf({ index, generation }: LocalCell): string {
  return segmentPath(participant().arena.folder, index, generation);
}
