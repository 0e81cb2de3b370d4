import { fstatSync, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** So many links in a row are a circle; Linux gives up at the same number. */
const MAX_LINKS = 40;

/**
 * The identity of a file, whatever it is called: device and inode, or, of one that does
 * not exist yet, its folder's and its name there.
 *
 * @returns `undefined` for what may well be named twice (devices, pipes, terminals, folders), and for what
 * no file can be made at.
 */
export function fileIdentity(path: string): string | undefined {
  let place = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    const found = quietly(() => statSync(place, { bigint: true, throwIfNoEntry: false }));
    if (found !== undefined) return identityOf(found);
    const link = quietly(() => lstatSync(place, { throwIfNoEntry: false }));
    if (link?.isSymbolicLink() !== true) return newcomer(place);
    // A link to nothing yet: opening it makes what it points to.
    place = resolve(dirname(place), readlinkSync(place));
  }
  return undefined;
}

/** {@link fileIdentity} of what a standard stream is connected to. */
export function streamIdentity(fd: number): string | undefined {
  const found = quietly(() => fstatSync(fd, { bigint: true }));
  return found === undefined ? undefined : identityOf(found);
}

function identityOf(stats: BigIntStats): string | undefined {
  return stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
}

function newcomer(place: string): string | undefined {
  const folder = dirname(place);
  const found = quietly(() => statSync(folder, { bigint: true, throwIfNoEntry: false }));
  if (found?.isDirectory() !== true) return undefined;
  const name = basename(place).normalize("NFC");
  return `${found.dev}:${found.ino}/${ignoresCase(folder) ? name.toLowerCase() : name}`;
}

/** True when two names that differ in their case are one here; asked of a name that is there. */
function ignoresCase(folder: string): boolean {
  const names = quietly(() => readdirSync(folder)) ?? [];
  for (const name of names) {
    const swapped = swapCase(name);
    if (swapped === name) continue;
    // Both spellings may be there, as two files.
    if (names.includes(swapped)) return false;
    return quietly(() => lstatSync(join(folder, swapped), { throwIfNoEntry: false })) !== undefined;
  }
  return process.platform === "darwin" || process.platform === "win32";
}

function swapCase(name: string): string {
  return name.replaceAll(/[a-z]/gi, (letter) => {
    const lower = letter.toLowerCase();
    return letter === lower ? letter.toUpperCase() : lower;
  });
}

/** A file that cannot be asked is one that cannot be opened either, which is told there. */
function quietly<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
