// Several pieces of memory in one: how many there are, the length of each, then one after another.

/** Bytes before the first of `count` pieces. */
export function tableSize(count: number): number {
  return (count + 1) * 8;
}

/** The bytes before the pieces. */
export function tableOf(chunks: readonly Uint8Array[]): Uint8Array {
  const table = new Float64Array(chunks.length + 1);
  table[0] = chunks.length;
  for (const [i, { length }] of chunks.entries()) table[i + 1] = length;
  return new Uint8Array(table.buffer);
}

/** Copies one piece as it is, several with their table. */
export function copyIn(target: Uint8Array, chunks: readonly Uint8Array[], at: number): void {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) {
    target.set(only, at);
    return;
  }
  target.set(tableOf(chunks), at);
  let next = at + tableSize(chunks.length);
  for (const chunk of chunks) {
    target.set(chunk, next);
    next += chunk.length;
  }
}

/** Copies pieces that {@link copyIn} wrote, each into memory of its own. */
export function copyOut(source: Buffer, at: number): Uint8Array[] {
  const count = source.readDoubleLE(at);
  const chunks: Uint8Array[] = [];
  let next = at + tableSize(count);
  for (let i = 0; i < count; i++) {
    const length = source.readDoubleLE(at + 8 + i * 8);
    // A copy made by the constructor is not filled with zeros before.
    chunks.push(new Uint8Array(source.subarray(next, next + length)));
    next += length;
  }
  return chunks;
}
