import { ftruncateSync, readSync, writeSync } from "node:fs";
import { SerializationError } from "../errors/index.ts";

/** Bytes that may lie in a lane at a time; what finds no room goes through the socket. */
const LANE_BYTES = 64 * 1024 * 1024;
/** Below this a socket is as fast. */
export const MIN_LANE_BYTES: number = 64 * 1024;
/** A lane that has grown beyond this gives its memory back when it is empty. */
const KEPT_BYTES = 8 * 1024 * 1024;

/** The descriptors of the two nameless files between two processes, one each way. */
export interface LaneDescriptors {
  readonly out: number;
  readonly in: number;
}

/** A part of a lane. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** The place of one buffer in a lane. */
type Place = readonly [offset: number, length: number];

/**
 * A way for large buffers between two processes: a file in memory that both hold open.
 *
 * A socket takes a megabyte in a dozen turns of both processes; here it is one copy in and one out. The
 * sender places buffers one behind the other, and at the beginning again as soon as the receiver has read
 * what lay there: pages that were used before take a third of the time of new ones.
 */
export class BulkLane {
  readonly #descriptors: LaneDescriptors;
  /** Spans that the receiver has not read, in the order they were sent. */
  readonly #unread: Span[] = [];
  #highest = 0;
  #full = false;

  constructor(descriptors: LaneDescriptors) {
    this.#descriptors = descriptors;
  }

  /** Puts the buffers of one frame into the lane. @returns their places in one list; undefined when they do not fit. */
  put(buffers: readonly (ArrayBuffer | Uint8Array)[]): number[] | undefined {
    let total = 0;
    for (const { byteLength } of buffers) total += byteLength;
    if (this.#full || total < MIN_LANE_BYTES) return undefined;
    const from = this.#room(total);
    if (from === undefined) return undefined;
    const places: number[] = [];
    let at = from;
    for (const buffer of buffers) {
      const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer);
      if (!this.#write(bytes, at)) return undefined;
      places.push(at, bytes.length);
      at += bytes.length;
    }
    this.#unread.push({ from, to: at });
    this.#highest = Math.max(this.#highest, at);
    return places;
  }

  /** Finds the lowest offset at which that many bytes fit. */
  #room(bytes: number): number | undefined {
    const oldest = this.#unread[0];
    const newest = this.#unread.at(-1);
    if (oldest === undefined || newest === undefined) return bytes <= LANE_BYTES ? 0 : undefined;
    const isRound = newest.from < oldest.from;
    if (!isRound && bytes <= oldest.from) return 0;
    return newest.to + bytes <= (isRound ? oldest.from : LANE_BYTES) ? newest.to : undefined;
  }

  /** The receiver has read one frame's buffers. */
  release(): void {
    this.#unread.shift();
    if (this.#unread.length > 0 || this.#highest <= KEPT_BYTES) return;
    ftruncateSync(this.#descriptors.out, 0);
    this.#highest = 0;
  }

  /** Takes buffers out of the other side's lane. @throws SerializationError for places that cannot be. */
  take(places: readonly unknown[]): Uint8Array[] {
    const buffers: Uint8Array[] = [];
    for (let i = 0; i < places.length; i += 2) {
      const [offset, length] = checkPlace(places[i], places[i + 1]);
      const buffer = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length;) {
        const read = readSync(this.#descriptors.in, buffer, done, length - done, offset + done);
        if (read === 0) throw new SerializationError("A buffer of a message is missing.");
        done += read;
      }
      buffers.push(buffer);
    }
    return buffers;
  }

  #write(bytes: Uint8Array, offset: number): boolean {
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.#descriptors.out, bytes, done, bytes.length - done, offset + done);
      }
      return true;
    } catch {
      // No memory left for the file (a container may give /dev/shm little): the socket takes over.
      this.#full = true;
      return false;
    }
  }
}

function checkPlace(offset: unknown, length: unknown): Place {
  const fits =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    (offset as number) >= 0 &&
    (length as number) >= 0 &&
    (offset as number) + (length as number) <= LANE_BYTES;
  if (!fits) throw new SerializationError("A message names a buffer outside of its lane.");
  return [offset as number, length as number];
}
