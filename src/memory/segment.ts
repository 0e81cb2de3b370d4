import { constants as bufferConstants } from "node:buffer";
import { closeSync, openSync, rmSync } from "node:fs";
import { InvalidStateError } from "../errors/index.ts";
import { os, type Mapping } from "../os/index.ts";
import { faultPoint } from "../util/fault-point.ts";
import { allocateMemory, checkSize, openPresent } from "./arena-file.ts";
import { errnoOf, explainFileError, onSharedFile } from "./shared-file.ts";

/** The longest ArrayBuffer of this Node; a longer view would end the process. */
export const MAX_SEGMENT_BYTES: number = bufferConstants.MAX_LENGTH;

/**
 * Makes the file behind a new cell and maps it. It has its memory before anybody touches it, so a full
 * file system is an error here and not the death of whoever writes.
 * @param size - bytes, 1 to {@link MAX_SEGMENT_BYTES}.
 * @throws InvalidStateError when the file system is full.
 */
export function createSegment(path: string, size: number): Mapping {
  // Left by someone who died between making the file and freeing its cell.
  const fd = onSharedFile(path, () => {
    rmSync(path, { force: true });
    return openSync(path, "wx+", 0o600);
  });
  faultPoint("segment:file-empty");
  try {
    allocate(fd, size, path);
    return mapFile(fd, size, path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Maps the file behind a cell that is there.
 * @throws InvalidStateError when it is missing or shorter than its cell says.
 */
export function openSegment(path: string, size: number): Mapping {
  if (!Number.isSafeInteger(size) || size <= 0) {
    throw new InvalidStateError(
      `The entry of ${path} is damaged: it says ${size} bytes. End the programs that use it and remove the namespace.`,
    );
  }
  if (size > MAX_SEGMENT_BYTES) {
    throw new InvalidStateError(
      `${path} has ${size} bytes, and an ArrayBuffer of Node ${process.versions.node} at most ${MAX_SEGMENT_BYTES}: use a newer Node, or several smaller objects.`,
    );
  }
  const fd = openPresent(path);
  if (fd === undefined) {
    throw new InvalidStateError(
      `${path} is missing: something removed the memory of an object in use. Close or unlink the object and make it again.`,
    );
  }
  try {
    checkSize(fd, size, path);
    return mapFile(fd, size, path);
  } finally {
    closeSync(fd);
  }
}

function allocate(fd: number, size: number, path: string): void {
  try {
    allocateMemory(fd, size, path);
  } catch (cause) {
    // Beyond what the file system could ever hold.
    const code = errnoOf(cause);
    if (code !== "EFBIG" && code !== "ENOMEM") throw cause;
    throw new InvalidStateError(
      `There is no room for ${size} bytes at ${path}: no file there can be that long. Make several smaller objects.`,
      { cause },
    );
  }
}

function mapFile(fd: number, size: number, path: string): Mapping {
  try {
    return os().map(fd, size);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOMEM") throw explainFileError(cause, path);
    throw new InvalidStateError(
      `${path} could not be mapped: this process has no room for ${size} more bytes of addresses, or too many mappings (vm.max_map_count). Close shared objects that are not needed.`,
      { cause },
    );
  }
}
