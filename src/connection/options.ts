import { types } from "node:util";
import { wrongType } from "../util/argument-error.ts";
import { type Check, integer } from "../util/checks.ts";
import { MAX_MESSAGE_BYTES } from "./message-reader.ts";

/** A count of things or bytes. */
export const positive: Check = integer(1);
/** A length of a queue of connections that the system takes. */
export const backlogLength: Check = integer(1, 2 ** 31 - 1);

/** A key as its users give it. */
export const authKey: Check = (value, name) => {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw wrongType(name, "a Uint8Array or a string", value);
  }
};

/** The largest message, in bytes. */
export function maxBytesOf(maxBytes: number | undefined): number {
  return maxBytes ?? MAX_MESSAGE_BYTES;
}

/** Memory to write to. */
export const checkBuffer: Check = (value, name) => {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return;
  throw wrongType(name, "an ArrayBuffer or a view of one", value);
};
