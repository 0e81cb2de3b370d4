import type { ByteReader } from "./byte-reader.ts";

/** Objects with more fields than this are read field by field. */
const MAX_FIELDS = 32;

interface Shape {
  readonly keys: readonly string[];
  /** An object with these keys; copying it is faster than adding them one by one. */
  readonly template: Record<string, unknown>;
}

/**
 * Shapes of the objects of this message so far, by their first key.
 *
 * Lists of records are most of what large messages hold. A copy of a template gets its layout in one
 * step, and comparing a key with the expected one is cheaper than looking it up. Only a guess: an
 * object that turns out different ends the guessing for its first key.
 */
export class Shapes {
  readonly #byFirstKey: Map<string, Shape | undefined> = new Map();

  /** The shape that an object with this first key is likely to have. */
  guess(firstKey: string, count: number): Shape | undefined {
    const shape = this.#byFirstKey.get(firstKey);
    return shape !== undefined && shape.keys.length === count ? shape : undefined;
  }

  /** Learns from an object read in full; the first of a kind decides. */
  learn(object: object): void {
    const keys = Object.keys(object);
    const first = keys[0];
    if (first === undefined || keys.length > MAX_FIELDS || this.#byFirstKey.has(first)) return;
    this.#byFirstKey.set(first, keys.every(isSimple) ? makeShape(keys) : undefined);
  }

  /** Gives up on a first key. */
  forget(firstKey: string): void {
    this.#byFirstKey.set(firstKey, undefined);
  }
}

/** Reads the key if it is the expected one. */
export function readExpected(reader: ByteReader, key: string): boolean {
  const { bytes, position } = reader;
  const length = key.length;
  if (bytes[position] !== (0xa0 | length)) return false;
  for (let i = 0; i < length; i++) {
    if (bytes[position + 1 + i] !== key.charCodeAt(i)) return false;
  }
  reader.position = position + 1 + length;
  return true;
}

/** Short, ASCII, and no index: those come first in an object whatever the order of the message. */
function isSimple(key: string): boolean {
  return key !== "__proto__" && /^[A-Za-z_$][\x20-\x7e]{0,30}$/.test(key);
}

function makeShape(keys: readonly string[]): Shape {
  const object: Record<string, unknown> = {};
  for (const key of keys) object[key] = 0;
  // A field that has held both is laid out to take anything, so that copies need no change later.
  for (const key of keys) object[key] = "";
  return { keys, template: { ...object } };
}
