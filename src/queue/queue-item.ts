import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { InvalidStateError } from "../errors/index.ts";
import { onSharedFile } from "../memory/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { decodeValue, encodeValue } from "../wire/codec.ts";
import { giveBack, keepCopy } from "./kept-memory.ts";
import { tableOf, tableSize } from "./parts.ts";
import { FRAME_HEADER_SIZE, MIN_CAPACITY } from "./ring-layout.ts";
import type { FileName, Incoming, Outgoing, RawKind } from "./ring.ts";

/** States of an item that was given to a queue. */
export type ItemState =
  /** Its `put` waits. */
  | "waiting"
  /** Its `put` is over; this thread keeps it until there is room. */
  | "buffered"
  | "stored"
  /** The queue was shut down before. */
  | "refused"
  /** Its `put` was given up. */
  | "withdrawn";

const NOTHING: readonly Buffer[] = [];

/** An item on its way into a queue. */
export class Item implements Outgoing {
  chunks: readonly Uint8Array[];
  readonly length: number;
  file: FileName | undefined;
  state: ItemState = "waiting";
  /** Reason of a withdrawal that its `put` did not ask for. */
  error: unknown;

  readonly raw: RawKind | undefined;
  #copies: readonly Buffer[] = NOTHING;

  constructor(chunks: readonly Uint8Array[], raw?: RawKind) {
    this.chunks = chunks;
    this.raw = raw;
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    this.length = length;
  }

  /** Copies what its owner may change from now on. */
  keep(): void {
    // The first chunk is the codec's own, if it has written one.
    const own = this.raw === undefined ? 1 : 0;
    if (this.chunks.length === own) return;
    this.#copies = this.chunks.slice(own).map(keepCopy);
    this.chunks = [...this.chunks.slice(0, own), ...this.#copies];
  }

  /** Lets go of its bytes: nobody will read them here. */
  drop(): void {
    this.chunks = NOTHING;
    for (const copy of this.#copies) giveBack(copy);
    this.#copies = NOTHING;
  }
}

/** Longer ones may have to go to a file in a small queue. */
const MAX_RAW_BYTES: number = MIN_CAPACITY / 2 - FRAME_HEADER_SIZE;
/** Large memory is not copied for the message: it goes into the ring at once, or {@link Item.keep} copies it. */
const TO_ANYWHERE = { destination: "process", root: "item", isSentAtOnce: true } as const;
const NO_OPTIONS = {};

/** Takes a short item as it stands in memory that will be used for others. @returns false when it cannot. */
export type Store = (bytes: Uint8Array, from: number, to: number, raw?: RawKind) => boolean;

/**
 * Writes a value, if it is short into its place at once.
 * @returns the item when it is not stored yet.
 * @throws SerializationError with the path of what cannot travel.
 */
export function packItem(value: unknown, store: Store): Item | undefined {
  const raw = rawKind(value);
  if (raw !== undefined) {
    const bytes = value as Uint8Array;
    return store(bytes, 0, bytes.length, raw) ? undefined : new Item([bytes], raw);
  }
  const encoded = encodeValue(value, TO_ANYWHERE, store);
  if (encoded === undefined) return undefined;
  const { bytes, attachments } = encoded;
  if (attachments === undefined) return new Item([bytes]);
  const memory = attachments.map((piece) =>
    piece instanceof Uint8Array ? piece : new Uint8Array(piece as ArrayBuffer),
  );
  return new Item([bytes, ...memory]);
}

/** Short bytes need no codec: their kind says all. */
function rawKind(value: unknown): RawKind | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  // An empty one may be detached, and what is shared does not travel: the codec tells.
  const isShort = value.byteLength > 0 && value.byteLength <= MAX_RAW_BYTES;
  if (!isShort || !(value.buffer instanceof ArrayBuffer)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Uint8Array.prototype) return "bytes";
  return prototype === Buffer.prototype ? "buffer" : undefined;
}

/** Reads a value. @throws SerializationError when its class is not known here. */
export function unpackItem({ bytes, length, attachments, isRaw }: Incoming): unknown {
  return isRaw ? bytes : decodeValue(bytes, attachments, NO_OPTIONS, length);
}

let filesMade = 0;

/** Writes an item that is too long for the ring to a file, and notes its name in it. */
export function writeItemFile(folder: string, item: Item, slot: number, generation: number): void {
  filesMade = (filesMade + 1) | 0;
  const name = [slot, generation, filesMade] as const;
  const path = itemPath(folder, name);
  const fd = onSharedFile(path, () => openSync(path, "wx", 0o600));
  try {
    onSharedFile(path, () => {
      for (const chunk of [tableOf(item.chunks), ...item.chunks]) {
        for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      }
    });
    item.file = name;
    faultPoint("queue:file-written");
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Reads the file of an item that was taken, and removes it. */
export function readItemFile(folder: string, name: FileName): Incoming {
  const path = itemPath(folder, name);
  const fd = onSharedFile(path, () => openSync(path, "r"));
  try {
    const count = readFully(fd, 8).readDoubleLE(0);
    const lengths = readFully(fd, tableSize(count) - 8);
    const chunks = Array.from({ length: count }, (_, i) =>
      readFully(fd, lengths.readDoubleLE(i * 8)),
    );
    faultPoint("queue:file-read");
    const [bytes = new Uint8Array(0), ...attachments] = chunks;
    return { bytes, length: bytes.length, attachments, isRaw: false, file: undefined };
  } finally {
    closeSync(fd);
    rmSync(path, { force: true });
  }
}

/** Removes the file of an item that will not be sent. */
export function dropItemFile(folder: string, item: Item): void {
  if (item.file !== undefined) rmSync(itemPath(folder, item.file), { force: true });
}

function itemPath(folder: string, name: FileName): string {
  return join(folder, `i${name.join("-")}`);
}

function readFully(fd: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length;) {
    const count = readSync(fd, bytes, at, length - at, null);
    if (count === 0) {
      throw new InvalidStateError("The file of a large item is damaged: it is too short.");
    }
    at += count;
  }
  return bytes;
}
