// The file behind a queue, version 1: a header and a ring of bytes. Numbers are little-endian; offsets
// are words of 32 bits where the name does not say otherwise. See README.md.

/** "MNYQ" as it stands in the file. */
export const RING_MAGIC = 0x51594e4d;
export const RING_VERSION = 1;
export const RING_HEADER_SIZE = 8192;
/** A ring gets memory in steps of this size when it is first written to. */
export const BACKING_STEP: number = 256 * 1024;
export const MIN_CAPACITY = 4096;
export const MAX_CAPACITY: number = 2 ** 30;

/** Words of the header. What different threads write is kept apart by 128 bytes. */
export const RING = {
  magic: 0,
  version: 1,
  capacity: 2,
  /** Items it holds at most; 0 is no limit. */
  maxSize: 3,
  /** {@link SHUT} and {@link IMMEDIATE}. */
  flags: 4,
  /** Bytes of the ring that have memory behind them; the file is as long as the whole ring. */
  backed: 5,
  sendLock: 32,
  receiveLock: 64,
  /** Items put so far. Its store publishes them. */
  put: 96,
  /** Two words: where the next frame begins when `put` is even, odd. */
  tails: 98,
  /** Two f64: bytes put in files so far, likewise. */
  bigPut: 100,
  /** Items taken so far. Its store gives their bytes back. */
  got: 128,
  heads: 130,
  bigGot: 132,
  /** Items whose taker said that they are done. */
  done: 160,
  /** For each slot the token of a participant that keeps items of its own until there is room. */
  pendingProducers: 1024,
} as const;

/** No more items are put. */
export const SHUT = 1;
/** Nor taken: what is there is as good as gone. */
export const IMMEDIATE = 2;

/** A frame: its length and its kind with the low bits of its number, then its bytes, up to a multiple of 8. */
export const FRAME_HEADER_SIZE = 8;
export const FRAME = {
  /** A value, as the codec wrote it. */
  data: 1,
  /** A value and the memory beside it: number of parts and their lengths as f64, then the parts. */
  parts: 2,
  /** The number of a file that holds the parts, and its size. */
  file: 3,
  /** A Uint8Array, a Buffer: nothing but its bytes. */
  bytes: 5,
  buffer: 6,
  /** Nothing, up to the end of the ring. */
  pad: 4,
} as const;
/** Words of the frame of a file: slot, generation and count of who wrote it, and an f64, its size. */
export const FILE_FRAME_SIZE = 24;
