/**
 * The wire format of values is MessagePack, with what MessagePack lacks behind its one unused byte.
 *
 * A message is one lead byte (see {@link Lead}), one value, and for `Lead.withBuffers` the buffer table
 * and its offset. Numbers, strings, booleans, null, dense arrays and plain objects are plain
 * MessagePack; bigints of 64 bits are its int64/uint64; everything else is {@link EXTENSION}, a
 * {@link Tag} and the tag's own data. Every object is numbered in the order in which it begins, so
 * that `Tag.reference` can point back; that is how cycles and shared references survive.
 */
export const Lead = { plain: 0, withBuffers: 1 } as const;

/** MessagePack never uses this byte. */
export const EXTENSION = 0xc1;

/** Bytes that follow {@link EXTENSION}; lengths and numbers are MessagePack integers unless noted. */
export const Tag = {
  undefined: 0,
  /** `index` of an object that began earlier in this message. */
  reference: 1,
  /** An element of a dense array that does not exist. */
  hole: 2,
  /** `bytes`, then UTF-16LE: a string with lone surrogates, which UTF-8 cannot hold. */
  utf16: 3,
  /** `negative, bytes`, then the magnitude, most significant byte first. */
  bigint: 4,
  /** `value`: milliseconds, NaN when invalid. */
  date: 5,
  /** `source, flags`. */
  regexp: 6,
  /** `size, key, value…`. */
  map: 7,
  /** `size, value…`. */
  set: 8,
  /** `length, count, key, value…`: an array with many holes or with named properties. */
  sparse: 9,
  /** A MessagePack map: an object without a prototype. */
  bare: 10,
  /** `value`: a Number, String, Boolean or BigInt object. */
  boxed: 11,
  /** `buffer`. */
  arrayBuffer: 12,
  /** `kind, buffer, offset, length`; length in elements. */
  view: 13,
  /** `index` of a value that travels beside the bytes. */
  attached: 14,
  /** `href`. */
  url: 15,
  /** `text`. */
  searchParams: 16,
  /** See `error-fields.ts`. */
  error: 17,
  /** `name`, then a MessagePack map: a registered class, own fields. */
  instance: 18,
  /** `name, data`: a registered class with functions of its own. */
  custom: 19,
  /** `id`: an async iterable that stays where it is. */
  iterable: 20,
  /** `id`: a web stream that stays where it is. */
  readable: 21,
  /** `kind, count`, then the numbers: a list of nothing but numbers. Only in frames; see `columns.ts`. */
  column: 22,
  /** `name`, then a MessagePack map: the first instance in a message of a class that nobody registered. */
  unregistered: 23,
} as const;

/** Kinds of views, by number; Buffer and DataView are the odd ones. */
export const VIEW_NAMES: readonly string[] = [
  "Buffer",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "Float16Array",
];

/**
 * Buffers from this size on travel beside the message. Below it one more copy costs less than an
 * attachment (a transfer between threads costs about 10 µs, a copy of 64 KiB about 5 µs each way).
 */
export const ATTACH_BYTES: number = 64 * 1024;

/** Longer arrays with holes are written as lists of what they hold, not element by element. */
export const SPARSE_LENGTH: number = 4096;

/**
 * Places of the bytes of a buffer: the first number of a row of the buffer table. `lent` is shared memory
 * out of which the receiver copies them.
 */
export const BufferPlace = { inline: 0, attached: 1, lent: 2 } as const;
