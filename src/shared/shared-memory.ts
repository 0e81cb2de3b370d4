import { checkSharedName } from "../parking/index.ts";
import { badArgument } from "../util/argument-error.ts";
import { boolean, integer } from "../util/checks.ts";
import { checkOptions, type OptionChecks, type OptionTable } from "../util/option-table.ts";
import { KIND } from "../memory/index.ts";
import { Arrival, openBody, shareable } from "../sync/index.ts";
import { crypto } from "../util/builtin.ts";
import {
  checkBytes,
  openObject,
  SegmentObject,
  unlinkByName,
  type SegmentBody,
  type SegmentCreation,
} from "./segment-object.ts";

/** Options of objects that have memory of their own. */
export interface SegmentOptions {
  /**
   * Up to 192 bytes. Every process of this user can open the object by it, for as long as any of them has
   * it open.
   */
  readonly name?: string | undefined;
  /** Whether it outlives its last user, until `unlink()` or the machine's end; needs a name. Default: false. */
  readonly persistent?: boolean | undefined;
}

/** The checks of {@link SegmentOptions}. */
export const SEGMENT_CHECKS: OptionChecks<SegmentOptions> = {
  name: checkSharedName,
  persistent: boolean,
};

/** Options of {@link SharedMemory.create}. */
export interface SharedMemoryOptions extends SegmentOptions {
  /** Bytes, at least 1. The memory is taken at once and is 0 all over. */
  readonly size: number;
}

const SHARED_MEMORY: OptionTable<SharedMemoryOptions> = {
  of: "SharedMemory.create()",
  checks: { ...SEGMENT_CHECKS, size: integer(1) },
  sisters: { bytes: "size", byteLength: "size", length: "size" },
  bare: "size",
};

const segmentOf: (object: SharedMemory) => SegmentBody = openBody as never;

/**
 * A block of memory that several processes and threads see at once: what one writes into
 * {@link SharedMemory.buffer} the others read, without a copy.
 *
 * It has a name by which any program of this user opens it, and it travels as an argument, in results and through
 * channels, to be attached where it arrives. It ends with its last user, however that one ends, unless it is
 * persistent. Nothing orders what several write: use a lock, or `Atomics` on typed arrays of integers.
 *
 * @example
 * const memory = SharedMemory.create({ size: 1024, name: "frames" });
 * new Uint8Array(memory.buffer)[0] = 7;
 * // in another program
 * const same = SharedMemory.open("frames");
 * @since 0.2.0
 */
export class SharedMemory extends SegmentObject {
  /** @internal */
  constructor(source: SegmentCreation | Arrival) {
    // Called in JavaScript as Python's class is.
    if (!(source instanceof Arrival) && typeof source?.kind !== "number") {
      throw badArgument("Use SharedMemory.create({ size }) or SharedMemory.open(name)");
    }
    super(source, (segment) => segment);
  }

  /**
   * Makes a block.
   *
   * @throws RangeError for a size that is not an integer of 1 or more, or longer than an ArrayBuffer can be.
   * @throws InvalidStateError when the name is taken, or there is not enough memory.
   */
  static create(options: SharedMemoryOptions): SharedMemory {
    checkOptions(options ?? null, SHARED_MEMORY);
    const { size, name, persistent } = options;
    integer(1)(size, "size");
    checkBytes(size);
    checkPersistent(name, persistent);
    const creation = {
      kind: KIND.segment,
      size,
      isPersistent: persistent,
      onPresent: "refuse",
    } as const;
    if (name !== undefined) return new SharedMemory({ ...creation, name });
    for (;;) {
      try {
        return new SharedMemory({
          ...creation,
          name: `shm-${crypto().randomBytes(8).toString("hex")}`,
        });
      } catch (error) {
        if ((error as { readonly reason?: unknown }).reason !== "exists") throw error;
      }
    }
  }

  /**
   * Opens a block that there is; its size is what it was made with.
   * @throws InvalidStateError when there is none of this name.
   */
  static open(name: string): SharedMemory {
    return openObject(KIND.segment, name, SharedMemory);
  }

  /**
   * Makes the name of a block free without opening the block, as {@link SharedMemory.unlink} does; for
   * persistent ones that nobody uses.
   * @returns false when there is none of this name.
   */
  static unlink(name: string): boolean {
    return unlinkByName(KIND.segment, name);
  }

  /** By which other programs open it; generated if none was given. */
  override get name(): string {
    return super.name ?? "";
  }

  /** Bytes. */
  get size(): number {
    return segmentOf(this).memory.byteLength;
  }

  /**
   * The memory itself: make typed arrays and Buffers of it. It is not to be sent: `postMessage`,
   * `structuredClone` and this package's own calls copy what they are given of it, the other side then has an ordinary
   * ArrayBuffer. Send the SharedMemory.
   * @throws InvalidStateError after `close`.
   */
  get buffer(): ArrayBuffer {
    return segmentOf(this).memory;
  }

  static {
    shareable(
      SharedMemory,
      KIND.segment,
      ({ memory }: SegmentBody, name) => `${JSON.stringify(name)}, ${memory.byteLength} bytes`,
    );
  }
}

/** What stays for ever has to be found again. */
export function checkPersistent(name: string | undefined, persistent: boolean | undefined): void {
  if (persistent === true && name === undefined) {
    throw badArgument("Expected a `name` with `persistent`: it is needed to open and unlink it");
  }
}
