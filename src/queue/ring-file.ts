import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { allocateMemory, checkSize, onSharedFile } from "../memory/index.ts";
import { os, type Mapping } from "../os/index.ts";
import {
  BACKING_STEP,
  MAX_CAPACITY,
  MIN_CAPACITY,
  RING,
  RING_HEADER_SIZE,
  RING_MAGIC,
  RING_VERSION,
} from "./ring-layout.ts";

const RING_FILE = "ring";
/** Memory of a new ring. */
const FIRST_BYTES = 64 * 1024;

/** Gives the addresses of a ring back when nothing looks at them any more. */
const unmapped = new FinalizationRegistry<{ readonly address: bigint; readonly length: number }>(
  ({ address, length }) => os().unmap(address, length),
);

/** Makes the folder of a new queue, and its ring. Nobody else knows the folder yet. */
export function createRing(folder: string, capacity: number, maxSize: number): void {
  const path = join(folder, RING_FILE);
  const fd = onSharedFile(path, () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    return openSync(path, "wx+", 0o600);
  });
  try {
    onSharedFile(path, () => ftruncateSync(fd, RING_HEADER_SIZE + capacity));
    const backed = Math.min(capacity, FIRST_BYTES);
    allocateMemory(fd, RING_HEADER_SIZE + backed, path);
    const words = new Int32Array(RING.backed + 1);
    words[RING.backed] = backed;
    words[RING.magic] = RING_MAGIC;
    words[RING.version] = RING_VERSION;
    words[RING.capacity] = capacity;
    words[RING.maxSize] = maxSize;
    onSharedFile(path, () => writeSync(fd, words, 0, words.byteLength, 0));
  } finally {
    closeSync(fd);
  }
}

/** Maps the ring of a queue that somebody has open. */
export function mapRing(folder: string): Mapping {
  const path = join(folder, RING_FILE);
  const fd = openRing(path);
  try {
    checkSize(fd, RING_HEADER_SIZE, path);
    const capacity = checkHeader(
      onSharedFile(path, () => os().map(fd, RING_HEADER_SIZE)),
      path,
    );
    checkSize(fd, RING_HEADER_SIZE + capacity, path);
    const mapping = onSharedFile(path, () => os().map(fd, RING_HEADER_SIZE + capacity));
    unmapped.register(mapping.buffer, {
      address: mapping.address,
      length: RING_HEADER_SIZE + capacity,
    });
    return mapping;
  } finally {
    closeSync(fd);
  }
}

function openRing(path: string): number {
  return onSharedFile(path, () => openSync(path, constants.O_RDWR | constants.O_NOFOLLOW));
}

/**
 * Puts memory behind more of a ring; touching what has none could end the process.
 * @returns how many bytes of the ring have memory now.
 * @throws InvalidStateError when the file system is full.
 */
export function backRing(folder: string, capacity: number, needed: number): number {
  const backed = Math.min(capacity, Math.ceil(needed / BACKING_STEP) * BACKING_STEP);
  const path = join(folder, RING_FILE);
  const fd = openRing(path);
  try {
    allocateMemory(fd, RING_HEADER_SIZE + backed, path);
  } finally {
    closeSync(fd);
  }
  return backed;
}

/** Refuses a file that is not a ring of this version, before more of it is mapped. */
function checkHeader({ buffer, address }: Mapping, path: string): number {
  const words = new Int32Array(buffer).slice(0, RING.maxSize + 1);
  os().unmap(address, RING_HEADER_SIZE);
  if (words[RING.magic] !== RING_MAGIC) {
    throw new InvalidStateError(
      `${path} is damaged: it is not the ring of a queue. End the programs that use it and remove its folder.`,
    );
  }
  if (words[RING.version] !== RING_VERSION) {
    throw new NotSupportedError(
      `${path} was made by a version of this package whose queues have layout ${words[RING.version]}, and here it is ${RING_VERSION}. End the programs that use it, or set MANYCORE_NAMESPACE to another name.`,
    );
  }
  const capacity = words[RING.capacity]!;
  if (capacity < MIN_CAPACITY || capacity > MAX_CAPACITY || (capacity & (capacity - 1)) !== 0) {
    throw new InvalidStateError(
      `${path} is damaged: its capacity is ${capacity}. End the programs that use it and remove its folder.`,
    );
  }
  return capacity;
}
