import { ByteReader, malformed } from "./byte-reader.ts";
import type { DecodedBuffer } from "./decode-state.ts";
import type { EncodeState } from "./encode-state.ts";
import { ATTACH_BYTES, BufferPlace, VIEW_NAMES } from "./tags.ts";
import { Unsendable } from "./unsendable.ts";

/**
 * Number of the memory that `view` looks at, in this message.
 *
 * Views of one buffer share a row, which grows to what they use together: so they arrive as views of
 * one buffer, and a small view of a large buffer does not drag it along. A Buffer cut from Node's pool
 * gets a row for itself: its neighbours there belong to others.
 */
export function viewRow(state: EncodeState, view: ArrayBufferView): number {
  const { buffer, byteOffset, byteLength } = view;
  if (buffer.byteLength === Buffer.poolSize && byteLength < buffer.byteLength) {
    if (view instanceof Uint8Array && state.moved?.has(buffer) !== true) {
      return addRow(state, buffer, byteOffset, byteOffset + byteLength);
    }
  }
  const index = state.bufferIndex?.get(buffer);
  // Rows begin at multiples of 8, so that every kind of view is aligned in the copy too.
  const from = byteOffset & ~7;
  if (index === undefined) {
    const row = addRow(state, buffer, from, byteOffset + byteLength);
    (state.bufferIndex ??= new Map()).set(buffer, row);
    return row;
  }
  widen(state, index, from, byteOffset + byteLength);
  return index;
}

/** Number of the row of a whole buffer. */
export function bufferRow(state: EncodeState, buffer: ArrayBufferLike): number {
  const index = state.bufferIndex?.get(buffer);
  if (index === undefined) {
    const row = addRow(state, buffer, 0, buffer.byteLength);
    (state.bufferIndex ??= new Map()).set(buffer, row);
    return row;
  }
  widen(state, index, 0, buffer.byteLength);
  return index;
}

/** The number that says which kind of view it is; -1 for a kind this format does not know. */
export function viewKind(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return 0;
  if (view instanceof DataView) return 1;
  return VIEW_NAMES.indexOf((view as Uint8Array)[Symbol.toStringTag]);
}

/** Writes the rows, and where they begin, behind the value. */
export function writeBuffers(state: EncodeState): void {
  const { writer, buffers } = state;
  const start = writer.length;
  writer.arrayHeader(buffers.length);
  for (const { buffer, from, to } of buffers) {
    const attachment = place(state, buffer, from, to);
    if (attachment === undefined) {
      writer.number(BufferPlace.inline);
      writer.number(from);
      writer.number(to - from);
      writer.raw(new Uint8Array(buffer, from, to - from));
    } else {
      writer.number(attachment.isLent ? BufferPlace.lent : BufferPlace.attached);
      writer.number(attachment.base);
      writer.number(attachment.index);
      if (attachment.isLent) writer.number(to - from);
    }
  }
  writer.ensure(4);
  writer.position = writer.bytes.writeUInt32BE(start, writer.position);
}

interface Place {
  readonly index: number;
  /** Offset in the source at which the attachment begins. */
  readonly base: number;
  readonly isLent?: boolean;
}

function place(
  state: EncodeState,
  buffer: ArrayBufferLike,
  from: number,
  to: number,
): Place | undefined {
  const toThread = state.options.destination === "thread";
  if (buffer instanceof SharedArrayBuffer) return { index: state.attach(buffer, false), base: 0 };
  if (state.moved?.has(buffer) === true) {
    // A thread gets the memory itself. For a process it is taken away from the sender all the same
    // and sent without a copy, so that a program behaves alike wherever its workers run.
    const moved = toThread ? buffer : detach(buffer);
    return { index: state.attach(moved, toThread), base: 0 };
  }
  if (to - from < ATTACH_BYTES || state.options.isAlone === true) return undefined;
  const bytes = new Uint8Array(buffer, from, to - from);
  const { lend, isSentAtOnce } = state.options;
  if (lend !== undefined) {
    const memory = lend(bytes.length);
    const copy = new Uint8Array(memory, 0, bytes.length);
    copy.set(bytes);
    return { index: state.attach(toThread ? memory : copy, false), base: from, isLent: toThread };
  }
  if (isSentAtOnce === true && !toThread) return { index: state.attach(bytes, false), base: from };
  return { index: state.attach(copyOf(bytes), toThread), base: from };
}

/** As `bytes.slice().buffer`, without filling the memory with zeros first: that takes longer than the copy. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}

function detach(buffer: ArrayBuffer): ArrayBuffer {
  return structuredClone(buffer, { transfer: [buffer] });
}

function addRow(state: EncodeState, buffer: ArrayBufferLike, from: number, to: number): number {
  if (to === from && isDetached(buffer)) {
    throw new Unsendable(buffer, "is a detached ArrayBuffer: it was transferred before");
  }
  return state.buffers.push({ buffer, from, to }) - 1;
}

function widen(state: EncodeState, index: number, from: number, to: number): void {
  const entry = state.buffers[index];
  if (entry === undefined) return;
  entry.from = Math.min(entry.from, from);
  entry.to = Math.max(entry.to, to);
}

function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).length > 0;
  } catch {
    // Only a detached buffer refuses to be looked at.
    return true;
  }
}

/** Reads the table behind the value. @returns its rows, and where it starts: the value ends there. */
export function readBuffers(
  bytes: Uint8Array,
  length: number,
  attachments: readonly unknown[] | undefined,
): { readonly buffers: DecodedBuffer[]; readonly start: number } {
  const end = length - 4;
  const start = new ByteReader(bytes, Math.max(end, 0), length).uint32();
  if (start >= end) throw malformed("its buffers are missing");
  const reader = new ByteReader(bytes, start, end);
  const buffers: DecodedBuffer[] = [];
  const rows = reader.arrayCount();
  const copied = new Set<number>();
  for (let i = 0; i < rows; i++) {
    const where = reader.unsigned();
    const base = reader.unsigned();
    const next = reader.unsigned();
    if (where === BufferPlace.inline) buffers.push({ memory: reader.copy(next), base });
    else if (where === BufferPlace.lent) {
      // Each once: what is copied is no more than what came.
      if (copied.has(next)) throw malformed("it copies the same memory twice");
      copied.add(next);
      buffers.push({ memory: copyOut(attachments?.[next], reader.unsigned()), base });
    } else buffers.push({ memory: memoryOf(attachments?.[next]), base });
  }
  if (reader.position !== end) throw malformed("something follows its buffers");
  return { buffers, start };
}

function copyOut(attachment: unknown, length: number): ArrayBuffer {
  const isThere = attachment instanceof SharedArrayBuffer && length <= attachment.byteLength;
  if (!isThere) throw malformed("an attachment is missing");
  return copyOf(new Uint8Array(attachment, 0, length));
}

function memoryOf(attachment: unknown): ArrayBufferLike {
  if (attachment instanceof ArrayBuffer || attachment instanceof SharedArrayBuffer) {
    return attachment;
  }
  if (!(attachment instanceof Uint8Array)) throw malformed("an attachment is missing");
  const { buffer, byteLength } = attachment;
  // Frames give every attachment memory of its own; anything else must not be aliased.
  return byteLength === buffer.byteLength
    ? buffer
    : Uint8Array.prototype.slice.call(attachment).buffer;
}

type ViewClass = new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayBufferView;

/** Makes a view. Offsets and lengths that do not fit make the constructor throw. */
export function makeView(
  kind: number,
  { memory, base }: DecodedBuffer,
  offset: number,
  length: number,
): ArrayBufferView {
  const name = VIEW_NAMES[kind];
  if (name === undefined) throw malformed("it holds a view of unknown kind");
  const from = offset - base;
  if (from < 0 || from > memory.byteLength) throw malformed("a view lies outside its buffer");
  if (name === "Buffer") {
    // Buffer.from would cut a length that is too large instead of refusing it.
    if (length > memory.byteLength - from) throw malformed("a view lies outside its buffer");
    return Buffer.from(memory as ArrayBuffer, from, length);
  }
  return new (globalThis as unknown as Record<string, ViewClass>)[name]!(memory, from, length);
}
