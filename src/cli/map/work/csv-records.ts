import type { BlockBody, RecordShape } from "../input/block.ts";
import { hasLoneReturn, parseCsv } from "../input/csv-parser.ts";
import { textRecords } from "../input/split.ts";
import type { ReadRecord } from "./records-of.ts";

/** Fields of one record, or why it has none. */
type Fields = readonly string[] | { readonly malformed: string };

/**
 * Reads records of csv: as objects when the columns have names, else as arrays.
 *
 * Papa Parse reads the block as a whole. Where it complains or finds other records than the command has
 * counted, the records are read one by one, so that a malformed one spoils no other.
 */
export function* csvRecords(shape: RecordShape, body: BlockBody): Generator<ReadRecord> {
  const bytes = body.text ?? new Uint8Array();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  // Without a quote records are lines, and where each stands needs no second look.
  const places = text.includes('"') ? [...textRecords(shape, bytes)] : undefined;
  const all = parseAll(shape, text, places?.length ?? body.count);
  if (all !== undefined) {
    let at = 0;
    for (const fields of all) {
      const line = body.line + (places?.[at]?.line ?? at);
      yield toRecord(body, at, line, fields);
      at += 1;
    }
    return;
  }
  let at = 0;
  for (const place of textRecords(shape, bytes)) {
    yield toRecord(body, at, body.line + place.line, parseOne(shape, place.bytes));
    at += 1;
  }
}

/** All records of a block, or `undefined` when they are better read one by one. */
function parseAll(shape: RecordShape, text: string, count: number): Fields[] | undefined {
  const newline = lineEnd(text);
  if (newline === undefined) return undefined;
  const { rows, complaint } = parseCsv(text, shape.delimiter, newline);
  const last = rows.at(-1);
  if (last?.length === 1 && last[0] === "") rows.pop();
  const isClean = complaint === undefined && rows.length === count;
  // A line that is left out leaves no trace here: which lines the others are in would be wrong.
  const hasBlank = rows.some((fields) => fields.length === 1 && fields[0] === "");
  return isClean && !hasBlank ? rows : undefined;
}

/** The line end of all records; `undefined` when they differ, or when one might be inside quotes. */
function lineEnd(text: string): "\n" | "\r\n" | undefined {
  if (!text.includes("\r")) return "\n";
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    if (text.charCodeAt(at - 1) !== 13) return undefined;
  }
  return /\r(?!\n)/.test(text) ? undefined : "\r\n";
}

function parseOne({ delimiter }: RecordShape, bytes: Buffer): Fields {
  const text = bytes.toString("utf8").replace(/\r?\n?$/, "");
  if (hasLoneReturn(text)) {
    return { malformed: "not a csv record: a carriage return without a line feed ends no row" };
  }
  // Line feeds that are left stand inside quotes, whatever comes before them.
  // The end is kept: the parser judges a quote by what follows it.
  const { rows, complaint } = parseCsv(`${text}\n`, delimiter, "\n");
  if (rows.length > 1 && rows.at(-1)?.join() === "") rows.pop();
  if (complaint !== undefined) return { malformed: `not a csv record: ${complaint}` };
  if (rows.length !== 1) return { malformed: "not a csv record: a quote is in the wrong place" };
  return rows[0] ?? [];
}

function toRecord(body: BlockBody, at: number, line: number, fields: Fields): ReadRecord {
  const index = body.first + at;
  if ("malformed" in fields) return { index, line, value: undefined, malformed: fields.malformed };
  const { columns } = body;
  if (columns === undefined) return { index, line, value: fields, malformed: undefined };
  if (fields.length !== columns.length) {
    const malformed = `expected ${columns.length} fields (${columns.join(", ")}), got ${fields.length}`;
    return { index, line, value: undefined, malformed };
  }
  const value: Record<string, string> = {};
  for (let column = 0; column < columns.length; column++) {
    const [name = "", field = ""] = [columns[column], fields[column]];
    // Assigned to, this one name would set the prototype instead, or vanish.
    if (name === "__proto__") define(value, name, field);
    else value[name] = field;
  }
  return { index, line, value, malformed: undefined };
}

function define(target: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
