import { constants, openSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "./platform.ts";

/** Linux's O_TMPFILE without the O_DIRECTORY that belongs to it; Node has no name for it. */
const TMPFILE_BIT = 0o20000000;

/**
 * Opens a new file that has no name, to be shared with a child by its descriptor: nothing is left of it
 * when the last holder ends, however it ends. In memory where the system has such a place.
 *
 * @returns the descriptor, open for reading and writing; the caller closes it.
 */
export function openNamelessFile(): number {
  if (process.platform === "linux") {
    for (const folder of ["/dev/shm", tmpdir()]) {
      try {
        return openSync(folder, constants.O_RDWR | constants.O_DIRECTORY | TMPFILE_BIT, 0o600);
      } catch {
        // The folder is missing, full, or on a file system without nameless files: the next one.
        continue;
      }
    }
  }
  const path = join(tmpdir(), `manycore-${process.pid}-${performance.now()}-${Math.random()}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return fd;
}
