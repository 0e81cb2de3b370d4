/** Bytes whose every position can be checked. */
export function makeBytes(length) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = expected(i);
  return bytes;
}

/** Whether `flip` had exactly these bytes: both ends inverted as often as said, samples between them whole. */
export function isFlipped(bytes, length, times = 1) {
  if (bytes?.length !== length) return false;
  const ends = times % 2 === 1 ? 0xff : 0;
  if (bytes[0] !== (expected(0) ^ ends)) return false;
  if (bytes[length - 1] !== (expected(length - 1) ^ ends)) return false;
  const step = length >> 6;
  for (let i = step; i < length - 1; i += step) if (bytes[i] !== expected(i)) return false;
  return true;
}

function expected(i) {
  return (i * 31 + (i >> 8)) & 0xff;
}
