import { InvalidStateError } from "../errors/index.ts";
import { CELL, createSegment, openSegment, SegmentReaper, type Place } from "../memory/index.ts";
import { os, type Mapping } from "../os/index.ts";
import {
  closeCell,
  discardIfDead,
  participant,
  segmentPath,
  type LocalCell,
} from "../parking/index.ts";
import { markUnmovable } from "../util/unmovable.ts";

/** One handle's view of a segment. */
export interface SegmentUse {
  readonly segment: Segment;
  isClosed: boolean;
}

/** The segments this thread has mapped, by cell. */
const mapped = new Map<LocalCell, Segment>();

/** Buffers whose handles were dropped without `close`: they count as used until nothing sees them. */
const collected = new FinalizationRegistry<SegmentUse>((use) => use.segment.onCollected(use));

let reaper: SegmentReaper | undefined;

/**
 * The memory behind a cell as this thread has it mapped: once, however many handles it has.
 *
 * Each handle has an ArrayBuffer of its own on it, so that the collector tells which are out of use.
 * When no handle is left, private zeros are put in place of the memory: views that are still about read 0
 * and write nowhere. The addresses are given back when the last ArrayBuffer is gone. Until then, or until
 * the zeros are there, the segment itself holds the cell open: see {@link SegmentReaper}.
 */
export class Segment {
  readonly #cell: LocalCell;
  readonly #mapping: Mapping;
  #isAttached = true;
  #uses = 0;
  #buffers = 0;

  private constructor(cell: LocalCell, mapping: Mapping) {
    this.#cell = cell;
    this.#mapping = mapping;
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

  /** All of it, for who makes it to fill it. Not for users: nothing tells whether they still have it. */
  get whole(): ArrayBuffer {
    return this.#mapping.buffer;
  }

  /** Gives up what no handle uses yet. */
  abandon(): void {
    this.#settle();
  }

  /** One more handle, and its buffer. */
  use(): { readonly use: SegmentUse; readonly buffer: ArrayBuffer } {
    const { address, buffer: whole } = this.#mapping;
    const buffer = os().view(address, whole.byteLength);
    markUnmovable(buffer);
    forbidTransfer(buffer);
    const use: SegmentUse = { segment: this, isClosed: false };
    this.#uses++;
    this.#buffers++;
    collected.register(buffer, use);
    return { use, buffer };
  }

  /** A handle was closed. */
  close(use: SegmentUse): void {
    if (use.isClosed) return;
    use.isClosed = true;
    this.#uses--;
    this.#settle();
  }

  /** A buffer is gone. */
  onCollected(use: SegmentUse): void {
    this.#buffers--;
    if (!use.isClosed) {
      use.isClosed = true;
      this.#uses--;
    }
    this.#settle();
    endIfUnused(this.#cell);
  }

  #settle(): void {
    const { address, buffer } = this.#mapping;
    const wasAttached = this.#isAttached;
    if (this.#uses === 0 && wasAttached) {
      this.#isAttached = false;
      mapped.delete(this.#cell);
      if (this.#buffers > 0) os().detach(this.#mapping);
    }
    if (this.#uses === 0 && this.#buffers === 0) os().unmap(address, buffer.byteLength);
    // Last: as long as the memory is mapped the cell has to be open.
    if (wasAttached && !this.#isAttached) closeCell(this.#cell);
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

/**
 * Ends an object whose other users are dead when this thread's last handle is closed: its memory
 * should not wait for the next sweep.
 */
export function endIfUnused(cell: LocalCell): void {
  if (cell.handles > 0) return;
  const { arena, bells } = participant();
  arena.exclusively(() => {
    const { kind, generation } = arena.head(cell.index);
    if (kind !== 0 && generation === cell.generation) discardIfDead(arena, bells, cell.index);
  });
  reaper ??= new SegmentReaper(arena);
  reaper.runSoon();
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
