import { ftruncateSync, readSync, writeSync } from "node:fs";
import { os } from "../../../os/index.ts";
import { openNamelessFile } from "../../../util/nameless-file.ts";
import { eventsFrom, HEAD_BYTES, STARTED_AT, STOPPED, WORD } from "../work/checkpoint.ts";
import type { CheckpointEvent, CheckpointPlace } from "../work/checkpoint.ts";
import type { UnitFailure } from "../work/block-result.ts";

/** All of them together, shared out among the blocks under way. */
const TOTAL_BYTES = 16 * 1024 * 1024;
const MOST_BYTES = 1024 * 1024;
const LEAST_BYTES = 128 * 1024;
const PAGE_BYTES = 4096;

/** Work of a block that was done when its worker was ended. */
export interface BlockNotes {
  /** Units that are done. */
  readonly units: number;
  /** True when the one behind them was begun. */
  readonly isBegun: boolean;
  /** As in a block's result: failure number `n` belongs between `parts[n]` and `parts[n + 1]`. */
  readonly parts: readonly Uint8Array[];
  readonly failures: readonly UnitFailure[];
  readonly log: string;
  /** Values that have to be folded, in order, with `--reduce`. */
  readonly partials: readonly Uint8Array[];
  readonly worker: number;
}

/** One place where a worker notes how far it is, as the command sees it. */
export interface OpenCheckpoint {
  readonly place: CheckpointPlace;
  /** Units that are done, and when the one that runs was begun; 0 before the first. */
  look(): { readonly units: number; readonly startedAt: number };
  /** Lets the worker begin nothing more. @returns what it has done; later calls return the same. */
  stop(): BlockNotes;
  /** True when the worker has left it, or is not among those that live. */
  isLeft(alive: ReadonlySet<number>): boolean;
}

/** The places where workers note how far they are, used again and again. */
export class Checkpoints {
  /** The descriptor that processes get at their start; `undefined` for threads. */
  readonly fd: number | undefined;
  readonly #length: number;
  readonly #isFolding: boolean;
  readonly #free: CheckpointPlace[] = [];
  /** Of blocks that were given up: their workers may still write. */
  #retired: { readonly place: CheckpointPlace; readonly checkpoint: OpenCheckpoint }[] = [];
  readonly #most: number;
  #made = 0;

  /**
   * @param blocks - how many are under way at a time.
   * @param isFolding - whether what is noted are values instead of lines.
   */
  constructor(isFile: boolean, blocks: number, isFolding: boolean) {
    const share = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, TOTAL_BYTES / blocks));
    this.#length = Math.floor(share / PAGE_BYTES) * PAGE_BYTES;
    this.#isFolding = isFolding;
    // Some are left over from blocks that were given up.
    this.#most = blocks * 2;
    this.fd = isFile ? openNamelessFile() : undefined;
    if (this.fd !== undefined) ftruncateSync(this.fd, this.#most * this.#length);
  }

  /** A place for a block; `undefined` when there is no room for one. */
  take(alive: () => ReadonlySet<number>): OpenCheckpoint | undefined {
    const place = this.#free.pop() ?? this.#make() ?? this.#reclaim(alive());
    if (place === undefined) return undefined;
    const { memory, offset, length } = place;
    if (memory !== undefined) new Uint8Array(memory, 0, HEAD_BYTES).fill(0);
    else writeSync(this.fd!, Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, offset);
    const bytes = memory ?? this.#mapped();
    return new SharedCheckpoint(place, {
      memory: bytes,
      start: memory === undefined ? offset : 0,
      length,
      fd: this.fd,
      isFolding: this.#isFolding,
    });
  }

  /** Gives a place back. @param isOver - nobody writes there any more. */
  give(checkpoint: OpenCheckpoint, isOver: boolean): void {
    if (isOver) this.#free.push(checkpoint.place);
    else this.#retired.push({ place: checkpoint.place, checkpoint });
  }

  #make(): CheckpointPlace | undefined {
    if (this.#made >= this.#most) return undefined;
    const [length, offset] = [this.#length, this.#made * this.#length];
    if (this.fd === undefined) {
      this.#made += 1;
      return { memory: new SharedArrayBuffer(length), offset: 0, length };
    }
    try {
      // Memory that the file system cannot give would end the worker that touches it.
      writeSync(this.fd, Buffer.alloc(length), 0, length, offset);
    } catch {
      return undefined;
    }
    this.#made += 1;
    return { memory: undefined, offset, length };
  }

  #reclaim(alive: ReadonlySet<number>): CheckpointPlace | undefined {
    const at = this.#retired.findIndex(({ checkpoint }) => checkpoint.isLeft(alive));
    return at < 0 ? undefined : this.#retired.splice(at, 1)[0]?.place;
  }

  #mapping: ArrayBuffer | undefined;
  #isUnmappable = false;

  #mapped(): ArrayBuffer | undefined {
    if (this.#mapping !== undefined || this.#isUnmappable) return this.#mapping;
    try {
      this.#mapping = os().map(this.fd!, this.#most * this.#length).buffer;
    } catch {
      // No native binding here: the file is read and written instead.
      this.#isUnmappable = true;
    }
    return this.#mapping;
  }
}

interface Storage {
  /** `undefined` where the file cannot be had as memory. */
  readonly memory: ArrayBuffer | SharedArrayBuffer | undefined;
  readonly start: number;
  readonly length: number;
  readonly fd: number | undefined;
  readonly isFolding: boolean;
}

class SharedCheckpoint implements OpenCheckpoint {
  readonly place: CheckpointPlace;
  readonly #storage: Storage;
  #notes: BlockNotes | undefined;

  constructor(place: CheckpointPlace, storage: Storage) {
    this.place = place;
    this.#storage = storage;
  }

  look(): { readonly units: number; readonly startedAt: number } {
    const head = this.#read(HEAD_BYTES);
    return { units: head.readInt32LE(WORD.done * 4), startedAt: head.readDoubleLE(STARTED_AT * 8) };
  }

  stop(): BlockNotes {
    return (this.#notes ??= this.#stop());
  }

  isLeft(alive: ReadonlySet<number>): boolean {
    const head = this.#read(HEAD_BYTES);
    const worker = head.readInt32LE(WORD.worker * 4);
    return head.readInt32LE(WORD.left * 4) === 1 || (worker !== 0 && !alive.has(worker));
  }

  #stop(): BlockNotes {
    const { memory, start, length, fd } = this.#storage;
    let { units } = this.look();
    if (memory !== undefined) {
      units = Atomics.exchange(new Int32Array(memory, start, 1), WORD.done, STOPPED);
    } else {
      const stopped = Buffer.alloc(4);
      stopped.writeInt32LE(STOPPED);
      writeSync(fd!, stopped, 0, 4, start + WORD.done * 4);
    }
    return notesOf(this.#read(length), units, this.#storage.isFolding);
  }

  #read(count: number): Buffer {
    const { memory, start, fd } = this.#storage;
    // A copy: what is written meanwhile must not show.
    if (memory !== undefined) return Buffer.from(new Uint8Array(memory, start, count).slice());
    const bytes = Buffer.alloc(count);
    readSync(fd!, bytes, 0, count, start);
    return bytes;
  }
}

function notesOf(bytes: Buffer, units: number, isFolding: boolean): BlockNotes {
  const from = eventsFrom(bytes.length);
  const ends = (WORD.ends + 2 * (units & 1)) * 4;
  const textEnd = units === 0 ? HEAD_BYTES : bytes.readInt32LE(ends);
  const eventsEnd = units === 0 ? from : bytes.readInt32LE(ends + 4);
  const text = bytes.subarray(HEAD_BYTES, textEnd);
  const failures: UnitFailure[] = [];
  const parts: Uint8Array[] = [];
  let log = "";
  let cut = 0;
  for (const line of bytes.toString("utf8", from, eventsEnd).split("\n")) {
    if (line === "") continue;
    const event = JSON.parse(line) as CheckpointEvent;
    if ("log" in event) log += event.log;
    else {
      failures.push(event.failure);
      parts.push(isFolding ? new Uint8Array() : text.subarray(cut, event.textAt));
      cut = event.textAt;
    }
  }
  parts.push(isFolding ? new Uint8Array() : text.subarray(cut));
  return {
    units,
    isBegun: bytes.readDoubleLE(STARTED_AT * 8) > 0,
    parts,
    failures,
    log,
    partials: isFolding ? [...framesOf(text)] : [],
    worker: bytes.readInt32LE(WORD.worker * 4),
  };
}

function* framesOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}
