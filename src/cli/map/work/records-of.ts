import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import type { BlockBody, RecordShape } from "../input/block.ts";
import { textRecords } from "../input/split.ts";
import { csvRecords } from "./csv-records.ts";

/** A record as the function gets it, or why it cannot be read. */
export interface ReadRecord {
  readonly index: number;
  /** Its line in the source; 0 for items. */
  readonly line: number;
  readonly value: unknown;
  /** The fault in the record itself. */
  readonly malformed: string | undefined;
}

const SPACE = 32;
const CARRIAGE_RETURN = 13;

/**
 * Reads the records of a block; must find the same records as `textRecords` does in the bytes.
 *
 * A whole block is decoded at once: decoding record by record costs several times as much.
 */
export function recordsOf(shape: RecordShape, body: BlockBody): Iterable<ReadRecord> {
  const isText = body.text === undefined || isUtf8(body.text);
  const records = isText ? neighbours(shape, body) : mixed(shape, body, body.text);
  return body.picks === undefined ? records : picked(body, records);
}

function neighbours(shape: RecordShape, body: BlockBody): Iterable<ReadRecord> {
  if (body.items !== undefined) return items(body, body.items);
  switch (shape.format) {
    case "csv":
      return csvRecords(shape, body);
    case "json":
      return elements(shape, body);
    case "jsonl":
    case "lines":
    case "files":
      return separated(shape, body);
  }
}

/** Records of a block some of which are not UTF-8; decoded they would look like others. */
function* mixed(shape: RecordShape, body: BlockBody, text: Uint8Array): Generator<ReadRecord> {
  let index = body.first;
  for (const { bytes, line } of textRecords(shape, text)) {
    const place = { index, line: body.line + line };
    if (isUtf8(bytes)) {
      const one = { ...body, first: index, count: 1, line: place.line, text: bytes };
      yield* neighbours(shape, one);
    } else {
      yield { ...place, value: undefined, malformed: notUtf8(bytes) };
    }
    index += 1;
  }
}

function notUtf8(bytes: Buffer): string {
  const shown = bytes.toString("latin1").trim().slice(0, 40);
  return `not UTF-8 (read as Latin-1 it starts with ${JSON.stringify(shown)}); convert the input with iconv`;
}

/** Records that are no neighbours have their numbers in a list. */
function* picked(body: BlockBody, records: Iterable<ReadRecord>): Generator<ReadRecord> {
  let at = 0;
  for (const record of records) {
    const { index, line } = body.picks?.[at] ?? record;
    at += 1;
    yield { ...record, index, line };
  }
}

function* items(body: BlockBody, list: readonly string[]): Generator<ReadRecord> {
  let index = body.first;
  for (const value of list) {
    const isLost = value.includes("\ufffd") && !existsSync(value);
    const malformed = isLost
      ? `the name of this file is not UTF-8, and so cannot be opened; rename it`
      : undefined;
    yield { index: index++, line: 0, value, malformed };
  }
}

/** Records that end with one certain byte: text as it stands, or values of JSON between blank lines. */
function* separated({ format, separator }: RecordShape, body: BlockBody): Generator<ReadRecord> {
  const end = String.fromCharCode(separator);
  const isJson = format === "jsonl";
  const all = textOf(body);
  let { line, first: index } = body;
  for (let start = 0; start < all.length; line++) {
    const found = all.indexOf(end, start);
    const stop = found < 0 ? all.length : found;
    if (isJson) {
      const text = all.slice(start, stop);
      if (!isBlank(text)) yield parsed(text, index++, line);
    } else {
      const hasReturn = separator !== 0 && all.charCodeAt(stop - 1) === CARRIAGE_RETURN;
      const value = all.slice(start, hasReturn && stop > start ? stop - 1 : stop);
      yield { index: index++, line, value, malformed: undefined };
    }
    start = stop + 1;
  }
}

/** Elements of an array: all at once, and one by one only when that fails. */
function* elements(shape: RecordShape, body: BlockBody): Generator<ReadRecord> {
  const places = [...textRecords(shape, body.text ?? new Uint8Array())];
  const values = parsedArray(textOf(body));
  const hasAll = values !== undefined && values.length === places.length;
  for (const [at, { bytes, line }] of places.entries()) {
    const [index, there] = [body.first + at, body.line + line];
    if (hasAll) yield { index, line: there, value: values[at], malformed: undefined };
    else yield parsed(bytes.toString("utf8").replace(/,\s*$/, ""), index, there);
  }
}

function parsedArray(text: string): unknown[] | undefined {
  try {
    return JSON.parse(`[${text.replace(/,\s*$/, "")}]`) as unknown[];
  } catch {
    // Which element it is the caller finds out by parsing them one by one.
    return undefined;
  }
}

function parsed(text: string, index: number, line: number): ReadRecord {
  try {
    return { index, line, value: JSON.parse(text) as unknown, malformed: undefined };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { index, line, value: undefined, malformed: `not a JSON value: ${detail}` };
  }
}

/** True for a line of nothing but blanks and control characters. */
function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > SPACE) return false;
  }
  return true;
}

function textOf({ text }: BlockBody): string {
  if (text === undefined) return "";
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString("utf8");
}
