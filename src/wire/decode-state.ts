import { type ByteReader, malformed } from "./byte-reader.ts";
import type { DecodeOptions } from "./codec-types.ts";
import type { Shapes } from "./shapes.ts";

/** Memory that views of a message look at. */
export interface DecodedBuffer {
  readonly memory: ArrayBufferLike;
  /** The offset in the sender's buffer at which this memory begins. */
  readonly base: number;
}

/** Readers of plain values, as the readers of special ones use them. */
export interface DecodeParts {
  /** Reads any value. */
  readonly read: (state: DecodeState) => unknown;
  /** Reads a MessagePack map into own properties of `object`, past all setters. */
  readonly readOwnFields: <T extends object>(state: DecodeState, object: T) => T;
}

/** State of one message that is being read. */
export class DecodeState {
  readonly reader: ByteReader;
  readonly buffers: readonly DecodedBuffer[] | undefined;
  readonly attachments: readonly unknown[] | undefined;
  readonly options: DecodeOptions;
  readonly parts: DecodeParts;
  /** Shapes of the objects so far; only once there is a list of some length. */
  shapes: Shapes | undefined;
  /** Every object so far, by its number. */
  readonly #references: (object | undefined)[] = [];

  constructor(
    reader: ByteReader,
    buffers: readonly DecodedBuffer[] | undefined,
    attachments: readonly unknown[] | undefined,
    options: DecodeOptions,
    parts: DecodeParts,
  ) {
    this.reader = reader;
    this.buffers = buffers;
    this.attachments = attachments;
    this.options = options;
    this.parts = parts;
  }

  /** Gives an object that begins now its number. */
  keep<T extends object>(object: T): T {
    this.#references.push(object);
    return object;
  }

  /** Takes a number for an object that can be made only when what it holds is there. */
  reserve(): number {
    return this.#references.push(undefined) - 1;
  }

  /** Gives the object for a number taken before. */
  fill<T extends object>(place: number, object: T): T {
    this.#references[place] = object;
    return object;
  }

  /** The object with this number. */
  referred(index: number): object {
    const found = this.#references[index];
    if (found === undefined) throw malformed("it refers to an object that is not there");
    return found;
  }
}
