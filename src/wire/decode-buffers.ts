import { ByteReader, malformed } from "./byte-reader.ts";
import { BufferPlace, VIEW_NAMES } from "./tags.ts";

/** Memory that views of a message look at. */
export interface DecodedBuffer {
  readonly memory: ArrayBufferLike;
  /** The offset in the sender's buffer at which this memory begins. */
  readonly base: number;
}

/** Reads the table behind the value. @returns its rows, and where it starts: the value ends there. */
export function readBuffers(
  bytes: Uint8Array,
  attachments: readonly unknown[] | undefined,
): { readonly buffers: DecodedBuffer[]; readonly start: number } {
  const end = bytes.length - 4;
  const start = new ByteReader(bytes, Math.max(end, 0), bytes.length).uint32();
  if (start >= end) throw malformed("its buffers are missing");
  const reader = new ByteReader(bytes, start, end);
  const buffers: DecodedBuffer[] = [];
  const rows = reader.arrayCount();
  for (let i = 0; i < rows; i++) {
    const place = reader.unsigned();
    const base = reader.unsigned();
    const next = reader.unsigned();
    if (place === BufferPlace.inline) buffers.push({ memory: reader.copy(next), base });
    else buffers.push({ memory: memoryOf(attachments?.[next]), base });
  }
  if (reader.position !== end) throw malformed("something follows its buffers");
  return { buffers, start };
}

function memoryOf(attachment: unknown): ArrayBufferLike {
  if (attachment instanceof ArrayBuffer || attachment instanceof SharedArrayBuffer) {
    return attachment;
  }
  if (!(attachment instanceof Uint8Array)) throw malformed("an attachment is missing");
  const { buffer, byteLength } = attachment;
  // Frames give every attachment memory of its own; anything else must not be aliased.
  return byteLength === buffer.byteLength ? buffer : Uint8Array.prototype.slice.call(attachment).buffer;
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
