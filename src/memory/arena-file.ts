import { closeSync, constants, fstatSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { InvalidStateError, NotSupportedError } from "../errors/index.ts";
import { os } from "../os/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import {
  ABI_MAJOR,
  ABI_MINOR,
  ARENA_FILE,
  ARENA_SIZE,
  BANK_CELLS,
  CELL_SIZE,
  ENDIAN_MARK,
  HEADER,
  MAGIC,
  SLOT_COUNT,
  SLOT_SIZE,
} from "./layout.ts";
import { errnoOf, explainFileError, onSharedFile } from "./shared-file.ts";

let temporaries = 0;

/**
 * Opens a file that must be complete from its first moment on: makes it under another name, gives it its
 * memory and contents, and links it into place. Who comes second takes the first one's.
 *
 * @param size - bytes.
 * @param fill - writes the contents, through the descriptor.
 * @returns a descriptor that Node closes when this thread ends.
 * @throws InvalidStateError when the file system is full.
 */
export function openComplete(path: string, size: number, fill?: (fd: number) => void): number {
  for (;;) {
    const present = openPresent(path);
    if (present !== undefined) return present;
    temporaries++;
    const temporary = `${path}.tmp-${process.pid}-${temporaries}-${Math.random().toString(36).slice(2)}`;
    const fd = onSharedFile(temporary, () => openSync(temporary, "wx+", 0o600));
    try {
      allocateMemory(fd, size, path);
      onSharedFile(path, () => fill?.(fd));
      faultPoint("file:before-link");
      linkSync(temporary, path);
      faultPoint("file:linked");
      return fd;
    } catch (error) {
      closeSync(fd);
      if (!isOvertaken(error)) throw explainFileError(error, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }
}

/** Another one was there first, or tidied up what it took for left over. */
function isOvertaken(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === "EEXIST" || (code === "ENOENT" && syscall === "link");
}

/** Gives a file memory; a full file system is an error that says what to do. */
export function allocateMemory(fd: number, size: number, path: string): void {
  try {
    os().allocate(fd, size);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") throw explainFileError(error, path);
    throw new InvalidStateError(
      `There is no room for ${size} bytes at ${path}: the file system in memory is full. Close or unlink what is not needed (\`manycore clean\` removes what the dead left), or give it more room (in a container: --shm-size).`,
      { cause: error },
    );
  }
}

/** Opens a file if it exists; never follows a link. */
export function openPresent(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw explainFileError(error, path);
  }
}

/** Opens the arena of a namespace, making it when it is missing. */
export function openArenaFile(folder: string): number {
  return openComplete(join(folder, ARENA_FILE), ARENA_SIZE, (fd) => {
    const words = new Int32Array(HEADER.banks + 1);
    words[HEADER.magic] = MAGIC;
    words[HEADER.abi] = (ABI_MAJOR << 16) | ABI_MINOR;
    words[HEADER.size] = ARENA_SIZE;
    words[HEADER.slotCount] = SLOT_COUNT;
    words[HEADER.slotSize] = SLOT_SIZE;
    words[HEADER.cellSize] = CELL_SIZE;
    words[HEADER.bankCells] = BANK_CELLS;
    words[HEADER.endian] = ENDIAN_MARK;
    words[HEADER.banks] = 1;
    writeSync(fd, words, 0, words.byteLength, 0);
  });
}

/** Refuses a file that is too short to be touched. */
export function checkSize(fd: number, size: number, path: string): void {
  const status = onSharedFile(path, () => fstatSync(fd));
  if (!status.isFile() || status.size < size) {
    throw new InvalidStateError(
      `${path} is damaged: it has ${status.size} bytes where ${size} are expected. End the programs that use it and remove it.`,
    );
  }
}

/** Refuses an arena that this version does not understand, before anything in it is used. */
export function checkHeader(header: Int32Array, path: string): void {
  const found = (word: number): number => Atomics.load(header, word);
  const advice = `End the programs that use it and remove it, or set MANYCORE_NAMESPACE to another name.`;
  if (found(HEADER.magic) !== MAGIC) {
    throw new InvalidStateError(`${path} is not an arena of shared objects. ${advice}`);
  }
  const major = found(HEADER.abi) >>> 16;
  if (major !== ABI_MAJOR) {
    throw new NotSupportedError(
      `${path} was made by a version of this package with layout ${major}, and this one has layout ${ABI_MAJOR}. ${advice}`,
    );
  }
  const expected: [name: string, word: number, value: number][] = [
    ["size", HEADER.size, ARENA_SIZE],
    ["number of slots", HEADER.slotCount, SLOT_COUNT],
    ["size of a slot", HEADER.slotSize, SLOT_SIZE],
    ["size of a cell", HEADER.cellSize, CELL_SIZE],
    ["cells of a file", HEADER.bankCells, BANK_CELLS],
    ["byte order", HEADER.endian, ENDIAN_MARK],
  ];
  for (const [name, word, value] of expected) {
    if (found(word) !== value) {
      throw new InvalidStateError(
        `${path} is damaged: its ${name} is ${found(word)}, not ${value}. ${advice}`,
      );
    }
  }
}
