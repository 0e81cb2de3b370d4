import { lstatSync, readdir, statSync } from "node:fs";
import type { Dirent } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CliError } from "../../cli-error.ts";

/**
 * The files that a pattern matches, sorted, so that the order of a run does not depend on the disk.
 *
 * Links to folders are not gone into: what is behind them would be found twice, or without end. A folder
 * whose own name is a link can be the start of a pattern.
 *
 * @param excluded - patterns of what is left out.
 * @throws CliError for a folder that cannot be read: what is in it would be missing without a word.
 */
export async function expandPattern(
  pattern: string,
  excluded: readonly string[],
): Promise<string[]> {
  const { glob, isDynamicPattern } = await import("tinyglobby");
  if (!isDynamicPattern(pattern)) throw new CliError(`There is no file ${pattern}`);
  const base = staticBase(pattern, isDynamicPattern);
  let failure: CliError | undefined;
  const matches = await glob(pattern, {
    expandDirectories: false,
    followSymbolicLinks: false,
    ignore: excluded,
    fs: {
      readdir: ((folder, _, done) => {
        readdir(folder, { withFileTypes: true }, (error, entries) => {
          const code = error?.code;
          if (error !== null && code !== "ENOENT" && code !== "ENOTDIR") {
            failure ??= unreadable(folder, error.message);
          }
          const found = error === null ? entries.flatMap((one) => seen(folder, one, base)) : [];
          const lost = found.find((entry) => entry.isDirectory() && isLost(folder, entry));
          if (lost !== undefined) {
            failure ??= unreadable(join(folder, lost.name), "its name is not UTF-8; rename it");
          }
          done(error, found);
        });
      }) as ReaddirLike as never,
    },
  });
  if (failure !== undefined) throw failure;
  return matches.sort();
}

type ReaddirLike = (
  folder: string,
  options: unknown,
  done: (error: Error | null, entries: Dirent[]) => void,
) => void;

/** The part of a pattern that names one folder. */
function staticBase(pattern: string, isDynamic: (pattern: string) => boolean): string {
  const parts = pattern.split("/");
  const first = parts.findIndex((part) => isDynamic(part));
  return resolve(
    parts.slice(0, Math.max(first, 0)).join("/") || (pattern.startsWith("/") ? "/" : "."),
  );
}

/** An entry as what is behind it: a link to a file is a file; one to a folder is one only on the way to the base. */
function seen(folder: string, entry: Dirent, base: string): Dirent[] {
  if (!entry.isSymbolicLink()) return [entry];
  const path = resolve(folder, entry.name);
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch {
    // It points to nothing, so there is nothing to be done.
    return [];
  }
  if (isFolder && base !== path && !base.startsWith(`${path}/`)) return [];
  const is = (value: boolean): PropertyDescriptor => ({ value: () => value });
  const kind = { isSymbolicLink: is(false), isFile: is(!isFolder), isDirectory: is(isFolder) };
  return [Object.create(entry, kind) as Dirent];
}

/** True when the name cannot be used: what is no UTF-8 was replaced in it. */
function isLost(folder: string, { name }: Dirent): boolean {
  if (!name.includes("\ufffd")) return false;
  return lstatSync(join(folder, name), { throwIfNoEntry: false }) === undefined;
}

function unreadable(folder: string, why: string): CliError {
  const path = relative(process.cwd(), folder) || ".";
  return new CliError(`Cannot read the folder ${path}: ${why}. To leave it out add '!${path}/**'`);
}
