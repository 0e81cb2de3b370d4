/** Shorter copies are no work to make anew. */
const MIN_BYTES = 64 * 1024;
/** Memory that waits to be used again, all together. */
const MAX_SPARE_BYTES = 8 * 1024 * 1024;

/** Memory of copies that are stored by now, the longest unused first. */
const spares: Buffer[] = [];
let spareBytes = 0;

/**
 * Copies bytes to be kept for a while. Memory of former copies is used again: the system takes longer to
 * give fresh pages than a copy takes.
 */
export function keepCopy(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  const i = length < MIN_BYTES ? -1 : spares.findLastIndex((spare) => isFor(spare, length));
  if (i < 0) return Buffer.from(bytes);
  const [memory] = spares.splice(i, 1) as [Buffer];
  spareBytes -= memory.length;
  memory.set(bytes);
  return memory.subarray(0, length);
}

/** Gives a copy back that nobody reads any more. */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < MIN_BYTES || buffer.byteLength > MAX_SPARE_BYTES) return;
  const memory = Buffer.from(buffer as ArrayBuffer);
  spares.push(memory);
  for (spareBytes += memory.length; spareBytes > MAX_SPARE_BYTES;) {
    spareBytes -= spares.shift()!.length;
  }
}

/** True for memory that is long enough, and not more than twice that. */
function isFor(spare: Buffer, length: number): boolean {
  return spare.length >= length && spare.length <= length * 2;
}
