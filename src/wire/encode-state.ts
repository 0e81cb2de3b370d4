import { isUnmovable } from "../util/unmovable.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Destination, EncodeOptions } from "./codec-types.ts";
import { countMoves, forgetMoves } from "./moves.ts";
import { Tag } from "./tags.ts";
import { hostKind, Unsendable } from "./unsendable.ts";

/** Writers of plain values, as the writers of special ones use them. */
export interface EncodeParts {
  /** Writes any value. */
  readonly write: (state: EncodeState, value: unknown) => void;
  /** Writes the own enumerable fields of an object, as a MessagePack map. */
  readonly writeFields: (state: EncodeState, value: object) => number;
  /** Writes an array that has elements and nothing else. */
  readonly writeItems: (state: EncodeState, value: readonly unknown[]) => void;
  /** Writes an array by what it holds, holes and named properties included. */
  readonly writeSparse: (state: EncodeState, value: readonly unknown[]) => void;
}

/** Objects below this number are looked up in a list; a Map costs more than it saves for so few. */
const LISTED = 12;

/** Memory that views of this message look at. */
export interface BufferEntry {
  readonly buffer: ArrayBufferLike;
  /** The part that is looked at; the rest does not travel. */
  from: number;
  to: number;
}

/** Marks a point of a message to which the encoder can return. */
export interface Checkpoint {
  readonly length: number;
  readonly references: number;
  readonly buffers: number;
  readonly attachments: number;
  readonly opened: number;
  readonly moves: number;
}

/** State of one message that is being written. */
export class EncodeState {
  readonly writer: ByteWriter = new ByteWriter();
  options: EncodeOptions = { destination: "process", root: "value" };
  /** The user's `transfer` list. */
  moved: ReadonlySet<unknown> | undefined;
  /** Inside the fields of an error nothing may be exported that a failure could not take back. */
  lenient = 0;
  readonly buffers: BufferEntry[] = [];
  bufferIndex: Map<object, number> | undefined;
  attachments: unknown[] | undefined;
  transfer: unknown[] | undefined;
  /** Instances whose own `encode` result is being written now: nothing inside may point at them. */
  readonly opened: object[] = [];
  #classes: Set<object> | undefined;
  /** The parts of the encoder that need each other meet here. */
  readonly parts: EncodeParts;
  #seen: object[] = [];
  #count = 0;
  /** The same objects, once they are many. */
  #known: Set<object> | undefined;
  /** Their numbers, once one of them was met again. */
  #index: Map<object, number> | undefined;

  constructor(parts: EncodeParts) {
    this.parts = parts;
  }

  begin(options: EncodeOptions): void {
    this.options = options;
    this.writer.begin();
    const transfer = options.transfer;
    this.moved =
      transfer === undefined || transfer.length === 0
        ? undefined
        : movedSet(transfer, options.destination);
  }

  /** Forgets the message, so that nothing of it is kept alive. */
  reset(): void {
    if (this.#count > LISTED) this.#seen = [];
    else for (let i = 0; i < this.#count; i++) this.#seen[i] = undefined as never;
    this.#count = 0;
    this.#known = undefined;
    this.#index = undefined;
    this.moved = undefined;
    this.lenient = 0;
    if (this.buffers.length > 0) this.buffers.length = 0;
    this.bufferIndex = undefined;
    this.attachments = undefined;
    this.transfer = undefined;
    if (this.opened.length > 0) this.opened.length = 0;
    this.#classes = undefined;
  }

  /** Remembers a class by its prototype. @returns true for the first time in this message. */
  noteClass(prototype: object): boolean {
    if (this.#classes?.has(prototype) === true) return false;
    (this.#classes ??= new Set()).add(prototype);
    return true;
  }

  /** Writes a reference when `value` was met before, else numbers it. @returns true when it was met. */
  refer(value: object): boolean {
    const known = this.#known;
    const count = this.#count;
    if (known === undefined) {
      const seen = this.#seen;
      for (let i = 0; i < count; i++) {
        if (seen[i] === value) return this.#reference(i, value);
      }
      if (count >= LISTED) this.#known = new Set(seen).add(value);
    } else {
      // Most objects are met once: adding one and looking at the size is half the work of a look-up first.
      const { size } = known;
      if (known.add(value).size === size) return this.#reference(this.#numberOf(value), value);
      this.#index?.set(value, count);
    }
    this.#seen[count] = value;
    this.#count = count + 1;
    return false;
  }

  /** True when nothing travels beside the message, nor is looked up in it. */
  get isAlone(): boolean {
    return this.buffers.length === 0 && this.moved === undefined && this.attachments === undefined;
  }

  /** Puts a value beside the message. @returns its index. */
  attach(value: unknown, move: boolean): number {
    const attachments = (this.attachments ??= []);
    if (move) (this.transfer ??= []).push(value);
    return attachments.push(value) - 1;
  }

  checkpoint(): Checkpoint {
    return {
      length: this.writer.length,
      references: this.#count,
      buffers: this.buffers.length,
      attachments: this.attachments?.length ?? 0,
      opened: this.opened.length,
      moves: countMoves(),
    };
  }

  rollback(to: Checkpoint): void {
    this.writer.truncate(to.length);
    forgetMoves(to.moves);
    for (let i = to.references; i < this.#count; i++) {
      this.#known?.delete(this.#seen[i] as object);
      this.#index?.delete(this.#seen[i] as object);
    }
    this.#seen.length = to.references;
    this.#count = to.references;
    this.opened.length = to.opened;
    for (const entry of this.buffers.splice(to.buffers)) this.bufferIndex?.delete(entry.buffer);
    const gone = this.attachments?.splice(to.attachments) ?? [];
    this.transfer = this.transfer?.filter((item) => !gone.includes(item));
  }

  #numberOf(value: object): number {
    if (this.#index === undefined) {
      this.#index = new Map();
      for (let i = 0; i < this.#count; i++) this.#index.set(this.#seen[i] as object, i);
    }
    return this.#index.get(value) as number;
  }

  #reference(index: number, value: object): true {
    if (this.opened.length > 0 && this.opened.includes(value)) throw new CircularCustom(value);
    this.writer.tag(Tag.reference);
    this.writer.number(index);
    return true;
  }
}

/** The data that a registered class's `encode` returned contains the instance itself. */
export class CircularCustom extends Error {
  readonly instance: object;

  constructor(instance: object) {
    super("the data that its class's `encode` returned holds the instance itself");
    this.instance = instance;
  }
}

/** Checks the user's list here, where the error can say which entry it is. */
function movedSet(transfer: readonly unknown[], destination: Destination): Set<unknown> {
  const moved = new Set<unknown>();
  for (const [i, item] of transfer.entries()) {
    // A view in the list means its memory: only whole buffers can move.
    const owner: unknown = ArrayBuffer.isView(item) ? item.buffer : item;
    const reason = transferRefusal(owner, item, destination);
    if (reason !== undefined) throw new Unsendable(TRANSFER, `transfer[${i}] ${reason}`);
    // Shared memory is in both places anyway.
    if (!(owner instanceof SharedArrayBuffer)) moved.add(owner);
  }
  return moved;
}

/** Stands for the value as a whole, which is too much. */
export const WHOLE: object = Object.freeze({});

/** Stands for the list itself: its entries are no part of the value, so no path leads to them. */
export const TRANSFER: object = Object.freeze({});

function transferRefusal(
  owner: unknown,
  item: unknown,
  destination: Destination,
): string | undefined {
  if (owner instanceof ArrayBuffer) {
    if (isUnmovable(owner)) {
      return "is memory that processes share, which cannot be moved: leave it out, it is copied then, or send the shared object itself";
    }
    const isPooled = Buffer.isBuffer(item) && item.byteLength < owner.byteLength;
    if (isPooled && owner.byteLength === Buffer.poolSize) {
      return "lies in the pool that Node shares among Buffers, which cannot be moved: leave it out, it is copied then";
    }
    return undefined;
  }
  if (owner instanceof SharedArrayBuffer) return undefined;
  if (typeof owner !== "object" || owner === null || hostKind(owner) !== "transfer") {
    return "cannot be moved: only ArrayBuffers, MessagePorts and the like can, leave it out";
  }
  if (destination === "thread") return undefined;
  return `is a ${owner.constructor.name}, which only threads can receive: leave it out`;
}
