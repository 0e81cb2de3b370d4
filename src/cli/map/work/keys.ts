import { recordKey } from "../input/block.ts";
import type { BlockBody } from "../input/block.ts";
import type { ReadRecord } from "./records-of.ts";
import type { RunSpec } from "./run-spec.ts";

/** The key of a record: the field that `--key` names if it has one, else its place. */
export function keyOf(spec: RunSpec, body: BlockBody, record: ReadRecord): string {
  const { keyField, shape } = spec;
  if (keyField !== undefined) {
    const field = fieldOf(record.value, keyField);
    if (typeof field === "string") return field;
    if (field !== undefined) return JSON.stringify(field);
  }
  const format = body.items === undefined ? shape.format : "files";
  return recordKey(format, body.source, record.line, String(record.value));
}

/** A field by its name, or by a path such as `user.id`; `undefined` when there is none. */
export function fieldOf(value: unknown, path: string): unknown {
  if (isRecord(value) && hasField(value, path)) return value[path];
  let found: unknown = value;
  for (const name of path.split(".")) {
    if (!isRecord(found) || !hasField(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

/** Fields may be getters of a class, but what every object inherits is a field of none. */
function hasField(value: Record<string, unknown>, name: string): boolean {
  return Object.hasOwn(value, name) || (name in value && !(name in Object.prototype));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
