import type { BlockBody, RecordShape } from "./block.ts";
import { firstInk } from "./json-scanner.ts";
import { countFeeds, isLineByLine, scannerOf } from "./scanner.ts";

const COMMA = 44;

/** One record inside a block's text. */
export interface TextRecord {
  /** The record with its terminator. */
  readonly bytes: Buffer;
  /** Number of lines of the text before it. */
  readonly line: number;
}

/** The records of a block's text, with where they stand. */
export function* textRecords(shape: RecordShape, text: Uint8Array): Generator<TextRecord> {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const scanner = scannerOf(shape, bytes);
  const isCounted = isLineByLine(shape);
  let line = 0;
  for (let start = 0; start < bytes.length;) {
    const end = scanner.endOf(start, true);
    const feeds = isCounted ? 1 : countFeeds(bytes, start, end);
    if (scanner.isRecord(start, end)) {
      // An element of an array may stand lines behind the comma before it.
      const ink = shape.format === "json" ? firstInk(bytes, start, end) : start;
      yield { bytes: bytes.subarray(ink, end), line: line + countFeeds(bytes, start, ink) };
    }
    line += feeds;
    start = end;
  }
}

/** A record with what ends it, before another one is put behind it: the last one of a file may lack that. */
export function terminated({ format, separator }: RecordShape, text: Uint8Array): Uint8Array {
  const end = format === "json" ? COMMA : separator;
  return text.length === 0 || text.at(-1) === end
    ? text
    : Buffer.concat([text, Buffer.from([end])]);
}

/** A part of a block: its records from one to another, as a block of its own. */
export interface Unit {
  readonly body: BlockBody;
  readonly bytes: number;
}

/** Cuts a block into units of `size` records each, in order; the last one may have fewer. */
export function unitsOf(shape: RecordShape, body: BlockBody, bytes: number, size: number): Unit[] {
  if (body.items !== undefined) return itemUnits(body, body.items, bytes, size);
  const units: Unit[] = [];
  let group: TextRecord[] = [];
  const flush = (): void => {
    const [head] = group;
    if (head === undefined) return;
    const at = units.length * size;
    const picks = body.picks?.slice(at, at + group.length);
    const text = joined(group);
    units.push({
      body: {
        ...body,
        first: picks?.[0]?.index ?? body.first + at,
        count: group.length,
        line: picks?.[0]?.line ?? body.line + head.line,
        text,
        ...(picks && { picks }),
      },
      bytes: text.length,
    });
    group = [];
  };
  for (const record of textRecords(shape, body.text ?? new Uint8Array())) {
    group.push(record);
    if (group.length === size) flush();
  }
  flush();
  return units;
}

/** The units `[from, to)` of a block, of `size` records each, as one. */
export function sliceOf(
  shape: RecordShape,
  { body, bytes }: Unit,
  size: number,
  [from, to]: readonly [from: number, to: number],
): Unit {
  const [start, end] = [from * size, Math.min(to * size, body.count)];
  if (start === 0 && end >= body.count) return { body, bytes };
  const picks = body.picks?.slice(start, end);
  const common = {
    ...body,
    first: picks?.[0]?.index ?? body.first + start,
    count: Math.max(0, end - start),
    ...(picks && { picks }),
  };
  if (body.items !== undefined) {
    const items = body.items.slice(start, end);
    return { body: { ...common, items }, bytes: (bytes / body.count) * items.length };
  }
  const group: TextRecord[] = [];
  let at = 0;
  for (const record of textRecords(shape, body.text ?? new Uint8Array())) {
    if (at >= end) break;
    if (at >= start) group.push(record);
    at += 1;
  }
  const text = joined(group);
  const line = picks?.[0]?.line ?? body.line + (group[0]?.line ?? 0);
  return { body: { ...common, line, text }, bytes: text.length };
}

/** Neighbours in memory stay one piece, so that the lines skipped between them keep their count. */
function joined(group: readonly TextRecord[]): Buffer {
  const [head] = group;
  const tail = group.at(-1);
  if (head === undefined || tail === undefined) return Buffer.alloc(0);
  const { buffer, byteOffset } = head.bytes;
  return Buffer.from(buffer, byteOffset, tail.bytes.byteOffset + tail.bytes.length - byteOffset);
}

function itemUnits(body: BlockBody, items: readonly string[], bytes: number, size: number): Unit[] {
  const units: Unit[] = [];
  for (let at = 0; at < items.length; at += size) {
    const part = items.slice(at, at + size);
    const picks = body.picks?.slice(at, at + part.length);
    const first = picks?.[0]?.index ?? body.first + at;
    units.push({
      body: { ...body, first, count: part.length, items: part, ...(picks && { picks }) },
      bytes: (bytes / items.length) * part.length,
    });
  }
  return units;
}
