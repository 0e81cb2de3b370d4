import { globalSlot } from "../util/global-slot.ts";
import type { Destination } from "./codec-types.ts";

/** Room in a frame around a value: for its other fields, and the lengths of its attachments. */
const AROUND_BYTES = 1024 * 1024;
/** Attachments whose number a frame can hold. */
export const MAX_ATTACHMENTS = 0xffff;

/**
 * The largest frame between two processes, in bytes. A slot, so that tests can lower it in a process without
 * making a gigabyte.
 */
export const frameLimit: { bytes: number } = globalSlot("frame-limit", () => ({
  bytes: 1024 * 1024 * 1024,
}));

/**
 * The largest value that a channel to such a destination takes: whoever encodes one is told that it is too
 * large, rather than the sender of the frame, who may be far from the call.
 */
export function maxValueBytes(destination: Destination): number {
  return destination === "process"
    ? Math.max(frameLimit.bytes - AROUND_BYTES, 0)
    : MAX_THREAD_BYTES;
}

/** Bytes of a message without its attachments, which only threads get uncopied and uncounted. */
const MAX_THREAD_BYTES = 0xffff_ffff;
