import type { RecordBlock } from "./record-block.ts";

/** A record as text, with the number of its line in the source (0 for items). */
export interface RecordText {
  readonly text: string;
  readonly line: number;
}

const SPACE = 32;
const CARRIAGE_RETURN = 13;

/**
 * The records of a block as strings; must find the same records as `textRecords` does in the bytes.
 *
 * The whole block is decoded once: decoding line by line costs several times as much.
 */
export function* recordsOf(block: RecordBlock): Generator<RecordText> {
  if (block.items !== undefined) {
    for (const text of block.items) yield { text, line: 0 };
    return;
  }
  const all = toBuffer(block.text ?? new Uint8Array()).toString("utf8");
  let line = block.firstLine;
  for (let start = 0; start < all.length; line++) {
    const feed = all.indexOf("\n", start);
    const end = feed < 0 ? all.length : feed;
    const last = all.charCodeAt(end - 1) === CARRIAGE_RETURN && end > start ? end - 1 : end;
    const text = all.slice(start, last);
    if (block.format === "lines" || !isBlank(text)) yield { text, line };
    start = end + 1;
  }
}

/** Whether a line holds nothing but blanks and control characters. */
function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > SPACE) return false;
  }
  return true;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
