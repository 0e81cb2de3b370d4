import { type ByteReader, malformed } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { Tag } from "./tags.ts";

/** Shorter lists are as quick number by number, and smaller. */
const MIN_COLUMN = 32;

/** Kinds of columns: integers of 32 bits, or numbers of any kind. */
const ColumnKind = { int32: 0, float64: 1 } as const;

/**
 * Writes a list as a column if it is long and holds nothing but numbers: without a token each, they take
 * a fraction of the time, and the chunks of a map are such lists more often than not.
 *
 * @returns false when nothing was written.
 */
export function writeColumn(target: ByteWriter, items: readonly unknown[]): boolean {
  if (items.length < MIN_COLUMN) return false;
  const kind = kindOf(items);
  if (kind === undefined) return false;
  target.tag(Tag.column);
  target.byte(kind);
  target.number(items.length);
  if (kind === ColumnKind.int32) target.int32s(items as readonly number[]);
  else target.float64s(items as readonly number[]);
  return true;
}

/** Reads what follows `Tag.column`. */
export function readColumn(reader: ByteReader): number[] {
  const kind = reader.byte();
  const count = reader.unsigned();
  if (kind === ColumnKind.int32) return reader.int32s(count);
  if (kind === ColumnKind.float64) return reader.float64s(count);
  throw malformed("it holds a column of unknown kind");
}

function kindOf(items: readonly unknown[]): number | undefined {
  let kind: number = ColumnKind.int32;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item !== "number") return undefined;
    // An integer of 32 bits has no negative zero.
    if ((item | 0) !== item || (item === 0 && 1 / item < 0)) kind = ColumnKind.float64;
  }
  return kind;
}
