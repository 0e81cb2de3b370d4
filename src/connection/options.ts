import { MAX_MESSAGE_BYTES } from "./message-reader.ts";

/** @throws RangeError when it is not a positive integer. */
export function checkCount(count: number | undefined, fallback: number, name: string): number {
  if (count === undefined) return fallback;
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RangeError(`Expected \`${name}\` to be a positive integer, got ${String(count)}`);
}

/** The largest message, in bytes. @throws RangeError when it is not a positive integer. */
export function checkMaxBytes(maxBytes: number | undefined): number {
  return checkCount(maxBytes, MAX_MESSAGE_BYTES, "maxBytes");
}
