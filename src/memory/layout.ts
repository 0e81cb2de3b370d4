// The arena, ABI 1: what every version of this package that opens `arena.v1` agrees on. All numbers are
// little-endian; offsets are bytes, or words of 32 bits where the name says so. See README.md.

export const ABI_MAJOR = 1;
export const ABI_MINOR = 1;
export const ARENA_FILE: string = `arena.v${ABI_MAJOR}`;

/** "MNYC" as it stands in the file. */
export const MAGIC = 0x43594e4d;
export const ENDIAN_MARK = 0x01020304;

export const HEADER_SIZE = 8192;
export const SLOT_COUNT = 1024;
export const SLOT_SIZE = 512;
export const CELL_SIZE = 640;
/** Cells of a file; the first file is the arena itself, further ones are `arena.v1.1`, `arena.v1.2`, … */
export const BANK_CELLS = 1024;
export const BANK_SIZE: number = BANK_CELLS * CELL_SIZE;
/** About a million objects. */
export const MAX_BANKS = 1024;
export const FIRST_BANK_OFFSET: number = HEADER_SIZE + SLOT_COUNT * SLOT_SIZE;
export const ARENA_SIZE: number = FIRST_BANK_OFFSET + BANK_SIZE;

/** Words of the header. */
export const HEADER = {
  magic: 0,
  /** major << 16 | minor */
  abi: 1,
  size: 2,
  slotCount: 3,
  slotSize: 4,
  cellSize: 5,
  bankCells: 6,
  endian: 7,
  /** How often the arena's lock was taken, modulo 2^32: who waits for it sees that others have their turns. */
  lockings: 8,
  /** Files of cells that exist; grows. */
  banks: 9,
  /** No cell at or above this index was ever used. */
  cellsUsed: 10,
  /** No slot at or above this index was ever used. */
  slotsUsed: 11,
  /** Hint: where to look for a free cell. */
  nextCell: 12,
  /** Hint: which slot to look at first for one whose participant is dead. */
  nextProbe: 13,
  /** 1: somebody has left without tidying, as the lock was not to be had. */
  untidy: 14,
  /** Heads of the chains of named cells: index + 1, 0 ends a chain. */
  buckets: 1024,
} as const;
export const BUCKET_COUNT = 1024;

/** Words of a slot. */
export const SLOT = {
  /** generation:19 << 2 | state */
  word: 0,
  pid: 1,
  tid: 2,
  flags: 3,
  /** f64, milliseconds since 1970: for people, never evidence. */
  started: 4,
  nameLength: 6,
  /** Name in UTF-8, up to {@link SLOT_NAME_SIZE} bytes. */
  name: 7,
  /** {@link WAIT_RECORDS} records of {@link WAIT_RECORD_WORDS}. */
  waits: 32,
} as const;
export const SLOT_NAME_SIZE = 96;
export const SLOT_FREE = 0;
export const SLOT_LIVE = 2;
export const GENERATION_MASK = 0x7ffff;

/** What a participant waits for, for those who look on. */
export const WAIT_RECORD = {
  /** Cell index + 1; 0 is an unused record. Written last, cleared first. */
  cell: 0,
  cellGeneration: 1,
  flags: 2,
  /** Async context of the wait; 0 with {@link WAIT_SYNC}. */
  context: 3,
  /** Up to this many ancestors of the context follow: a wait blocks what they hold too. */
  ancestors: 4,
  /** f64, milliseconds since 1970. */
  since: 8,
} as const;
export const WAIT_ANCESTORS = 4;
export const WAIT_RECORD_WORDS = 12;
export const WAIT_RECORDS = 8;
/** The whole thread sleeps. */
export const WAIT_SYNC = 1;
/** It may end without this cell: a wait for any of several. */
export const WAIT_ANY = 2;
/** It ends by itself after some time. */
export const WAIT_TIMED = 4;
/** It is not to be ended with a DeadlockError. */
export const WAIT_UNDETECTED = 8;
/** Its task is known not to go on before it: somebody awaits it, and nothing else could run. Kept up by its thread. */
export const WAIT_AWAITED = 16;

/** Words of a cell. */
export const CELL = {
  /** kind:8 | flags:8 << 8 | generation:16 << 16. Kind 0 is free. Written last when a cell is made. */
  head: 0,
  state: 1,
  aux: 2,
  /** Which bit of `waiters` to look at first. */
  cursor: 3,
  /** Async context of the holder; 0 is the whole thread. */
  context: 4,
  /** Token of a waiter that has waited too long: with S in the state the next release hands over to it. */
  starving: 5,
  /** Next cell of the chain of names: index + 1. */
  next: 6,
  hash: 7,
  /** f64: since when the holder holds it. */
  since: 8,
  /** f64: what a kind needs (due time of a timer, bytes of a segment). */
  number: 10,
  /** f64 */
  period: 12,
  /** Spare words for a kind. */
  extra: 14,
  nameLength: 15,
  /** A bit for each participant that has it open. */
  refs: 16,
  /** A bit for each participant that sleeps on it. */
  waiters: 48,
  /** A bit for each member, or {@link BITMAP_WORDS} words for the kind's use. */
  members: 80,
  name: 112,
} as const;
export const BITMAP_WORDS: number = SLOT_COUNT / 32;
/** Bytes of a name: the rest of the cell. */
export const NAME_SIZE: number = CELL_SIZE - CELL.name * 4;

/** Cell flag: the object outlives its last user, until it is unlinked. */
export const FLAG_PERSISTENT = 1;
/** Cell flag: a lock of something persistent, so that its holder's death has to be told although all users are gone. */
export const FLAG_KEEPS_MARK = 2;
/** State of an RWLock's `aux`: somebody writes. It stays when a writer dies, until another has written. */
export const RW_WRITING = 1;

/** Kinds of cells. Numbers are part of the ABI: never renumber. */
export const KIND = {
  lock: 1,
  rlock: 2,
  semaphore: 3,
  boundedSemaphore: 4,
  event: 5,
  condition: 6,
  barrier: 7,
  rwLock: 8,
  timer: 9,
  segment: 10,
  queue: 11,
  /** More words for the cell whose index is in `aux`. */
  extension: 12,
  value: 13,
  array: 14,
  list: 15,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** Kinds whose cells have a file of their own; see `segmentPath`. */
export const KINDS_WITH_FILE: ReadonlySet<number> = new Set([
  KIND.segment,
  KIND.queue,
  KIND.array,
  KIND.list,
]);

export const KIND_NAMES: Readonly<Record<number, string>> = {
  1: "Lock",
  2: "RLock",
  3: "Semaphore",
  4: "BoundedSemaphore",
  5: "Event",
  6: "Condition",
  7: "Barrier",
  8: "RWLock",
  9: "WaitableTimer",
  10: "SharedMemory",
  11: "Queue",
  12: "extension",
  13: "SharedValue",
  14: "SharedArray",
  15: "ShareableList",
};
