import { fstatSync, readSync, writeSync } from "node:fs";
import { os } from "../../../os/index.ts";
import { hrtime } from "../../../util/platform.ts";
import type { UnitFailure } from "./block-result.ts";

/** By which descriptor a worker process has the file of the checkpoints; see `process/spawn.ts`. */
const SHARED_FD = 7;

/** A place for a worker to note how far it is with a block. */
export interface CheckpointPlace {
  /** For threads; else it is in a file that the worker was given at its start. */
  readonly memory: SharedArrayBuffer | undefined;
  /** Its offset in the file. */
  readonly offset: number;
  readonly length: number;
}

/** Places in the head, as 32-bit words. */
export const WORD = {
  /** Number of units that are done; {@link STOPPED} when no more may be begun, or be counted as done. */
  done: 0,
  /** 1 when the worker has left the block. */
  left: 1,
  /** Ends of the text and of the events after an even number of units, and after an odd one. */
  ends: 2,
  worker: 8,
} as const;
/** When the unit that runs was begun, as a 64-bit float; 0 between two. */
export const STARTED_AT = 3;
export const STOPPED = -1;
export const HEAD_BYTES = 64;
/** The share of failures and rows of the job log; the rest is for text. */
const EVENTS_SHARE = 0.25;

/** The offset of the events. */
export function eventsFrom(length: number): number {
  return HEAD_BYTES + 8 * Math.floor(((length - HEAD_BYTES) * (1 - EVENTS_SHARE)) / 8);
}

/** Milliseconds by a clock that is the same in all processes. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Something noted beside the text, as a line of JSON. */
export type CheckpointEvent =
  | { readonly failure: UnitFailure; /** Bytes of text before it. */ readonly textAt: number }
  | { readonly log: string };

/**
 * Notes of how far a worker is with its block, where its death does not reach: the parent reads it then, so that what
 * was done is not done again, and the one record that ran is known.
 *
 * It is memory that both have. Text and events are written first, then the number of units is raised, by an
 * exchange that fails once the parent has stopped the block: what it has not seen as done is not done.
 */
export class Checkpoint {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  /** Set where memory cannot be shared: what changes is written to the file. */
  readonly #file: { readonly fd: number; readonly offset: number } | undefined;
  #units = 0;
  #textEnd = HEAD_BYTES;
  #taken = HEAD_BYTES;
  #eventsEnd: number;
  readonly #eventsFrom: number;

  constructor(place: CheckpointPlace, worker: number) {
    const { length, offset } = place;
    const mapped = place.memory ?? mappedFile();
    const [memory, start] = mapped === undefined ? [new ArrayBuffer(length), 0] : [mapped, offset];
    this.#file = mapped === undefined ? { fd: SHARED_FD, offset } : undefined;
    this.#bytes = Buffer.from(memory as ArrayBuffer, start, length);
    this.#words = new Int32Array(memory, start, HEAD_BYTES / 4);
    this.#times = new Float64Array(memory, start, HEAD_BYTES / 8);
    this.#eventsFrom = eventsFrom(length);
    this.#eventsEnd = this.#eventsFrom;
    this.#words[WORD.worker] = worker;
    this.#writeBack(0, HEAD_BYTES);
  }

  /** Notes that the next unit begins. @returns false when it must not. */
  begin(at: number): boolean {
    if (this.#isStopped()) return false;
    this.#times[STARTED_AT] = at;
    if (this.#file !== undefined) this.#writeBack(STARTED_AT * 8, 8);
    return true;
  }

  /** Adds lines to what the unit under way has given. @returns false when there is no room. */
  addText(text: string): boolean {
    const room = this.#eventsFrom - this.#textEnd;
    // A character takes three bytes at most; counting them is dearer than writing them.
    if (text.length * 3 > room && Buffer.byteLength(text) > room) return false;
    const from = this.#textEnd;
    this.#textEnd += this.#bytes.write(text, from);
    this.#writeBack(from, this.#textEnd - from);
    return true;
  }

  /** Adds bytes with their length before them. @returns false when there is no room. */
  addBytes(bytes: Uint8Array): boolean {
    const from = this.#textEnd;
    if (from + 4 + bytes.length > this.#eventsFrom) return false;
    this.#bytes.writeUInt32LE(bytes.length, from);
    this.#bytes.set(bytes, from + 4);
    this.#textEnd += 4 + bytes.length;
    this.#writeBack(from, this.#textEnd - from);
    return true;
  }

  /** Adds a failure or a row of the job log. @returns false when there is no room. */
  addEvent(event: CheckpointEvent): boolean {
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    const from = this.#eventsEnd;
    if (from + line.length > this.#bytes.length) return false;
    this.#bytes.set(line, from);
    this.#eventsEnd += line.length;
    this.#writeBack(from, line.length);
    return true;
  }

  /** A copy of the text that was added since the last call. */
  takeText(): Buffer {
    const text = Buffer.from(this.#bytes.subarray(this.#taken, this.#textEnd));
    this.#taken = this.#textEnd;
    return text;
  }

  /** Bytes of text so far. */
  get textLength(): number {
    return this.#textEnd - HEAD_BYTES;
  }

  /** Counts the unit under way as done, with what was added for it. @returns false when the block was stopped. */
  commit(): boolean {
    const next = this.#units + 1;
    const ends = WORD.ends + 2 * (next & 1);
    this.#words[ends] = this.#textEnd;
    this.#words[ends + 1] = this.#eventsEnd;
    this.#times[STARTED_AT] = 0;
    const before = Atomics.compareExchange(this.#words, WORD.done, this.#units, next);
    if (before !== this.#units) return false;
    this.#writeBack(0, HEAD_BYTES);
    this.#units = next;
    return true;
  }

  /** Notes that the worker has nothing to do with the block any more. */
  leave(): void {
    Atomics.store(this.#words, WORD.left, 1);
    this.#writeBack(WORD.left * 4, 4);
  }

  #isStopped(): boolean {
    if (this.#file !== undefined) {
      const { fd, offset } = this.#file;
      readSync(fd, this.#bytes, WORD.done * 4, 4, offset + WORD.done * 4);
    }
    return Atomics.load(this.#words, WORD.done) !== this.#units;
  }

  #writeBack(from: number, count: number): void {
    if (this.#file === undefined) return;
    const { fd, offset } = this.#file;
    for (let at = from; at < from + count;) {
      at += writeSync(fd, this.#bytes, at, from + count - at, offset + at);
    }
  }
}

let mapping: { readonly buffer: ArrayBuffer } | undefined;

/** The file of the checkpoints as memory; `undefined` where there are no such system calls. */
function mappedFile(): ArrayBuffer | undefined {
  const { size } = fstatSync(SHARED_FD);
  if (mapping !== undefined && mapping.buffer.byteLength >= size) return mapping.buffer;
  try {
    mapping = os().map(SHARED_FD, size);
    return mapping.buffer;
  } catch {
    // No native binding here: what is noted is written, which takes a microsecond for each record.
    return undefined;
  }
}
